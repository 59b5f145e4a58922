import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { WAIT_LINE } from "../../contracts/mod.ts";
import type { UnixConnection } from "../../ffi/mod.ts";

/*
 * Shell: one question to the readiness gate. Owns its connection and a timer; ends when the client has
 * its answer and has gone, or does not go.
 */

/** What a client needs. */
export interface ClientDuties {
  /** The line to answer with. */
  answer(): string;
  onGone(): void;
}

/** Who says nothing for so long does not want to wait. */
const QUESTION_MS = 50;
/** How long a client may take to go after its answer. */
const LINGER_MS = 1_000;

/** A connected client. */
export class Client {
  #asked = "";
  #timer: TimerHandle;
  #isAnswered = false;

  constructor(
    private readonly connection: UnixConnection,
    private readonly clock: Clock,
    private readonly duties: ClientDuties,
  ) {
    this.#timer = clock.setTimer(QUESTION_MS, () => this.answer());
    connection.start({
      onData: (bytes) => this.#onData(bytes),
      onEnd: () => {
        this.answer();
        this.close();
      },
    });
  }

  /** Once. */
  answer(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.clock.clearTimer(this.#timer);
    this.#timer = this.clock.setTimer(LINGER_MS, () => this.close());
    if (this.connection.send(new TextEncoder().encode(this.duties.answer()))) {
      this.connection.finish();
    } else this.close();
  }

  close(): void {
    this.clock.clearTimer(this.#timer);
    this.connection.close();
    this.duties.onGone();
  }

  #onData(bytes: Uint8Array): void {
    if (this.#isAnswered || this.#asked === WAIT_LINE) return;
    this.#asked += new TextDecoder().decode(bytes.subarray(0, WAIT_LINE.length));
    if (this.#asked === WAIT_LINE) this.clock.clearTimer(this.#timer);
    else if (!WAIT_LINE.startsWith(this.#asked)) this.answer();
  }
}
