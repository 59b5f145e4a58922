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
  WAIT_LINE,
} from "../../contracts/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { EventPump, Shim, UnixConnection } from "../../ffi/mod.ts";
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

/** Those who wait for the final answer at once. */
const MAX_WAITING = 256;
/** A client that asks gets its answer after at most this: it may still send `wait`. */
const QUESTION_MS = 50;

/** The gate of one node. */
export class Gate implements ReadinessGate {
  readonly #listener: { close(): void };
  readonly #waiting = new Set<UnixConnection>();
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
      for (const connection of this.#waiting) this.#answer(connection);
      this.#waiting.clear();
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
    for (const connection of this.#waiting) connection.close();
    this.#waiting.clear();
    this.#listeners.clear();
    if (!keepMarker) this.#removeMarker();
    if (shim.files.lstatIfPresent(paths.readySocket) !== null) shim.files.unlink(paths.readySocket);
  }

  /** Answers at once, or when the state is final to those who send `wait`; reads nothing else. */
  #onConnection(connection: UnixConnection): void {
    const { clock } = this.options;
    if (isFinal(this.#readiness) || this.#waiting.size >= MAX_WAITING) {
      return this.#answer(connection);
    }
    const timer = clock.setTimer(QUESTION_MS, () => answerNow());
    const answerNow = () => {
      clock.clearTimer(timer);
      this.#waiting.delete(connection);
      this.#answer(connection);
    };
    let asked = "";
    this.#waiting.add(connection);
    connection.start({
      onData: (bytes) => {
        asked += new TextDecoder().decode(bytes.subarray(0, WAIT_LINE.length));
        if (asked === WAIT_LINE) clock.clearTimer(timer);
        else if (!WAIT_LINE.startsWith(asked)) answerNow();
      },
      onEnd: () => answerNow(),
    });
  }

  #answer(connection: UnixConnection): void {
    connection.send(new TextEncoder().encode(readinessLine(this.#readiness)));
    connection.close();
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
