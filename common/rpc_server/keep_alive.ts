/**
 * Finds out which peers are gone without a word: their machine lost power, or a cable (SUB-7). Owns
 * one timer, which runs while there are sessions, and ends with `stop`.
 *
 * | a session is | at a tick                        | next                                        |
 * |--------------|----------------------------------|---------------------------------------------|
 * | quiet        | 30 s after it was last heard of  | pinged, a PING is sent                      |
 * | pinged       | the answer came                  | quiet                                       |
 * | pinged       | 10 s are over                    | overdue                                     |
 * | overdue      | the answer came                  | quiet                                       |
 * | overdue      | the next tick                    | ended                                       |
 *
 * Overdue sessions get one tick more, because an answer may lie unread where this process itself was
 * held up; for the same reason the next tick is only set once waiting input was read.
 *
 * @module
 */
import type { ServerHttp2Session } from "node:http2";
import type { Clock, TimerHandle } from "../clock/mod.ts";

/** How long a connection is quiet before its peer is asked whether it is there. */
const PING_EVERY_MS = 30_000;

/** How long an answer may take. */
const ANSWER_WITHIN_MS = 10_000;

const TICK_MS = 1_000;

type Watch =
  | { readonly phase: "quiet"; readonly sinceMs: number }
  | { readonly phase: "pinged"; readonly sinceMs: number }
  | { readonly phase: "overdue" };

/** Asks the peers of live sessions whether they are still there. */
export class KeepAlive {
  readonly #sessions = new Map<ServerHttp2Session, Watch>();
  #timer: TimerHandle | undefined;
  #isStopped = false;

  /** `end` ends a session whose peer is gone. */
  constructor(
    private readonly clock: Clock,
    private readonly end: (session: ServerHttp2Session) => void,
  ) {}

  /** Watches a session until it closes. */
  add(session: ServerHttp2Session): void {
    this.#heard(session);
    session.once("close", () => this.#sessions.delete(session));
    this.#arm();
  }

  /** Watches nothing any more. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== undefined) this.clock.clearTimer(this.#timer);
  }

  #arm(): void {
    if (this.#isStopped || this.#timer !== undefined || this.#sessions.size === 0) return;
    this.#timer = this.clock.setTimer(TICK_MS, () => {
      this.#tick();
      setImmediate(() => {
        this.#timer = undefined;
        this.#arm();
      });
    });
  }

  #tick(): void {
    const nowMs = this.clock.monotonicMs();
    for (const [session, watch] of this.#sessions) {
      if (watch.phase === "overdue") {
        this.#sessions.delete(session);
        this.end(session);
      } else if (watch.phase === "pinged") {
        if (nowMs - watch.sinceMs >= ANSWER_WITHIN_MS) {
          this.#sessions.set(session, { phase: "overdue" });
        }
      } else if (nowMs - watch.sinceMs >= PING_EVERY_MS) {
        this.#ping(session, nowMs);
      }
    }
  }

  #ping(session: ServerHttp2Session, nowMs: number): void {
    // One that is closing ends by itself.
    if (session.closed || session.destroyed) return;
    this.#sessions.set(session, { phase: "pinged", sinceMs: nowMs });
    session.ping((error) => {
      if (error === null && this.#sessions.has(session)) this.#heard(session);
    });
  }

  #heard(session: ServerHttp2Session): void {
    this.#sessions.set(session, { phase: "quiet", sinceMs: this.clock.monotonicMs() });
  }
}
