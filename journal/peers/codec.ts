/**
 * Raft messages in packed form: a version byte, their number, then one message after the other.
 * Entries go in the form of the log, each with its checksum. Vote and responses of a message stay behind: they exist between a member and its own storage only.
 */
import {
  type Entry,
  isLocalType,
  type Message,
  message,
  MESSAGE_TYPES,
  type MessageType,
  type NodeId,
  payloadBytes,
  type Snapshot,
} from "../raft/mod.ts";
import { decodeEntries, entriesBytes, putEntries, RecordError } from "../wal/mod.ts";
import { ByteReader, ByteWriter, CodecError } from "./bytes.ts";

export { CodecError } from "./bytes.ts";

const VERSION = 1;
const MESSAGE_MIN_BYTES = 11;
const REJECT = 1;
const HAS_SNAPSHOT = 2;
const HEADER_BYTES = 64;
const ENTRY_HEAD_BYTES = 32;

/** The two ends of messages: each must be from the one and to the other. */
export interface Ends {
  readonly from: NodeId;
  readonly to: NodeId;
}

/** Whether the message may go on a stream: a snapshot goes with its file instead. */
export function isForPeer({ type, from, to }: Message): boolean {
  return !isLocalType(type) && type !== "Snap" && typeof from === "number" &&
    typeof to === "number";
}

/** About how many bytes the message takes when packed. */
export function packedMessageBytes({ entries, context, snapshot }: Message): number {
  let bytes = HEADER_BYTES + context.length;
  for (const entry of entries) bytes += ENTRY_HEAD_BYTES + payloadBytes(entry);
  if (snapshot !== undefined) bytes += HEADER_BYTES + snapshot.data.length;
  return bytes;
}

/** @throws CodecError for a message that is not meant for a peer. */
export function encodeMessages(messages: readonly Message[]): Uint8Array<ArrayBuffer> {
  return encodeMessagesBehind(0, messages);
}

/** Leaves as many bytes before the messages free. @throws CodecError as `encodeMessages` */
export function encodeMessagesBehind(
  headBytes: number,
  messages: readonly Message[],
): Uint8Array<ArrayBuffer> {
  let bytes = 16;
  for (const message of messages) bytes += packedMessageBytes(message);
  const writer = new ByteWriter(headBytes + bytes);
  writer.skip(headBytes);
  writer.byte(VERSION);
  writer.number(messages.length);
  for (const message of messages) writeMessage(writer, message);
  return writer.finish();
}

/**
 * The data of entries are views of `packed`, or of a copy where it is the lesser part of its buffer:
 * they outlive it, and must not keep much else alive.
 *
 * @throws CodecError unless all of it is messages that a peer may send, between these two ends.
 */
export function decodeMessages(packed: Uint8Array, ends: Ends): Message[] {
  const isMostOfBuffer = 2 * packed.length >= packed.buffer.byteLength;
  const reader = new ByteReader(isMostOfBuffer ? packed : packed.slice());
  const version = reader.byte();
  if (version !== VERSION) throw new CodecError(`version ${version} of the form is not known`);
  const count = reader.count(MESSAGE_MIN_BYTES);
  const messages: Message[] = [];
  for (let at = 0; at < count; at++) messages.push(readMessage(reader, ends));
  reader.end();
  return messages;
}

function writeMessage(writer: ByteWriter, message: Message): void {
  const { from, to, snapshot } = message;
  if (isLocalType(message.type) || typeof from !== "number" || typeof to !== "number") {
    throw new CodecError(`a ${message.type} from ${from} to ${to} is not for a peer`);
  }
  writer.byte(MESSAGE_TYPES.indexOf(message.type));
  writer.byte((message.reject ? REJECT : 0) | (snapshot === undefined ? 0 : HAS_SNAPSHOT));
  writer.number(from);
  writer.number(to);
  writer.number(message.term);
  writer.number(message.logTerm);
  writer.number(message.index);
  writer.number(message.commit);
  writer.number(message.rejectHint);
  writer.bytes(message.context);
  const { entries } = message;
  writer.filled(entriesBytes(entries), (buffer, at) => putEntries(buffer, at, entries));
  if (snapshot !== undefined) writeSnapshot(writer, snapshot);
}

function readMessage(reader: ByteReader, ends: Ends): Message {
  const type = readType(reader);
  const flags = reader.byte();
  if (flags > (REJECT | HAS_SNAPSHOT)) throw new CodecError("a message with unknown flags");
  const hasSnapshot = (flags & HAS_SNAPSHOT) !== 0;
  const [from, to] = [reader.number(), reader.number()];
  if (from !== ends.from || to !== ends.to) {
    throw new CodecError(
      `a message from ${from} to ${to} came over the connection from ${ends.from} to ${ends.to}`,
    );
  }
  const decoded = message({
    type,
    from,
    to,
    term: reader.number(),
    logTerm: reader.number(),
    index: reader.number(),
    commit: reader.number(),
    rejectHint: reader.number(),
    context: reader.bytes(),
    entries: readEntries(reader.view()),
    reject: (flags & REJECT) !== 0,
    ...(hasSnapshot ? { snapshot: readSnapshot(reader) } : {}),
  });
  requireCoherent(decoded);
  return decoded;
}

function readType(reader: ByteReader): MessageType {
  const type = MESSAGE_TYPES[reader.byte()];
  if (type === undefined) throw new CodecError("a message of unknown type");
  if (isLocalType(type)) throw new CodecError(`a ${type} is never sent by a peer`);
  return type;
}

/** Proposals, and reads, whose context travels as an entry: neither has a place in the log yet. */
const CARRY_PAYLOADS: ReadonlySet<MessageType> = new Set(["Prop", "ReadIndex", "ReadIndexResp"]);

/** What the core takes for granted, and what would trip it up if it were otherwise. */
function requireCoherent({ type, index, entries, snapshot }: Message): void {
  if ((type === "Snap") !== (snapshot !== undefined)) {
    throw new CodecError(`a ${type} ${snapshot === undefined ? "without" : "with"} a snapshot`);
  }
  if (type === "App") {
    let [lastIndex, lastTerm] = [index, 0];
    for (const entry of entries) {
      if (entry.index !== lastIndex + 1 || entry.term < Math.max(lastTerm, 1)) {
        throw new CodecError(`entry ${entry.index} of term ${entry.term} is out of its place`);
      }
      [lastIndex, lastTerm] = [entry.index, entry.term];
    }
  } else if (entries.length > 0 && !CARRY_PAYLOADS.has(type)) {
    throw new CodecError(`a ${type} with entries`);
  }
}

function writeSnapshot(writer: ByteWriter, { index, term, membership, data }: Snapshot): void {
  writer.number(index);
  writer.number(term);
  writeIds(writer, membership.voters);
  writeIds(writer, membership.votersOutgoing);
  writeIds(writer, membership.learners);
  writeIds(writer, membership.learnersNext);
  writer.byte(membership.autoLeave ? 1 : 0);
  writer.bytes(data);
}

function readSnapshot(reader: ByteReader): Snapshot {
  const [index, term] = [reader.number(), reader.number()];
  if (index === 0 || term === 0) throw new CodecError("a snapshot of nothing");
  const membership = {
    voters: readIds(reader),
    votersOutgoing: readIds(reader),
    learners: readIds(reader),
    learnersNext: readIds(reader),
    autoLeave: readFlag(reader),
  };
  return { index, term, membership, data: reader.bytes() };
}

/** Each entry proves by its checksum that it is the one that was appended at its sender. */
function readEntries(records: Uint8Array): Entry[] {
  if (records.length === 0) return [];
  try {
    return decodeEntries(records);
  } catch (error) {
    if (error instanceof RecordError) throw new CodecError(error.message);
    throw error;
  }
}

function writeIds(writer: ByteWriter, ids: readonly NodeId[]): void {
  writer.number(ids.length);
  for (const id of ids) writer.number(id);
}

/** Ids of members, ascending and each once, as the core keeps them. */
function readIds(reader: ByteReader): NodeId[] {
  const count = reader.count(1);
  const ids: NodeId[] = [];
  for (let at = 0; at < count; at++) {
    const id = reader.number();
    if (id <= (ids.at(-1) ?? 0) || id > 0xffff_ffff) throw new CodecError("no list of member ids");
    ids.push(id);
  }
  return ids;
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.byte();
  if (flag > 1) throw new CodecError("a flag that is neither set nor not");
  return flag === 1;
}
