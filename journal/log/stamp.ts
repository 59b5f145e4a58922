/**
 * The head of every payload of the log: a format byte and the time at which the leader took it,
 * which the leader alone decides (section 2.1 of the journal's rules).
 *
 * @module
 */
import { Room } from "./room.ts";

/** Bytes before the payload's own content: the format, and a big-endian float. */
const STAMP_BYTES = 9;

/**
 * Forms of what follows: envelopes by the names of their members, or in their short form. A payload of
 * another one is refused when it is applied, so it is proposed only when every member reads it.
 */
export const FORMATS = { named: 2, packed: 3 } as const;

/** One of {@link FORMATS}. */
export type Format = (typeof FORMATS)[keyof typeof FORMATS];

/** What members tell each other that they read, with all forms before it. */
export const NEWEST_FORMAT: number = FORMATS.packed;

/** The time of what no leader has taken yet. */
const NO_TIME = new Uint8Array(STAMP_BYTES - 1);

/** UTF-8 takes at most so many bytes for each unit of a text. */
const UTF8_MAX_BYTES = 3;

const encoder = new TextEncoder();

/** Where small texts are encoded, whose bytes are counted only then. */
const scratch = new Uint8Array(16_384);

/** Where the time of a stamp passes between a number and bytes. */
const timeBytes = new Uint8Array(8);
const time = new DataView(timeBytes.buffer);

// What is proposed is forgotten when a leader has it, what is stamped stays in the log's memory.
const proposals = new Room();
const records = new Room();

/** `content`, which is of this form, in UTF-8 with room for the stamp in front. */
export function unstamped(content: string, format: Format = FORMATS.named): Uint8Array {
  const bytes = utf8Of(content);
  const payload = proposals.take(STAMP_BYTES + bytes.byteLength);
  payload[0] = format;
  payload.set(NO_TIME, 1);
  payload.set(bytes, STAMP_BYTES);
  return payload;
}

/** A copy of `payload` that bears `nowMs`: the original may be in somebody's log already. */
export function stamped(payload: Uint8Array, nowMs: number): Uint8Array {
  const copy = records.take(payload.byteLength);
  copy.set(payload);
  if (copy.byteLength < STAMP_BYTES) return copy;
  time.setFloat64(0, nowMs);
  copy.set(timeBytes, 1);
  return copy;
}

/** When the leader took `payload`, and its content; undefined for a form that is none of these. */
export function readStamp(
  payload: Uint8Array,
): { readonly format: Format; readonly atMs: number; readonly content: Uint8Array } | undefined {
  const format = payload[0];
  const isKnown = format === FORMATS.named || format === FORMATS.packed;
  if (payload.byteLength < STAMP_BYTES || !isKnown) return undefined;
  for (let at = 0; at < timeBytes.byteLength; at++) timeBytes[at] = payload[at + 1] ?? 0;
  return { format, atMs: time.getFloat64(0), content: payload.subarray(STAMP_BYTES) };
}

/** The bytes of `text`, until the next call. */
function utf8Of(text: string): Uint8Array {
  if (text.length > scratch.byteLength / UTF8_MAX_BYTES) return encoder.encode(text);
  return scratch.subarray(0, encoder.encodeInto(text, scratch).written);
}
