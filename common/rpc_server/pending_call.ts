import type { Http2ServerResponse } from "node:http2";
import type { ServerResponse } from "node:http";
import type { ConnectError } from "@connectrpc/connect";
import { callGone, deadlineOver } from "./deadline.ts";
import type { CancelDeadline, DeadlineWheel } from "./deadline_wheel.ts";

/**
 * A call that waits for its answer. Owns its deadline, and ends with the first of three: an answer,
 * the end of the deadline, the caller's going.
 */
export class PendingCall {
  readonly #cancelDeadline: CancelDeadline;
  readonly #onGone = () => {
    if (this.finish()) this.#controller.abort(callGone());
  };
  readonly #controller = new AbortController();
  #isFinished = false;

  /** `onDeadline` gets the error to answer with. */
  constructor(
    private readonly response: Http2ServerResponse | ServerResponse,
    deadlines: DeadlineWheel,
    timeoutMs: number,
    onDeadline: (error: ConnectError) => void,
  ) {
    this.#cancelDeadline = deadlines.add(timeoutMs, () => {
      const error = deadlineOver();
      if (this.finish()) onDeadline(error);
      this.#controller.abort(error);
    });
    response.on("close", this.#onGone);
  }

  /** Aborts when nobody waits any more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Takes the right to answer; false when the call has its answer or nobody waits for one. */
  finish(): boolean {
    if (this.#isFinished) return false;
    this.#isFinished = true;
    this.#cancelDeadline();
    this.response.off("close", this.#onGone);
    return true;
  }
}
