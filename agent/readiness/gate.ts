import type { Logger } from "../../common/log/mod.ts";
import {
  FILE_MODES,
  isFinal,
  type NodePaths,
  type Readiness,
  ReadinessError,
  type ReadinessGate,
  readinessLine,
  readyMarkerText,
} from "../../contracts/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { EventPump, Shim, UnixConnection } from "../../ffi/mod.ts";
import { Client } from "./client.ts";
import { claimSocketPath } from "./socket_path.ts";

/*
 * Shell: says whether this node is ready, by the marker file and the socket anybody may ask (RDY-1 to
 * RDY-6). Owns both, and the connections of those who wait; ends by `close`.
 */

export interface GateOptions {
  readonly shim: Pick<Shim, "sockets" | "files">;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly paths: NodePaths;
  /** The state before the first news of the boot. */
  readonly initial: Readiness;
  /** A former agent of this boot was ready, and its services run on (RDY-4). */
  readonly keepsMarker: boolean;
}

/** Connected at once; more are closed unanswered. */
const MAX_CLIENTS = 256;

/** The gate of one node. */
export class Gate implements ReadinessGate {
  readonly #listener: { close(): void };
  readonly #clients = new Set<Client>();
  readonly #listeners = new Set<(readiness: Readiness) => void>();
  #readiness: Readiness;

  /** Opens the socket. @throws {PathError} InUse when somebody listens there already */
  constructor(private readonly options: GateOptions) {
    const { shim, events, paths, keepsMarker, initial } = options;
    this.#readiness = initial;
    if (!keepsMarker) this.#removeMarker();
    claimSocketPath(shim, paths.readySocket);
    const how = { mode: FILE_MODES.readySocket, backlog: 64 };
    this.#listener = shim.sockets.listen(paths.readySocket, how, events, (connection) => {
      this.#onConnection(connection);
    });
  }

  get readiness(): Readiness {
    return this.#readiness;
  }

  /** News of the boot. Once ready a node stays ready until it stops (RDY-3). */
  set(readiness: Readiness): void {
    if (this.#readiness.name === "Ready") return;
    this.#readiness = readiness;
    if (readiness.name === "Ready") this.#writeMarker(readiness.nodeId, readiness.since);
    if (isFinal(readiness)) {
      for (const client of this.#clients) client.answer();
    }
    for (const listener of this.#listeners) listener(readiness);
  }

  /** Called with every change, and with the state as it is now. */
  follow(listener: (readiness: Readiness) => void): void {
    this.#listeners.add(listener);
    listener(this.#readiness);
  }

  isReady(): Promise<boolean> {
    return Promise.resolve(this.#readiness.name === "Ready");
  }

  waitReady(timeoutMs?: number): Promise<void> {
    const { clock } = this.options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = timeoutMs === undefined
      ? undefined
      : clock.setTimer(timeoutMs, () => reject(new ReadinessError({ kind: "Timeout" })));
    const settle = (readiness: Readiness) => {
      if (readiness.name === "Ready") resolve();
      if (readiness.name === "Failed") {
        reject(new ReadinessError({ kind: "BootFailed", reason: readiness.reason }));
      }
    };
    this.follow(settle);
    return promise.finally(() => {
      this.#listeners.delete(settle);
      if (timer !== undefined) clock.clearTimer(timer);
    });
  }

  /** The node stops: nobody is to think it ready (RDY-2). @param keepMarker it starts again (RDY-4) */
  close(keepMarker: boolean): void {
    const { shim, paths } = this.options;
    this.#listener.close();
    for (const client of [...this.#clients]) client.close();
    this.#listeners.clear();
    if (!keepMarker) this.#removeMarker();
    if (shim.files.lstatIfPresent(paths.readySocket) !== null) shim.files.unlink(paths.readySocket);
  }

  /** Answers at once, or when the state is final to those who send `wait`; heeds nothing else. */
  #onConnection(connection: UnixConnection): void {
    if (this.#clients.size >= MAX_CLIENTS) return connection.close();
    const client = new Client(connection, this.options.clock, {
      answer: () => readinessLine(this.#readiness),
      onGone: () => this.#clients.delete(client),
    });
    this.#clients.add(client);
    if (isFinal(this.#readiness)) client.answer();
  }

  #writeMarker(nodeId: string, since: string): void {
    const { shim, paths, log } = this.options;
    try {
      const text = readyMarkerText(nodeId, since);
      shim.files.writeAtomicSync(paths.readyMarker, text, { mode: FILE_MODES.readyMarker });
    } catch (error) {
      log.error("readiness marker not written", { error: String(error) });
    }
  }

  #removeMarker(): void {
    const { files } = this.options.shim;
    const { readyMarker } = this.options.paths;
    if (files.lstatIfPresent(readyMarker) !== null) files.unlink(readyMarker);
  }
}
