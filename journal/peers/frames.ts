/**
 * What members say to each other on a connection of their own protocol: frames of a kind, a length
 * and a body. Pure.
 *
 * | offset | bytes | content                       |
 * |--------|-------|-------------------------------|
 * | 0      | 1     | kind                          |
 * | 1      | 4     | length of the body, big-endian |
 * | 5      |       | the body                      |
 */
import { CodecError } from "./bytes.ts";

/** The protocol's name in the TLS handshake; who does not know it is spoken with over HTTP/2. */
export const FRAME_PROTOCOL = "pact-raft/1";

export const FRAME_HEAD_BYTES = 5;

/** What a body is. */
export const FRAME = {
  /** A RaftBatch. */
  batch: 0,
  /** A batch of nothing but packed Raft messages, which follows the one before it. */
  messages: 1,
  /** A RaftAnswer. */
  answer: 2,
  /** A PeerCallError: why the sender ends the connection. */
  end: 3,
} as const;

export interface Frame {
  readonly kind: number;
  /** A view of what was received. */
  readonly body: Uint8Array;
}

/** Writes the head of the frame that `frame` is. */
export function putFrameHead(frame: Uint8Array, kind: number): void {
  const length = frame.length - FRAME_HEAD_BYTES;
  frame[0] = kind;
  frame[1] = length >>> 24;
  frame[2] = length >>> 16;
  frame[3] = length >>> 8;
  frame[4] = length;
}

/** A frame around `body`, which is copied. */
export function framed(kind: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_HEAD_BYTES + body.length);
  putFrameHead(frame, kind);
  frame.set(body, FRAME_HEAD_BYTES);
  return frame;
}

/** Puts frames together from what comes in, in whatever pieces. */
export class FrameReader {
  /** What has come and is not part of a frame that was taken; begins with a head. */
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** @param bodyMaxBytes Of frames to come; may change. */
  constructor(public bodyMaxBytes: number) {}

  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    // A plain array whatever it was: a slice of a Buffer is no copy.
    this.#pieces.push(new Uint8Array(piece.buffer, piece.byteOffset, piece.length));
    this.#bytes += piece.length;
  }

  /**
   * The next frame that is there as a whole.
   *
   * @throws CodecError for one that is longer than allowed, as soon as its head is there
   */
  next(): Frame | undefined {
    if (this.#bytes < FRAME_HEAD_BYTES) return undefined;
    const head = this.#gather(FRAME_HEAD_BYTES);
    const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
    if (length > this.bodyMaxBytes) {
      throw new CodecError(`a frame of ${length} bytes where ${this.bodyMaxBytes} are allowed`);
    }
    const end = FRAME_HEAD_BYTES + length;
    if (this.#bytes < end) return undefined;
    const whole = this.#gather(end);
    this.#bytes -= end;
    if (whole.length === end) this.#pieces.shift();
    else this.#pieces[0] = whole.subarray(end);
    return { kind: whole[0] ?? 0, body: whole.subarray(FRAME_HEAD_BYTES, end) };
  }

  /** The first piece, made to hold at least so many bytes: what is copied is copied once per frame. */
  #gather(bytes: number): Uint8Array {
    const [first = new Uint8Array(0)] = this.#pieces;
    if (first.length >= bytes) return first;
    const whole = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [whole];
    return whole;
  }
}
