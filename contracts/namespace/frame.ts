/** Framing of the handoff socket (NS-10): a 4-byte big-endian length, then that much JSON. */
import { decodeJson, encodeJson } from "../json.ts";
import { ProtocolError } from "./error.ts";
import { type HandoffMessage, handoffMessageFromJson, handoffMessageToJson } from "./message.ts";

const HEADER_BYTES = 4;

/** Largest length a frame may announce. */
export const MAX_FRAME_BYTES = 65_536;

/** A message and where in the stream it began: descriptors ride on a frame's first byte. */
export interface ReceivedMessage {
  readonly message: HandoffMessage;
  /** Offset of the frame's first byte from the start of the connection. */
  readonly streamOffset: number;
}

/**
 * The bytes of one message.
 *
 * @throws {ProtocolError} when the message does not fit into a frame
 */
export function encodeFrame(message: HandoffMessage): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(encodeJson(handoffMessageToJson(message)));
  if (json.length > MAX_FRAME_BYTES) {
    throw new ProtocolError(`message of ${json.length} bytes exceeds ${MAX_FRAME_BYTES}`);
  }
  const frame = new Uint8Array(HEADER_BYTES + json.length);
  new DataView(frame.buffer).setUint32(0, json.length);
  frame.set(json, HEADER_BYTES);
  return frame;
}

/**
 * Puts messages together from the pieces a stream delivers, holding at most one frame.
 *
 * ```ts
 * import { encodeFrame, FrameDecoder } from "./frame.ts";
 *
 * const frame = encodeFrame({ id: 7, kind: "list", body: {} });
 * const decoder = new FrameDecoder();
 * if (decoder.push(frame.subarray(0, 3)).length !== 0) throw new Error();
 * const [received] = decoder.push(frame.subarray(3));
 * if (received?.message.kind !== "list" || received.message.id !== 7) throw new Error();
 * ```
 */
export class FrameDecoder {
  readonly #frame = new Uint8Array(HEADER_BYTES + MAX_FRAME_BYTES);
  #filled = 0;
  #consumed = 0;
  #failed = false;

  /** True while part of a frame is held: a stream that ends now was cut off mid-frame. */
  get isMidFrame(): boolean {
    return this.#filled > 0;
  }

  /**
   * Takes the next bytes of the stream and returns the messages they complete.
   *
   * @throws {ProtocolError} for an oversized or malformed frame; the connection is then to be
   * closed (NS-13), and every further call throws
   */
  push(bytes: Uint8Array): ReceivedMessage[] {
    if (this.#failed) throw new ProtocolError("the connection has failed");
    const received: ReceivedMessage[] = [];
    let rest = bytes;
    while (rest.length > 0) {
      const taken = Math.min(this.#missing(), rest.length);
      this.#frame.set(rest.subarray(0, taken), this.#filled);
      this.#filled += taken;
      rest = rest.subarray(taken);
      if (this.#missing() === 0) received.push(this.#complete());
    }
    return received;
  }

  /** Bytes until the header, and then the frame, is whole. */
  #missing(): number {
    if (this.#filled < HEADER_BYTES) return HEADER_BYTES - this.#filled;
    const length = new DataView(this.#frame.buffer).getUint32(0);
    if (length < 1 || length > MAX_FRAME_BYTES) {
      this.#failed = true;
      throw new ProtocolError(`frame length ${length} is outside 1..${MAX_FRAME_BYTES}`);
    }
    return HEADER_BYTES + length - this.#filled;
  }

  #complete(): ReceivedMessage {
    try {
      const utf8 = new TextDecoder("utf-8", { fatal: true });
      const json = utf8.decode(this.#frame.subarray(HEADER_BYTES, this.#filled));
      const message = handoffMessageFromJson(decodeJson(json));
      const streamOffset = this.#consumed;
      this.#consumed += this.#filled;
      this.#filled = 0;
      return { message, streamOffset };
    } catch (error) {
      this.#failed = true;
      if (error instanceof ProtocolError) throw error;
      throw new ProtocolError(error instanceof Error ? error.message : "malformed frame", {
        cause: error,
      });
    }
  }
}
