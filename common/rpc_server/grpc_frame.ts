import { create, type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { bodyUnreadable } from "./wire_error.ts";

/** A frame begins with a flag, 1 for compressed, and the length of the message. */
const headBytes = 5;

/** Frames of messages that have been sent, for as long as somebody keeps the message. */
const frames = new WeakMap<Message, Uint8Array>();

/**
 * A message in the frame of gRPC. It is encoded once, however many streams it is written to: whoever
 * has handed a message out must not change it.
 *
 * @throws ConnectError ResourceExhausted when it is larger than `maxBytes`.
 */
export function frameOf(type: DescMessage, message: Message, maxBytes: number): Uint8Array {
  const known = frames.get(message);
  if (known !== undefined) return known;
  // Handlers may hand out what a message is made of; what is one already stays as it is.
  const bytes = toBinary(type, create(type, message));
  if (bytes.length > maxBytes) {
    throw new ConnectError(
      `message size ${bytes.length} is larger than configured writeMaxBytes ${maxBytes}`,
      Code.ResourceExhausted,
    );
  }
  const frame = framed(bytes);
  frames.set(message, frame);
  return frame;
}

/** Bytes of a message in their frame. */
export function framed(bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(headBytes + bytes.length);
  new DataView(frame.buffer).setUint32(1, bytes.length);
  frame.set(bytes, headBytes);
  return frame;
}

/** The length that the frame states at the beginning of a body; 0 while it is too short to tell. */
export function statedLength(body: Uint8Array): number {
  if (body.length < headBytes) return 0;
  return new DataView(body.buffer, body.byteOffset, body.length).getUint32(1);
}

/**
 * The message in the only frame of a body.
 *
 * @throws ConnectError InvalidArgument for a body that is no such frame.
 */
export function messageInFrame(body: Uint8Array): Uint8Array {
  const head = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const isWhole = body.length >= headBytes && head.getUint8(0) === 0 &&
    head.getUint32(1) === body.length - headBytes;
  if (!isWhole) throw bodyUnreadable();
  return body.subarray(headBytes);
}
