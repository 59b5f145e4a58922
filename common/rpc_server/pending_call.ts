import { type ConnectError, type ContextKey, createContextKey } from "@connectrpc/connect";
import type { Clock } from "../clock/mod.ts";
import { callGone, deadlineOver } from "./deadline.ts";
import type { Deadlines, Expiring } from "./deadlines.ts";
import type { UnaryExchange } from "./unary_exchange.ts";

/**
 * A call that waits for its answer. Owns its deadline, and ends with the first of three: an answer,
 * the end of the deadline, the caller's going.
 */
export class PendingCall implements Expiring {
  readonly endsAtMs: number;
  readonly #place: number;
  #isFinished = false;
  /** Why nobody waits any more. */
  #reason: ConnectError | undefined;
  #controller: AbortController | undefined;
  #listeners: (() => void)[] = [];

  /** `onDeadline` gets the error to answer with. */
  constructor(
    private readonly exchange: UnaryExchange,
    private readonly deadlines: Deadlines,
    private readonly clock: Clock,
    timeoutMs: number,
    private readonly onDeadline: (error: ConnectError) => void,
  ) {
    this.endsAtMs = clock.monotonicMs() + timeoutMs;
    this.#place = deadlines.add(this);
    exchange.onGone(() => {
      if (this.finish()) this.#abort(callGone());
    });
  }

  timeLeftMs(): number {
    return Math.max(0, this.endsAtMs - this.clock.monotonicMs());
  }

  /** Aborts when nobody waits any more. Made for who asks: short calls have no use for one. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** As a signal's own, for who needs no more of one. */
  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): ConnectError | undefined {
    return this.#reason;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    const at = this.#listeners.indexOf(listener);
    if (at !== -1) this.#listeners.splice(at, 1);
  }

  /** Takes the right to answer; false when the call has its answer or nobody waits for one. */
  finish(): boolean {
    if (this.#isFinished) return false;
    this.#isFinished = true;
    this.deadlines.delete(this, this.#place);
    this.exchange.onGone(undefined);
    return true;
  }

  expire(): void {
    const error = deadlineOver();
    if (this.finish()) this.onDeadline(error);
    this.#abort(error);
  }

  #abort(reason: ConnectError): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}

/** The call behind a handler's context; undefined for those that the library answers. */
export const pendingCallKey: ContextKey<PendingCall | undefined> = createContextKey<
  PendingCall | undefined
>(undefined, { description: "pending call" });
