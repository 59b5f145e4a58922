/**
 * The log's records as they stand in etcd: several to a piece, and those too large for one request
 * in parts of their own.
 *
 * @module
 */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { etcdlog } from "../../api/mod.ts";
import type { LogRecord } from "../log/mod.ts";
import type { EntryId, Membership } from "../raft/mod.ts";
import { EtcdError } from "./etcd_error.ts";
import { PIECE_MAX_RECORDS } from "./keys.ts";

/** A piece holds no more, unless its first record alone does; etcd's limit for a request is 1.5 MiB. */
export const PIECE_MAX_BYTES = 768 * 1024;

/** A payload that is larger goes in parts of this size. */
export const PART_BYTES = 1024 * 1024;

/** Most parts: the largest payload has 24 MiB. */
const MAX_PARTS = 64;

/** What is to be written as one record. */
export type NewRecord =
  | { readonly kind: "payload"; readonly payload: Uint8Array }
  | {
    readonly kind: "membership";
    readonly voters: readonly number[];
    readonly learners: readonly number[];
    readonly context: Uint8Array;
  };

/** Records as they will be written in one transaction. */
export interface NewPiece {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly bytes: Uint8Array;
  /** Parts that must be there before it is, in order; only of a piece with a single record. */
  readonly parts: readonly Uint8Array[];
}

/** How many of `records` the next piece takes. */
export function pieceLength(records: readonly NewRecord[]): number {
  let bytes = 0;
  let count = 0;
  for (const record of records) {
    bytes += sizeOf(record);
    if (count > 0 && (count === PIECE_MAX_RECORDS || bytes > PIECE_MAX_BYTES)) break;
    count++;
  }
  return count;
}

/** The piece that holds `records`, which {@link pieceLength} has counted. */
export function makePiece(
  firstIndex: number,
  term: number,
  records: readonly NewRecord[],
): NewPiece {
  const [first] = records;
  const parts = first?.kind === "payload" && first.payload.byteLength > PIECE_MAX_BYTES
    ? partsOf(first.payload)
    : [];
  const piece = create(etcdlog.LogPieceSchema, {
    firstIndex: BigInt(firstIndex),
    term: BigInt(term),
    records: parts.length > 0 && first !== undefined
      ? [{
        content: { case: "split", value: { bytes: BigInt(sizeOf(first)), parts: parts.length } },
      }]
      : records.map(written),
  });
  return {
    firstIndex,
    lastIndex: firstIndex + records.length - 1,
    bytes: toBinary(etcdlog.LogPieceSchema, piece),
    parts,
  };
}

function written(record: NewRecord): MessageInitShape<typeof etcdlog.LogRecordSchema> {
  if (record.kind === "payload") return { content: { case: "payload", value: record.payload } };
  const { voters, learners, context } = record;
  const value = { voters: [...voters], learners: [...learners], context };
  return { content: { case: "membership", value } };
}

function sizeOf(record: NewRecord): number {
  return record.kind === "payload" ? record.payload.byteLength : record.context.byteLength;
}

function partsOf(payload: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < payload.byteLength; at += PART_BYTES) {
    parts.push(payload.subarray(at, at + PART_BYTES));
  }
  return parts;
}

/**
 * Reads the records of a piece from `fromIndex` on. `fetchParts` gets the parts of the record with
 * an index.
 *
 * @throws {EtcdError} `invalid` for what is no piece; `compacted` when parts are gone.
 */
export async function readPiece(
  bytes: Uint8Array,
  fromIndex: number,
  fetchParts: (index: number) => Promise<readonly Uint8Array[]>,
): Promise<readonly LogRecord[]> {
  const { firstIndex, term, records } = decode(etcdlog.LogPieceSchema, bytes, "a piece of the log");
  if (records.length === 0 || records.length > PIECE_MAX_RECORDS) {
    throw unreadable("a piece of the log");
  }
  const result: LogRecord[] = [];
  for (const [at, { content }] of records.entries()) {
    const position = { index: firstIndex + BigInt(at), term };
    if (position.index < fromIndex) continue;
    if (content.case === "payload") {
      result.push({ ...position, payload: content.value });
    } else if (content.case === "membership") {
      const { context } = content.value;
      const membership = membershipOf(content.value);
      result.push({ ...position, payload: NO_BYTES, membership: { membership, context } });
    } else if (content.case === "split") {
      const parts = await fetchParts(Number(position.index));
      result.push({ ...position, payload: joined(position.index, content.value, parts) });
    } else {
      throw unreadable(`record ${position.index}`);
    }
  }
  return result;
}

function joined(
  index: bigint,
  { bytes, parts: count }: etcdlog.SplitPayload,
  parts: readonly Uint8Array[],
): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  if (count > MAX_PARTS) throw unreadable(`record ${index}`);
  if (parts.length !== count || BigInt(length) !== bytes) {
    throw new EtcdError(
      "compacted",
      `etcd: parts of record ${index} are gone; the log is read anew`,
    );
  }
  const payload = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    payload.set(part, at);
    at += part.byteLength;
  }
  return payload;
}

function membershipOf({ voters, learners }: etcdlog.MembershipRecord): Membership {
  return { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false };
}

/** Where the log ends. */
export interface Head {
  readonly lastIndex: number;
  readonly term: number;
}

/** The bytes of a head; equal heads have equal bytes. */
export function encodeHead({ lastIndex, term }: Head): Uint8Array {
  const head = { lastIndex: BigInt(lastIndex), term: BigInt(term) };
  return toBinary(etcdlog.LogHeadSchema, create(etcdlog.LogHeadSchema, head));
}

export function decodeHead(bytes: Uint8Array): Head {
  const { lastIndex, term } = decode(etcdlog.LogHeadSchema, bytes, "the head of the log");
  return { lastIndex: Number(lastIndex), term: Number(term) };
}

export function encodeLeader(memberId: number): Uint8Array {
  return toBinary(etcdlog.LogLeaderSchema, create(etcdlog.LogLeaderSchema, { memberId }));
}

export function decodeLeader(bytes: Uint8Array): number {
  return decode(etcdlog.LogLeaderSchema, bytes, "the leader").memberId;
}

/** Of everything below a prefix. */
const FORMAT = 1;

/** Which cluster a prefix belongs to. */
export interface ClusterMark {
  readonly clusterId: string;
  /**
   * What the state that it was founded on contained of a former log. Terms are the revisions of the
   * leader's key and this one's.
   */
  readonly base: EntryId;
}

export function encodeCluster({ clusterId, base }: ClusterMark): Uint8Array {
  const mark = {
    format: FORMAT,
    clusterId,
    baseTerm: BigInt(base.term),
    baseIndex: BigInt(base.index),
  };
  return toBinary(etcdlog.ClusterMarkSchema, create(etcdlog.ClusterMarkSchema, mark));
}

export function decodeCluster(bytes: Uint8Array): ClusterMark {
  const what = "the mark of the cluster";
  const { format, clusterId, baseTerm, baseIndex } = decode(etcdlog.ClusterMarkSchema, bytes, what);
  if (format !== FORMAT || clusterId === "") throw unreadable(`${what} (format ${format})`);
  return { clusterId, base: { term: Number(baseTerm), index: Number(baseIndex) } };
}

function decode<Schema extends DescMessage>(
  schema: Schema,
  bytes: Uint8Array,
  what: string,
): MessageShape<Schema> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw unreadable(what, cause);
  }
}

function unreadable(what: string, cause?: unknown): EtcdError {
  return new EtcdError(
    "invalid",
    `etcd holds ${what} in a form that this program does not know: use the program that wrote it, ` +
      "and leave what is below journal.etcd.prefix to the journals",
    { cause },
  );
}

const NO_BYTES = new Uint8Array(0);
