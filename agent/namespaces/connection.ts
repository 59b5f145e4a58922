import {
  encodeFrame,
  FrameDecoder,
  type HandoffBodies,
  type HandoffKind,
  type HandoffMessage,
  ProtocolError,
} from "../../contracts/mod.ts";
import type { UnixConnection } from "../../ffi/mod.ts";

/*
 * Shell: one consumer's connection. Owns the stream; ends when the consumer goes, breaks the protocol or
 * does not read, or by `close`.
 */

/** What a consumer says, and that it is gone. */
export interface ConsumerEvents {
  onMessage(message: HandoffMessage): void;
  onGone(): void;
}

/** A connected consumer. */
export class Consumer {
  readonly #decoder = new FrameDecoder();
  #isOpen = true;

  constructor(
    private readonly connection: UnixConnection,
    private readonly events: ConsumerEvents,
  ) {
    connection.start({ onData: (bytes) => this.#onData(bytes), onEnd: () => this.close() });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Sends a message, descriptors on its first byte (NS-10). A consumer that does not read is cut off. */
  send<Kind extends HandoffKind>(
    id: number,
    kind: Kind,
    body: HandoffBodies[Kind],
    descriptors: readonly number[] = [],
  ): boolean {
    if (!this.#isOpen) return false;
    const message = { id, kind, body } as Extract<HandoffMessage, { kind: Kind }>;
    const isSent = this.connection.send(encodeFrame(message), descriptors);
    if (!isSent) this.close();
    return isSent;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.connection.close();
    this.events.onGone();
  }

  /** NS-13: what is no frame is answered with `Protocol` and the connection closed. */
  #onData(bytes: Uint8Array): void {
    try {
      for (const { message } of this.#decoder.push(bytes)) {
        if (this.#isOpen) this.events.onMessage(message);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.send(0, "error", { kind: "Protocol", message: error.message });
      this.close();
    }
  }
}
