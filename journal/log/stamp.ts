/**
 * The head of every payload of the log: a format byte and the time at which the leader took it,
 * which the leader alone decides (section 2.1 of the journal's rules).
 *
 * @module
 */

/** Bytes before the payload's own content. */
const STAMP_BYTES = 9;

/** Format of what follows; a payload of another one is refused when it is applied. */
const PAYLOAD_FORMAT = 2;

/** `content` with room for the stamp in front. */
export function unstamped(content: Uint8Array): Uint8Array {
  const payload = new Uint8Array(STAMP_BYTES + content.byteLength);
  payload[0] = PAYLOAD_FORMAT;
  payload.set(content, STAMP_BYTES);
  return payload;
}

/** A copy of `payload` that bears `nowMs`: the original may be in somebody's log already. */
export function stamped(payload: Uint8Array, nowMs: number): Uint8Array {
  const copy = payload.slice();
  if (copy.byteLength < STAMP_BYTES) return copy;
  new DataView(copy.buffer).setFloat64(1, nowMs);
  return copy;
}

/** When the leader took `payload`, and its content; undefined for another format. */
export function readStamp(
  payload: Uint8Array,
): { readonly atMs: number; readonly content: Uint8Array } | undefined {
  if (payload.byteLength < STAMP_BYTES || payload[0] !== PAYLOAD_FORMAT) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { atMs: view.getFloat64(1), content: payload.subarray(STAMP_BYTES) };
}
