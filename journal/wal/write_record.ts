/**
 * What one write of a member holds, as bytes: a head of fixed size, then the entries.
 *
 * | offset | bytes | content                                                   |
 * |--------|-------|-----------------------------------------------------------|
 * | 0      | 4     | length of the record, this head included                  |
 * | 4      | 1     | 1 when a hard state is given                              |
 * | 5      | 1     | mark: none, restart, compaction, seal                     |
 * | 6      | 2     | zero                                                      |
 * | 8      | 4     | number of entries                                         |
 * | 12     | 24    | hard state: term, vote, commit                            |
 * | 36     | 16    | the mark's entry: index, term                             |
 * | 52     |       | entry records, their indexes one behind the other         |
 *
 * The frame around it carries the checksum (segment.ts).
 *
 * @module
 */
import type { Entry, EntryId, HardState } from "../raft/mod.ts";
import {
  type EntryOutline,
  type EntryPlace,
  entryRecordBytes,
  outlineEntry,
  putEntry,
} from "./entry_record.ts";
import { putInteger, takeInteger } from "./integers.ts";
import { RecordError } from "./record_error.ts";

const HEAD_BYTES = 52;
const NO_ENTRY: EntryId = { index: 0, term: 0 };

/** What a member asks to be made durable in one step. */
export interface WalWrite {
  readonly hardState?: HardState;
  /** Indexes one behind the other; from the first of them on, older entries are replaced. */
  readonly entries: readonly Entry[];
  /** The log begins anew behind this entry, and nothing older counts: a snapshot replaced it. */
  readonly restart?: EntryId;
}

/** A write as bytes, and where in them each entry stands. */
export interface EncodedWrite {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly places: readonly EntryPlace[];
}

/** What a record says of the log besides its entries. */
export type Mark =
  | { readonly kind: "none" }
  /** Entries before and after are void. */
  | { readonly kind: "restart"; readonly id: EntryId }
  /** Entries up to this one may be gone. */
  | { readonly kind: "compaction"; readonly id: EntryId }
  /** The log goes on in the next segment. */
  | { readonly kind: "seal" };

const MARK_KINDS: readonly Mark["kind"][] = ["none", "restart", "compaction", "seal"];

/** A record without its entries. */
export interface WriteHead {
  readonly bytes: number;
  readonly hardState: HardState | undefined;
  readonly mark: Mark;
  readonly entryCount: number;
  /** Meaningless when there are no entries. */
  readonly firstIndex: number;
}

/**
 * The bytes of a write, in one allocation of their own that may be handed to another thread.
 *
 * @throws {RangeError} when indexes do not follow each other or an entry is too large
 */
export function encodeWrite({ hardState, entries, restart }: WalWrite): EncodedWrite {
  return encode(hardState, restart ? { kind: "restart", id: restart } : { kind: "none" }, entries);
}

/** The bytes of a record that holds a mark. */
export function encodeMark(mark: Mark, hardState?: HardState): Uint8Array<ArrayBuffer> {
  return encode(hardState, mark, []).bytes;
}

function encode(
  hardState: HardState | undefined,
  mark: Mark,
  entries: readonly Entry[],
): EncodedWrite {
  const length = entries.reduce((sum, entry) => sum + entryRecordBytes(entry), HEAD_BYTES);
  if (length > 0xffff_ffff) throw new RangeError(`a write of ${length} bytes is too large`);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  const markId = "id" in mark ? mark.id : NO_ENTRY;
  view.setUint32(0, length, true);
  view.setUint8(4, hardState === undefined ? 0 : 1);
  view.setUint8(5, MARK_KINDS.indexOf(mark.kind));
  view.setUint32(8, entries.length, true);
  if (hardState !== undefined) {
    putInteger(view, 12, hardState.term);
    putInteger(view, 20, hardState.vote);
    putInteger(view, 28, hardState.commit);
  }
  putInteger(view, 36, markId.index);
  putInteger(view, 44, markId.term);
  const places: EntryPlace[] = [];
  let at = HEAD_BYTES;
  let previous: Entry | undefined;
  for (const entry of entries) {
    if (previous !== undefined && entry.index !== previous.index + 1) {
      throw new RangeError(`entry ${entry.index} does not follow entry ${previous.index}`);
    }
    const place = putEntry(bytes, view, at, entry);
    places.push(place);
    at += place.bytes;
    previous = entry;
  }
  return { bytes, places };
}

/**
 * The head of the record at `at`.
 *
 * @throws {RecordError} when the bytes there are no record
 */
export function readWriteHead(view: DataView, at: number): WriteHead {
  const available = view.byteLength - at;
  if (available < HEAD_BYTES) throw new RecordError("a record is cut short", at);
  const bytes = view.getUint32(at, true);
  if (bytes < HEAD_BYTES || bytes > available) {
    throw new RecordError(`a record claims ${bytes} bytes where ${available} are left`, at);
  }
  const entryCount = view.getUint32(at + 8, true);
  const hardState = {
    term: takeInteger(view, at + 12),
    vote: takeInteger(view, at + 20),
    commit: takeInteger(view, at + 28),
  };
  return {
    bytes,
    hardState: view.getUint8(at + 4) === 1 ? hardState : undefined,
    mark: takeMark(view, at),
    entryCount,
    firstIndex: entryCount === 0 ? 0 : outlineEntry(view, at + HEAD_BYTES).index,
  };
}

function takeMark(view: DataView, at: number): Mark {
  const kind = MARK_KINDS[view.getUint8(at + 5)];
  const id = { index: takeInteger(view, at + 36), term: takeInteger(view, at + 44) };
  if (kind === undefined) throw new RecordError("a record has an unknown mark", at + 5);
  return kind === "restart" || kind === "compaction" ? { kind, id } : { kind };
}

/**
 * The entries of the record at `at`, without their data.
 *
 * @throws {RecordError} when they do not fill the record or their indexes leave a gap
 */
export function outlineEntries(view: DataView, start: number, head: WriteHead): EntryOutline[] {
  const outlines: EntryOutline[] = [];
  let at = start + HEAD_BYTES;
  for (let position = 0; position < head.entryCount; position++) {
    const outline = outlineEntry(view, at);
    if (outline.index !== head.firstIndex + position) {
      throw new RecordError(`entry ${outline.index} is out of place`, at);
    }
    outlines.push(outline);
    at += outline.bytes;
  }
  if (at !== start + head.bytes) {
    throw new RecordError("a record does not end with its entries", at);
  }
  return outlines;
}
