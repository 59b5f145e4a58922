import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  ANSWER_LIMIT_MS,
  ContractError,
  FILE_MODES,
  type HandoffMessage,
  type HandoffState,
  MAX_HANDOFF_CONNECTIONS,
  type MountHandle,
  type MountReference,
  NamespaceError,
  type NamespaceRequest,
  type NamespaceResponse,
  QUEUED_INTERVAL_MS,
} from "../../contracts/mod.ts";
import type { EventPump, Shim, UnixConnection, UnixPeer } from "../../ffi/mod.ts";
import { claimSocketPath } from "../readiness/mod.ts";
import { Consumer } from "./connection.ts";
import {
  emptyLine,
  enqueue,
  type Gate,
  leave,
  type LineStep,
  setGate,
  type WaitingLine,
} from "./waiting_line.ts";

/*
 * Shell: the handoff socket (PATH-2). Owns the listener, at most 16 consumers, and the line of requests
 * that wait for readiness; ends by `close`.
 */

/** What consumers can ask for. Methods throw contract errors. */
export interface HandoffService {
  requestNamespaces(request: NamespaceRequest): Promise<NamespaceResponse>;
  /** Descriptors of a response, the caller's to close. */
  openDescriptors(response: NamespaceResponse): readonly number[];
  endAllocation(allocationId: string): void;
  acquireMount(reference: MountReference): Promise<MountHandle>;
  releaseMount(reference: MountReference): Promise<void>;
  state(): HandoffState;
}

export interface HandoffServerOptions {
  readonly shim: Pick<Shim, "sockets" | "files">;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly path: string;
  readonly service: HandoffService;
  /** Why a peer may not connect; null when it may (NS-12). */
  readonly refusalOf: (peer: UnixPeer) => string | null;
  readonly onRefused: (peer: UnixPeer, reason: string) => void;
}

/** Requests of all consumers that are not answered yet. */
const MAX_OUTSTANDING = 256;
/** Made at the same time. */
const MAX_RUNNING = 4;
/** Before readiness these wait; the rest is answered at once (NS-14). */
const WAITING_KINDS: readonly HandoffMessage["kind"][] = ["request_namespaces", "acquire_mount"];

interface Request {
  readonly consumer: Consumer;
  readonly message: HandoffMessage;
}

/** The server of the handoff protocol. */
export class HandoffServer {
  readonly #consumers = new Set<Consumer>();
  readonly #listener: { close(): void };
  readonly #ready: Request[] = [];
  #line: WaitingLine<Request> = emptyLine("InitHardware");
  #running = 0;
  #lastId = 0;
  #keepAlive: TimerHandle | undefined;

  /** Opens the socket. @throws {PathError} InUse when somebody listens there already */
  constructor(private readonly options: HandoffServerOptions) {
    const { shim, events, path } = options;
    claimSocketPath(shim, path);
    const how = { mode: FILE_MODES.handoffSocket, backlog: MAX_HANDOFF_CONNECTIONS };
    this.#listener = shim.sockets.listen(path, how, events, (connection) => {
      this.#onConnection(connection);
    });
  }

  /** How far the node is: what waited is answered when it is ready or never will be. */
  setGate(gate: Gate): void {
    this.#take(setGate(this.#line, gate));
  }

  /** Tells every consumer that an allocation is over (NS-22). */
  tellEnded(allocationId: string): void {
    for (const consumer of this.#consumers) {
      consumer.send(++this.#lastId, "allocation_ended", { allocationId });
    }
  }

  close(): void {
    const { clock, shim, path } = this.options;
    this.#listener.close();
    if (this.#keepAlive !== undefined) clock.clearTimer(this.#keepAlive);
    for (const consumer of [...this.#consumers]) consumer.close();
    if (shim.files.lstatIfPresent(path) !== null) shim.files.unlink(path);
  }

  #onConnection(connection: UnixConnection): void {
    const { refusalOf, onRefused, log } = this.options;
    const refusal = refusalOf(connection.peer);
    if (refusal !== null) {
      connection.close();
      return onRefused(connection.peer, refusal);
    }
    if (this.#consumers.size >= MAX_HANDOFF_CONNECTIONS) {
      log.warn("handoff connection refused: too many", { pid: connection.peer.pid });
      return connection.close();
    }
    const consumer = new Consumer(connection, {
      onMessage: (message) => this.#onMessage({ consumer, message }),
      onGone: () => this.#onGone(consumer),
    });
    this.#consumers.add(consumer);
  }

  #onGone(consumer: Consumer): void {
    this.#consumers.delete(consumer);
    this.#line = leave(this.#line, (request) => request.consumer === consumer);
  }

  #onMessage(request: Request): void {
    const { consumer, message } = request;
    if (message.kind === "ack") return;
    if (WAITING_KINDS.includes(message.kind)) {
      this.#take(enqueue(this.#line, request));
      return this.#tellWaiting(({ item }) => item === request);
    }
    if (this.#outstanding >= MAX_OUTSTANDING) return this.#tooMany(request);
    try {
      this.#answerAtOnce(consumer, message);
    } catch (error) {
      this.#sendError(request, error);
    }
  }

  get #outstanding(): number {
    return this.#ready.length + this.#running;
  }

  #answerAtOnce(consumer: Consumer, message: HandoffMessage): void {
    const { service } = this.options;
    switch (message.kind) {
      case "list":
        consumer.send(message.id, "state", service.state());
        return;
      case "allocation_ended":
      case "release_namespaces":
        service.endAllocation(message.body.allocationId);
        consumer.send(message.id, "ack", {});
        return;
      case "release_mount":
        return this.#take({ line: this.#line, run: [{ consumer, message }], refuse: [] });
      default: {
        const text = `kind ${message.kind} is not for this side`;
        consumer.send(message.id, "error", { kind: "Protocol", message: text });
        return consumer.close();
      }
    }
  }

  #take({ line, run, refuse }: LineStep<Request>): void {
    this.#line = line;
    for (const { item, error } of refuse) this.#sendError(item, error);
    for (const request of run) {
      if (this.#outstanding >= MAX_OUTSTANDING) this.#tooMany(request);
      else this.#ready.push(request);
    }
    this.#runNext();
  }

  #tooMany(request: Request): void {
    const reason = "too many requests at once";
    this.#sendError(request, new NamespaceError({ kind: "CreationFailed", reason }));
  }

  #runNext(): void {
    while (this.#running < MAX_RUNNING) {
      const request = this.#ready.shift();
      if (request === undefined) return;
      if (!request.consumer.isOpen) continue;
      this.#running++;
      this.#run(request).catch((error: unknown) => this.#sendError(request, error)).finally(() => {
        this.#running--;
        this.#runNext();
      });
    }
  }

  async #run({ consumer, message }: Request): Promise<void> {
    const { service } = this.options;
    switch (message.kind) {
      case "request_namespaces": {
        const response = await this.#withinLimit(service.requestNamespaces(message.body));
        return this.#handOver(consumer, message.id, response);
      }
      case "acquire_mount": {
        const handle = await this.#withinLimit(service.acquireMount(message.body));
        return void consumer.send(message.id, "mount", handle);
      }
      case "release_mount":
        await this.#withinLimit(service.releaseMount(message.body));
        return void consumer.send(message.id, "ack", {});
    }
  }

  #handOver(consumer: Consumer, id: number, response: NamespaceResponse): void {
    const { service, shim } = this.options;
    const descriptors = service.openDescriptors(response);
    try {
      consumer.send(id, "namespaces", response, descriptors);
    } finally {
      for (const fd of descriptors) shim.files.closeDescriptor(fd);
    }
  }

  /** NS-15. What comes to be after the limit is found by repeating the request, or cleaned up unused. */
  async #withinLimit<T>(work: Promise<T>): Promise<T> {
    const { clock } = this.options;
    const late = Promise.withResolvers<never>();
    const timer = clock.setTimer(ANSWER_LIMIT_MS, () => {
      const reason = `not done within ${ANSWER_LIMIT_MS / 1000} s`;
      late.reject(new NamespaceError({ kind: "CreationFailed", reason }));
    });
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      clock.clearTimer(timer);
      work.catch(() => {});
    }
  }

  #sendError({ consumer, message }: Request, error: unknown): void {
    const isOurs = error instanceof ContractError;
    if (!isOurs) this.options.log.error("handoff request failed", { error: String(error) });
    consumer.send(message.id, "error", {
      kind: isOurs ? String(error.kind) : "CreationFailed",
      message: isOurs ? error.message : "namespace creation failed: internal error",
    });
  }

  /** NS-11: who waits hears of it at once, and then every 5 s. */
  #tellWaiting(isMeant: (place: { readonly item: Request }) => boolean = () => true): void {
    const { clock } = this.options;
    const { gate, items } = this.#line;
    if (gate.name !== "Booting" || items.length === 0) return;
    const reason = `node is not ready: ${gate.phase}`;
    items.map((item, index) => ({ item, position: index + 1 })).filter(isMeant).forEach(
      ({ item: { consumer, message }, position }) =>
        consumer.send(message.id, "queued", { reason, position }),
    );
    this.#keepAlive ??= clock.setTimer(QUEUED_INTERVAL_MS, () => {
      this.#keepAlive = undefined;
      this.#tellWaiting();
    });
  }
}
