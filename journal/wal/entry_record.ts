/**
 * Entries of the Raft log as bytes, on disk and between members: each record carries its length
 * and a checksum of its own, so that an entry is proven whole wherever it is read again.
 *
 * | offset | bytes | content                                          |
 * |--------|-------|--------------------------------------------------|
 * | 0      | 4     | CRC-32 of all that follows                       |
 * | 4      | 4     | length of the record, this head included         |
 * | 8      | 8     | index                                            |
 * | 16     | 8     | term                                             |
 * | 24     | 1     | content: normal, membership single or list       |
 * | 25     |       | the data, or the membership change               |
 *
 * Integers are little-endian.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import type { Entry, EntryId } from "../raft/mod.ts";
import { putInteger, takeInteger } from "./integers.ts";
import { changeRecordBytes, putChange, takeChange } from "./change_record.ts";
import { RecordError } from "./record_error.ts";

const HEAD_BYTES = 25;
const NORMAL = 0;
const MEMBERSHIP_SINGLE = 1;
const MEMBERSHIP_LIST = 2;

/** Largest record: more than the largest command of a client with everything around it. */
export const ENTRY_RECORD_MAX_BYTES = 64 * 1024 * 1024;

/** Where a record stands in the bytes around it. */
export interface EntryPlace {
  readonly offset: number;
  readonly bytes: number;
}

/** Identity and place of a record whose data was not looked at. */
export interface EntryOutline extends EntryId, EntryPlace {}

/** Bytes of the record of `entry`. */
export function entryRecordBytes(entry: Entry): number {
  const content = entry.kind === "normal" ? entry.data.length : changeRecordBytes(entry.change);
  return HEAD_BYTES + content;
}

/**
 * Writes the record of `entry` to `bytes` from `at` on; there must be room for it.
 *
 * @throws {RangeError} when the entry is too large or its place in the log is no safe integer
 */
export function putEntry(bytes: Uint8Array, view: DataView, at: number, entry: Entry): EntryPlace {
  const length = entryRecordBytes(entry);
  if (length > ENTRY_RECORD_MAX_BYTES) {
    throw new RangeError(`entry ${entry.index} has ${length} bytes: too large for the log`);
  }
  if (!Number.isSafeInteger(entry.index) || !Number.isSafeInteger(entry.term)) {
    throw new RangeError(`entry ${entry.index} of term ${entry.term} has no place in the log`);
  }
  view.setUint32(at + 4, length, true);
  putInteger(view, at + 8, entry.index);
  putInteger(view, at + 16, entry.term);
  if (entry.kind === "normal") {
    view.setUint8(at + 24, NORMAL);
    bytes.set(entry.data, at + HEAD_BYTES);
  } else {
    view.setUint8(at + 24, entry.form === "single" ? MEMBERSHIP_SINGLE : MEMBERSHIP_LIST);
    putChange(bytes, view, at + HEAD_BYTES, entry.change);
  }
  view.setUint32(at, crc32(bytes.subarray(at + 4, at + length)), true);
  return { offset: at, bytes: length };
}

/**
 * Bytes of the record that `bytes` begin with, all of it there or not.
 *
 * @throws {RecordError} when they cannot be the beginning of one
 */
export function recordBytes(bytes: Uint8Array): number {
  if (bytes.length < HEAD_BYTES) throw new RecordError("an entry is cut short", 0);
  const claimed = viewOf(bytes).getUint32(4, true);
  if (claimed >= HEAD_BYTES && claimed <= ENTRY_RECORD_MAX_BYTES) return claimed;
  throw new RecordError(`an entry claims ${claimed} bytes`, 0);
}

/**
 * The head of the record at `at`, its length checked against what is there.
 *
 * @throws {RecordError} when it does not fit
 */
export function outlineEntry(view: DataView, at: number): EntryOutline {
  const available = view.byteLength - at;
  if (available < HEAD_BYTES) throw new RecordError("an entry is cut short", at);
  const bytes = view.getUint32(at + 4, true);
  if (bytes < HEAD_BYTES || bytes > Math.min(available, ENTRY_RECORD_MAX_BYTES)) {
    throw new RecordError(`an entry claims ${bytes} bytes where ${available} are left`, at);
  }
  return { index: takeInteger(view, at + 8), term: takeInteger(view, at + 16), offset: at, bytes };
}

/**
 * The one entry that `bytes` hold; its data is a view of them.
 *
 * @throws {RecordError} when they are not exactly one undamaged record
 */
export function decodeEntry(bytes: Uint8Array): Entry {
  const view = viewOf(bytes);
  const outline = outlineEntry(view, 0);
  if (outline.bytes !== bytes.length) {
    throw new RecordError(`${bytes.length - outline.bytes} bytes too many`, outline.bytes);
  }
  return takeEntry(bytes, view, outline);
}

/** Bytes of the records of `entries`. */
export function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entryRecordBytes(entry);
  return bytes;
}

/**
 * Writes the records of `entries`, one behind the other, to `bytes` from `start` on; there must be
 * room for them.
 *
 * @throws {RangeError} when one is too large or has no place in the log
 */
export function putEntries(bytes: Uint8Array, start: number, entries: readonly Entry[]): void {
  const view = viewOf(bytes);
  let at = start;
  for (const entry of entries) at += putEntry(bytes, view, at, entry).bytes;
}

/** The records of `entries`, one behind the other. */
export function encodeEntries(entries: readonly Entry[]): Uint8Array {
  const bytes = new Uint8Array(entriesBytes(entries));
  putEntries(bytes, 0, entries);
  return bytes;
}

/**
 * The entries whose records fill `bytes`; their data are views of them. Whether indexes follow each
 * other is for the caller to judge.
 *
 * @throws {RecordError} at the first byte that cannot be an undamaged record
 */
export function decodeEntries(bytes: Uint8Array): Entry[] {
  const view = viewOf(bytes);
  const entries: Entry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const outline = outlineEntry(view, at);
    entries.push(takeEntry(bytes, view, outline));
    at += outline.bytes;
  }
  return entries;
}

function takeEntry(bytes: Uint8Array, view: DataView, outline: EntryOutline): Entry {
  const { index, term, offset } = outline;
  const end = offset + outline.bytes;
  if (crc32(bytes.subarray(offset + 4, end)) !== view.getUint32(offset, true)) {
    throw new RecordError("the checksum of an entry does not match its bytes", offset);
  }
  const content = offset + HEAD_BYTES;
  const kind = view.getUint8(offset + 24);
  switch (kind) {
    case NORMAL:
      return { kind: "normal", index, term, data: bytes.subarray(content, end) };
    case MEMBERSHIP_SINGLE:
    case MEMBERSHIP_LIST: {
      const form = kind === MEMBERSHIP_SINGLE ? "single" : "list";
      return { kind: "membership", index, term, form, change: takeChange(bytes, content, end) };
    }
    default:
      throw new RecordError(`unknown content ${kind}`, offset + 24);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
