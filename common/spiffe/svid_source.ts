/**
 * This process's SVID as a node's SPIFFE agent gives and rotates it. It owns one stream at a time and
 * a timer, and ends by `close`; the rules are in svid_state.ts.
 */
import type { Clock, TimerHandle } from "../clock/mod.ts";
import type { Logger } from "../log/mod.ts";
import { chooseSvid, type SvidChoice } from "./choose_svid.ts";
import { SpiffeError } from "./error.ts";
import type { SvidIdentity } from "./svid.ts";
import { type HeldSvid, initialSvidState, type SvidEvent, svidStep } from "./svid_state.ts";
import { x509Answers } from "./workload_api.ts";

/** What a source works with. */
export interface SvidSourceOptions {
  readonly socketPath: string;
  readonly choice: SvidChoice;
  /** A site may be without a SPIFFE agent: that there is none is no news then. */
  readonly isOptional: boolean;
  /** Longest wait between two tries to reach the agent. */
  readonly retryMaxMs: number;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** A running source. */
export interface SvidSource {
  /** The identity in force. */
  readonly held: HeldSvid | undefined;
  /** Why there is none, or why none follows it; undefined while the stream is up. */
  readonly trouble: SpiffeError | undefined;
  /** Told whenever `held` changes. Returns what ends it. */
  onChange(listener: (held: HeldSvid | undefined) => void): () => void;
  /**
   * The identity in force, as soon as there is one.
   *
   * @throws {SpiffeError} the trouble as it is when `signal` aborts; with `isPatient: false`, the first
   * trouble there is.
   */
  identity(options: { signal: AbortSignal; isPatient: boolean }): Promise<SvidIdentity>;
  close(): void;
}

/** Begins to ask; the source tries for ever. */
export function openSvidSource(options: SvidSourceOptions): SvidSource {
  const source = new Source(options);
  source.start();
  return source;
}

class Source implements SvidSource {
  #state = initialSvidState;
  #trouble: SpiffeError | undefined;
  #stream = new AbortController();
  #timer: TimerHandle | undefined;
  readonly #listeners = new Set<(held: HeldSvid | undefined) => void>();
  /** Told of every transition. */
  readonly #waiting = new Set<() => void>();

  constructor(private readonly options: SvidSourceOptions) {}

  get held(): HeldSvid | undefined {
    return this.#state.held;
  }

  get trouble(): SpiffeError | undefined {
    return this.#trouble;
  }

  start(): void {
    this.#on({ kind: "start" });
  }

  onChange(listener: (held: HeldSvid | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async identity(
    { signal, isPatient }: { signal: AbortSignal; isPatient: boolean },
  ): Promise<SvidIdentity> {
    // Ends with an identity, with the first trouble, or with the signal.
    while (this.held === undefined) {
      const isOver = signal.aborted || this.#state.phase.kind === "closed";
      if (isOver || (!isPatient && this.#trouble !== undefined)) {
        throw this.#trouble ?? new SpiffeError("UNAVAILABLE", "no answer in time");
      }
      await this.#change(signal);
    }
    return this.held.identity;
  }

  close(): void {
    this.#on({ kind: "close" });
    this.#listeners.clear();
  }

  #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    return promise.finally(() => this.#waiting.delete(resolve));
  }

  #on(event: SvidEvent): void {
    const { clock, retryMaxMs } = this.options;
    const { state, effects } = svidStep(this.#state, event, clock.nowMs(), { retryMaxMs });
    this.#state = state;
    for (const effect of effects) {
      if (effect.kind === "connect") this.#connect();
      else if (effect.kind === "disconnect") this.#stream.abort();
      else if (effect.kind === "wakeAt") this.#wakeAt(effect.atMs);
      else this.#announce(effect.held);
    }
    for (const wake of this.#waiting) wake();
  }

  #announce(held: HeldSvid | undefined): void {
    const { log } = this.options;
    if (held === undefined) log.warn("no SVID any more");
    else {
      const { id, serialHex, notAfterMs } = held.identity.svid;
      log[held.isAging ? "warn" : "info"](held.isAging ? "SVID is not renewed" : "SVID in force", {
        id: id.uri,
        serial: serialHex,
        until: new Date(notAfterMs).toISOString(),
      });
    }
    for (const listener of this.#listeners) listener(held);
  }

  #wakeAt(atMs: number | undefined): void {
    const { clock } = this.options;
    if (this.#timer !== undefined) clock.clearTimer(this.#timer);
    this.#timer = atMs === undefined
      ? undefined
      : clock.setTimer(Math.max(atMs - clock.nowMs(), 0), () => this.#on({ kind: "due" }));
  }

  #connect(): void {
    this.#stream.abort();
    const stream = this.#stream = new AbortController();
    void this.#read(stream.signal);
  }

  /** One stream, from its opening to its end; what an abandoned one says is not heard. */
  async #read(signal: AbortSignal): Promise<void> {
    const { socketPath, choice } = this.options;
    try {
      for await (const set of x509Answers(socketPath, signal)) {
        if (signal.aborted) return;
        const identity = chooseSvid(set, choice);
        this.#trouble = undefined;
        this.#on({ kind: "answer", identity });
      }
    } catch (error) {
      this.#broken(signal, error);
    }
  }

  #broken(signal: AbortSignal, error: unknown): void {
    if (signal.aborted) return;
    const { log, random, isOptional } = this.options;
    const trouble = error instanceof SpiffeError
      ? error
      : new SpiffeError("UNAVAILABLE", String(error), { cause: error });
    // An outage is worth one line, not one for each try.
    const isNews = this.#trouble?.code !== trouble.code &&
      !(isOptional && trouble.code === "NO_AGENT" && this.held === undefined);
    log[isNews ? "warn" : "debug"]("no answer of the SPIFFE agent", {
      code: trouble.code,
      reason: trouble.message,
    });
    this.#trouble = trouble;
    this.#on({ kind: "broken", code: trouble.code, jitter: random() });
  }
}
