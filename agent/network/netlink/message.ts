/**
 * The frame of netlink(7) messages: header, payload, attributes. Integers are in host order, which is
 * little-endian on every machine this runs on; lengths from outside are checked before they are used.
 */

/** NLM_F_* of netlink(7). */
export const NLM_F = {
  request: 0x1,
  ack: 0x4,
  /** NLM_F_ROOT | NLM_F_MATCH: everything of a kind. */
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  /** In an answer: the table changed while it was read. */
  dumpInterrupted: 0x10,
} as const;

/** Message types that are the frame's own. */
export const NLMSG = { error: 2, done: 3 } as const;

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
/** Without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;

/** One message. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** Bytes that are no netlink message. */
export class NetlinkFormatError extends Error {
  override readonly name = "NetlinkFormatError";
}

/** The bytes of a message. */
export function encodeMessage({ type, flags, sequence, payload }: NetlinkMessage): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.byteLength, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/**
 * The messages in an answer, in order.
 *
 * @throws {NetlinkFormatError} for a length that does not fit.
 */
export function decodeMessages(bytes: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  const view = viewOf(bytes);
  for (let at = 0; at < bytes.byteLength;) {
    if (bytes.byteLength - at < HEADER_BYTES) throw new NetlinkFormatError("header cut short");
    const length = view.getUint32(at, true);
    if (length < HEADER_BYTES || length > bytes.byteLength - at) {
      throw new NetlinkFormatError(`message of ${length} bytes in ${bytes.byteLength - at}`);
    }
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      payload: bytes.subarray(at + HEADER_BYTES, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** An attribute: its type and its value as it stands in the message. */
export type Attribute = readonly [type: number, value: Uint8Array];

/** A payload: the fixed part of its kind, then attributes. */
export function encodePayload(fixed: Uint8Array, attributes: readonly Attribute[]): Uint8Array {
  const sizes = attributes.map(([, value]) => aligned(ATTRIBUTE_HEADER_BYTES + value.byteLength));
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, aligned(fixed.byteLength)));
  const view = new DataView(bytes.buffer);
  bytes.set(fixed);
  let at = aligned(fixed.byteLength);
  for (const [type, value] of attributes) {
    view.setUint16(at, ATTRIBUTE_HEADER_BYTES + value.byteLength, true);
    view.setUint16(at + 2, type, true);
    bytes.set(value, at + ATTRIBUTE_HEADER_BYTES);
    at += aligned(ATTRIBUTE_HEADER_BYTES + value.byteLength);
  }
  return bytes;
}

/**
 * The attributes behind the fixed part of a payload, by type; of two of one type the later counts.
 *
 * @throws {NetlinkFormatError} for a length that does not fit.
 */
export function decodeAttributes(
  payload: Uint8Array,
  fixedBytes: number,
): ReadonlyMap<number, Uint8Array> {
  if (payload.byteLength < fixedBytes) throw new NetlinkFormatError("payload cut short");
  const attributes = new Map<number, Uint8Array>();
  const view = viewOf(payload);
  for (let at = aligned(fixedBytes); at < payload.byteLength;) {
    const rest = payload.byteLength - at;
    const length = rest < ATTRIBUTE_HEADER_BYTES ? 0 : view.getUint16(at, true);
    if (length < ATTRIBUTE_HEADER_BYTES || length > rest) {
      throw new NetlinkFormatError(`attribute of ${length} bytes in ${rest}`);
    }
    const type = view.getUint16(at + 2, true) & ATTRIBUTE_TYPE_MASK;
    attributes.set(type, payload.subarray(at + ATTRIBUTE_HEADER_BYTES, at + length));
    at += aligned(length);
  }
  return attributes;
}

/** A view of bytes that may be a part of something larger. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The value of a 32-bit attribute. */
export function uint32Value(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** A 32-bit attribute, undefined where it is absent or of another size. */
export function uint32Of(value: Uint8Array | undefined): number | undefined {
  return value?.byteLength === 4 ? viewOf(value).getUint32(0, true) : undefined;
}

/** A text attribute without the NUL it ends with. */
export function textOf(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  const end = value.indexOf(0);
  return new TextDecoder().decode(end < 0 ? value : value.subarray(0, end));
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
