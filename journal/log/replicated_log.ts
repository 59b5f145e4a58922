import type { PactError } from "../../common/errors/mod.ts";
import type { Membership } from "../raft/mod.ts";

/** Where a record stands in the log. Indexes start at 1 and have no gaps; terms never go back. */
export interface LogPosition {
  readonly index: bigint;
  readonly term: bigint;
}

/** A membership as it took effect with a record, and what its proposer had to say about it. */
export interface MembershipRecord {
  readonly membership: Membership;
  readonly context: Uint8Array;
}

/** One committed record. An empty payload is the log's own (a new leader's first record). */
export interface LogRecord extends LogPosition {
  readonly payload: Uint8Array;
  readonly membership?: MembershipRecord;
}

/**
 * What `committed` yields: records in order, or a snapshot that stands for everything up to its
 * index because those records are no longer kept.
 */
export type CommittedBatch =
  | { readonly kind: "records"; readonly records: readonly LogRecord[] }
  | { readonly kind: "snapshot"; readonly position: LogPosition; readonly path: string };

/** What a member is to its group. */
export type LogRole = "leader" | "follower" | "candidate" | "learner";

/** What agrees on the order: the members themselves, or a site's etcd. */
export type LogEngine = "raft" | "etcd";

/** How the log fares. */
export interface LogStatus {
  readonly engine: LogEngine;
  readonly role: LogRole;
  readonly term: bigint;
  /** Member that takes proposals now; undefined while none is known. */
  readonly leaderId: bigint | undefined;
  /** Oldest index still kept; `lastIndex + 1` when nothing is. */
  readonly firstIndex: bigint;
  readonly lastIndex: bigint;
  readonly commitIndex: bigint;
  /** Writes under way and not applied yet. */
  readonly pending: number;
  /** Why proposals are refused, when they are: an I/O error, a full disk. */
  readonly failure: string | undefined;
  /** What stands in the way of writes and may pass by itself: etcd is away, or full. */
  readonly trouble: string | undefined;
  /** Bytes of etcd's database, once they are known. */
  readonly storeBytes?: number;
}

/**
 * A durable log that agrees on an order: writes in, committed records out. One member alone or a
 * quorum stand behind it; nothing above can tell which.
 */
export interface ReplicatedLog {
  /**
   * Puts `payload` on its way into the log, wherever the leader is. It may get there more than
   * once; what it carries must bear that. It stays under way until `forget(id)`, which the caller
   * owes when it sees the payload applied or gives up; `onFailed` is called at most once, with
   * NO_LEADER, NO_QUORUM or UNAVAILABLE, and ends it too.
   *
   * @throws {PactError} RESOURCE_EXHAUSTED when too much is under way, UNAVAILABLE when the log
   * takes no writes, INVALID_ARGUMENT for a payload that is too large.
   */
  submit(id: string, payload: Uint8Array, onFailed: (error: PactError) => void): void;
  forget(id: string): void;
  /**
   * Committed records behind the state that the log was opened for, in order, each once, without end
   * until the signal fires or the log closes. Asking for the next batch says that the one before is
   * applied. One reader.
   */
  committed(options?: { readonly signal?: AbortSignal }): AsyncIterable<CommittedBatch>;
  /**
   * An index that contains every write acknowledged before the call: who has applied it may answer
   * a linearizable read.
   *
   * @throws {PactError} NO_LEADER, NO_QUORUM, or the signal's reason.
   */
  readIndex(signal?: AbortSignal): Promise<bigint>;
  status(): LogStatus;
  /** Calls `listener` after each change of role, leader or term; the returned function ends it. */
  onLeadership(listener: (status: LogStatus) => void): () => void;
  /** Forgets records up to `index` inclusive: the state above holds them durably. */
  compactTo(index: bigint): Promise<void>;
  /** Hands leadership over, lets writes under way become durable, releases file and lock. */
  close(): Promise<void>;
}
