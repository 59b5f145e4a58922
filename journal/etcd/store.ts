/**
 * What the journal does in etcd, in etcd's terms: each function is one call, which may be made twice.
 *
 * @module
 */
import { etcd, type etcdkv } from "../../api/mod.ts";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { EtcdCaller } from "./etcd_client.ts";
import type { KeyRange, Keys } from "./keys.ts";
import {
  type ClusterMark,
  decodeCluster,
  decodeHead,
  decodeLeader,
  encodeHead,
  type Head,
} from "./pieces.ts";

/** A condition of a transaction. */
export type Condition = MessageInitShape<typeof etcd.CompareSchema>;
/** What a transaction does. */
export type Action = MessageInitShape<typeof etcd.RequestOpSchema>;

const { EQUAL } = etcd.Compare_CompareResult;
const { CREATE, VALUE } = etcd.Compare_CompareTarget;

/** `key` does not exist. */
export function isAbsent(key: Uint8Array): Condition {
  return wasMadeAt(key, 0n);
}

/** `key` was made at `revision` and not since. */
export function wasMadeAt(key: Uint8Array, revision: bigint): Condition {
  return {
    result: EQUAL,
    target: CREATE,
    key,
    targetUnion: { case: "createRevision", value: revision },
  };
}

/** `key` holds `value`. */
export function holds(key: Uint8Array, value: Uint8Array): Condition {
  return { result: EQUAL, target: VALUE, key, targetUnion: { case: "value", value } };
}

export function put(key: Uint8Array, value: Uint8Array, lease = 0n): Action {
  return { request: { case: "requestPut", value: { key, value, lease } } };
}

export function get(key: Uint8Array): Action {
  return { request: { case: "requestRange", value: { key } } };
}

export function remove({ key, rangeEnd }: KeyRange): Action {
  return { request: { case: "requestDeleteRange", value: { key, rangeEnd } } };
}

/** What came of a transaction. */
export interface TxnOutcome {
  readonly succeeded: boolean;
  readonly revision: bigint;
  /** Of each `get`, in order; undefined for a key that is not there. */
  readonly found: readonly (etcdkv.KeyValue | undefined)[];
}

/** Does `success` where every condition holds, else `failure`. */
export async function transact(
  client: EtcdCaller,
  { compare, success, failure = [] }: {
    readonly compare: readonly Condition[];
    readonly success: readonly Action[];
    readonly failure?: readonly Action[];
  },
  signal?: AbortSignal,
): Promise<TxnOutcome> {
  const { succeeded, header, responses } = await client.call(
    ({ kv }, options) =>
      kv.txn({ compare: [...compare], success: [...success], failure: [...failure] }, options),
    signal,
  );
  const found = responses.flatMap(({ response }) =>
    response.case === "responseRange" ? [response.value.kvs[0]] : []
  );
  return { succeeded, revision: header?.revision ?? 0n, found };
}

/** What stands at the top of a prefix. */
export interface Overview {
  readonly revision: bigint;
  /** Absent before a cluster is founded. */
  readonly mark: ClusterMark | undefined;
  readonly head: Head;
  readonly leader: LeaderKey | undefined;
}

/** The leader's key. */
export interface LeaderKey {
  readonly memberId: number;
  readonly lease: bigint;
  readonly createRevision: bigint;
}

/** Reads the top of the prefix, as of all that was written before the call. */
export async function readOverview(
  client: EtcdCaller,
  keys: Keys,
  signal?: AbortSignal,
): Promise<Overview> {
  const { revision, found } = await transact(client, {
    compare: [],
    success: [get(keys.cluster), get(keys.head), get(keys.leader)],
  }, signal);
  const [mark, head, leader] = found;
  return {
    revision,
    mark: mark && decodeCluster(mark.value),
    head: head === undefined ? NO_HEAD : decodeHead(head.value),
    leader: leader && leaderKeyOf(leader),
  };
}

const NO_HEAD: Head = { lastIndex: 0, term: 0 };

export function leaderKeyOf({ value, lease, createRevision }: etcdkv.KeyValue): LeaderKey {
  return { memberId: decodeLeader(value), lease, createRevision };
}

/** Reads where the log ends, as of all that was written before the call. */
export async function readHead(
  client: EtcdCaller,
  keys: Keys,
  signal?: AbortSignal,
): Promise<Head> {
  const { kvs: [head] } = await client.call(
    ({ kv }, options) => kv.range({ key: keys.head }, options),
    signal,
  );
  return head === undefined ? NO_HEAD : decodeHead(head.value);
}

/** Values of a range, at most `limit` of them. */
export interface Page {
  readonly values: readonly Uint8Array[];
  /** The range behind this page; undefined when there is nothing. */
  readonly rest: KeyRange | undefined;
  readonly revision: bigint;
}

export async function readPage(
  client: EtcdCaller,
  range: KeyRange,
  limit: number,
  signal?: AbortSignal,
): Promise<Page> {
  const { kvs, more, header } = await client.call(
    ({ kv }, options) => kv.range({ ...range, limit: BigInt(limit) }, options),
    signal,
  );
  const last = kvs.at(-1);
  return {
    values: kvs.map(({ value }) => value),
    rest: more && last !== undefined ? { ...range, key: keyAfter(last.key) } : undefined,
    revision: header?.revision ?? 0n,
  };
}

function keyAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.byteLength + 1);
  next.set(key);
  return next;
}

/** The head's value as it must be for an append behind `head`. */
export function headIs(keys: Keys, head: Head): Condition {
  return head.lastIndex === 0 ? isAbsent(keys.head) : holds(keys.head, encodeHead(head));
}
