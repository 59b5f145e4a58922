/**
 * Entries of the log, and what they weigh.
 *
 * Terms and indexes are safe integers, not bigints: 2^53 entries at a million a second last 285
 * years, comparisons and maps stay simple and fast, and JSON, SQLite and structured clone carry
 * them unchanged. Who decodes them from the wire checks `Number.isSafeInteger` there, once.
 *
 * @module
 */
import { changeBytes, type MembershipChange } from "./membership/mod.ts";

/** Number of an election; only grows. 0 before the first. */
export type Term = number;

/** Place in the log, from 1; 0 is the place before the first entry. */
export type Index = number;

/** Position and term of an entry: two logs with the same one agree on everything before it. */
export interface EntryId {
  readonly term: Term;
  readonly index: Index;
}

/** What an entry carries. The core never looks into `data`. */
export type EntryContent =
  | { readonly kind: "normal"; readonly data: Uint8Array }
  | {
    readonly kind: "membership";
    readonly change: MembershipChange;
    /** `single`: one change, in the older entry form that knows no joint configurations. */
    readonly form: "single" | "list";
  };

/** One entry; a proposal that has no place yet is at term 0, index 0. */
export type Entry = EntryId & EntryContent;

export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** An entry without content: what a new leader appends, and what replaces a refused change. */
export const EMPTY_CONTENT: EntryContent = { kind: "normal", data: NO_BYTES };

/** The content as an entry that still has to get its place. */
export function proposed(content: EntryContent): Entry {
  return { ...content, term: 0, index: 0 };
}

/** Bytes of the content alone: what in-flight and uncommitted limits count. */
export function payloadBytes(entry: Entry): number {
  return entry.kind === "normal" ? entry.data.length : changeBytes(entry.change, entry.form);
}

/** The content of `entry` at its place in the log. */
export function placed(entry: Entry, term: Term, index: Index): Entry {
  // Nearly all are of this kind, and field by field is several times faster.
  return entry.kind === "normal"
    ? { kind: "normal", data: entry.data, term, index }
    : { ...entry, term, index };
}

export function payloadBytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + payloadBytes(entry), 0);
}

/** Bytes of the entry as a protobuf message: what limits of messages and Readys count. */
export function entryBytes(entry: Entry): number {
  const payload = payloadBytes(entry);
  const kindBytes = entry.kind === "normal" ? 0 : 2;
  const payloadField = payload === 0 ? 0 : 1 + varintBytes(payload) + payload;
  return 1 + varintBytes(entry.term) + 1 + varintBytes(entry.index) + kindBytes + payloadField;
}

export function entryBytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
}

/** The longest prefix of at most `maxBytes`, but never less than the first entry. */
export function limitEntries(entries: readonly Entry[], maxBytes: number): readonly Entry[] {
  let bytes = 0;
  let count = 0;
  for (const entry of entries) {
    bytes += entryBytes(entry);
    if (count > 0 && bytes > maxBytes) return entries.slice(0, count);
    count++;
  }
  return entries;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
