import {
  type Entry,
  entryBytes,
  type EntryContent,
  type MembershipChange,
  type NodeId,
  type SingleChange,
  type Transition,
} from "../raft/mod.ts";
import { type ByteReader, type ByteWriter, CodecError } from "./bytes.ts";

/** Term, index, kind and an empty content take at least this. */
const ENTRY_MIN_BYTES = 4;
const CHANGE_MIN_BYTES = 2;

const NORMAL = 0;
const SINGLE_CHANGE = 1;
const CHANGE_LIST = 2;
const TRANSITIONS: readonly Transition[] = ["auto", "implicit", "explicit"];
const CHANGE_KINDS: readonly SingleChange["kind"][] = [
  "add-voter",
  "add-learner",
  "remove",
  "update",
];

/** About how many bytes the entry takes when packed; never too few by much. */
export const packedEntryBytes = entryBytes;

export function writeEntries(writer: ByteWriter, entries: readonly Entry[]): void {
  writer.number(entries.length);
  for (const entry of entries) {
    writer.number(entry.term);
    writer.number(entry.index);
    if (entry.kind === "normal") {
      writer.byte(NORMAL);
      writer.bytes(entry.data);
    } else {
      writer.byte(entry.form === "single" ? SINGLE_CHANGE : CHANGE_LIST);
      writeChange(writer, entry.change);
    }
  }
}

/** @throws CodecError */
export function readEntries(reader: ByteReader): Entry[] {
  const count = reader.count(ENTRY_MIN_BYTES);
  const entries: Entry[] = [];
  for (let at = 0; at < count; at++) {
    const term = reader.number();
    const index = reader.number();
    entries.push({ ...readContent(reader), term, index });
  }
  return entries;
}

/** Ids of members, ascending and each once, as the core keeps them. */
export function readIds(reader: ByteReader): NodeId[] {
  const count = reader.count(1);
  const ids: NodeId[] = [];
  for (let at = 0; at < count; at++) {
    const id = readId(reader);
    if (id === 0) throw new CodecError("0 is no member");
    if (id <= (ids.at(-1) ?? 0)) throw new CodecError("member ids are not in ascending order");
    ids.push(id);
  }
  return ids;
}

export function writeIds(writer: ByteWriter, ids: readonly NodeId[]): void {
  writer.number(ids.length);
  for (const id of ids) writer.number(id);
}

/** 0 stands in a change that has been found to change nothing. */
function readId(reader: ByteReader): NodeId {
  const id = reader.number();
  if (id > 0xffff_ffff) throw new CodecError(`${id} is no member id`);
  return id;
}

function readContent(reader: ByteReader): EntryContent {
  const kind = reader.byte();
  switch (kind) {
    case NORMAL:
      return { kind: "normal", data: reader.bytes() };
    case SINGLE_CHANGE:
      return { kind: "membership", form: "single", change: readChange(reader, 1) };
    case CHANGE_LIST:
      return { kind: "membership", form: "list", change: readChange(reader, 0) };
    default:
      throw new CodecError(`entries of kind ${kind} are not known`);
  }
}

function writeChange(writer: ByteWriter, change: MembershipChange): void {
  writer.byte(TRANSITIONS.indexOf(change.transition));
  writer.number(change.changes.length);
  for (const { kind, id } of change.changes) {
    writer.byte(CHANGE_KINDS.indexOf(kind));
    writer.number(id);
  }
  writer.bytes(change.context);
}

function readChange(reader: ByteReader, minCount: number): MembershipChange {
  const transition = TRANSITIONS[reader.byte()];
  if (transition === undefined) throw new CodecError("a membership change of unknown transition");
  const count = reader.count(CHANGE_MIN_BYTES);
  if (count < minCount) throw new CodecError("a membership change that changes nothing");
  const changes: SingleChange[] = [];
  for (let at = 0; at < count; at++) {
    const kind = CHANGE_KINDS[reader.byte()];
    if (kind === undefined) throw new CodecError("a membership change of unknown kind");
    changes.push({ kind, id: readId(reader) });
  }
  return { transition, changes, context: reader.bytes() };
}
