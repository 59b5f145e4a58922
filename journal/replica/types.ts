import type { Entry, Identity } from "../../common/model/mod.ts";
import type { LogStatus } from "../log/mod.ts";
import type { MemberLog } from "../quorum/mod.ts";
import type {
  AuditNote,
  AuditRecord,
  CommandInput,
  CommandResult,
  DocumentChanges,
  Overlay,
  StateView,
} from "../state/mod.ts";
import type { AuditQuery, EntryQuery } from "../store/mod.ts";

/** What of an AbortSignal a wait needs; whoever has no such signal need not make one. */
export interface WaitSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Who submits a command, and under which idempotency key. */
export interface SubmitOptions {
  /** The verified caller; author of the entries a command writes as its side effect. */
  readonly actor: Identity;
  /** Repeating it within an hour returns the first result; scoped to the actor (JRN-57). */
  readonly requestId?: string | undefined;
  /** Put on record as a success together with the change itself (AUD-5). */
  readonly audit?: AuditNote | undefined;
  /** Gives up waiting. The command may be applied nevertheless. */
  readonly signal?: WaitSignal;
}

/** What one applied command changed; rejected commands cause none. */
export interface Applied {
  /** Index of the log record. */
  readonly index: bigint;
  readonly entries: readonly Entry[];
  readonly writes: DocumentChanges;
  /** The whole state was replaced by a snapshot: entries and writes do not tell what changed. */
  readonly restored: boolean;
}

/** How the replica fares, for `/health` and `/ready`. */
export interface ReplicaStatus {
  /** `failed`: the state can follow the log no longer; reads go on, writes are refused. */
  readonly health: "ok" | "read-only" | "failed";
  /** Why it is not ok. */
  readonly reason: string | undefined;
  readonly log: LogStatus;
  readonly appliedIndex: bigint;
  /** Sequence the next entry gets, which is also the number of entries written. */
  readonly nextSequence: number;
  /** Overlay builds that failed since the start (OVL-11). */
  readonly overlayBuildFailures: number;
}

/** One member's copy of the state: takes commands, applies what is committed, answers reads. */
export interface Replica {
  /** Documents as of the last applied command (J8). */
  readonly state: StateView;
  /** Sequence of the newest applied entry; -1 on an empty journal. */
  readonly appliedSequence: number;
  /**
   * Proposes `command` and waits until it is applied here.
   *
   * @throws {PactError} the rejection with its message of JRN-22; RESOURCE_EXHAUSTED when too many
   * wait; UNAVAILABLE when the log or the state cannot be written.
   */
  submit(command: CommandInput, options: SubmitOptions): Promise<CommandResult>;
  /** One entry by its sequence. */
  entry(sequence: number): Entry | undefined;
  /** Entries in pages read as the consumer asks for them; nothing is held beyond one page. */
  entries(query?: EntryQuery): AsyncIterable<Entry>;
  /** Audit records, newest 100000. */
  audit(query?: AuditQuery): AsyncIterable<AuditRecord>;
  /**
   * The overlay of a vCluster, built on demand when missing or stale; concurrent callers share one
   * build (OVL-7, OVL-9).
   *
   * @throws {PactError} NOT_FOUND `no overlay for vCluster ID` for one never mentioned.
   */
  overlay(vclusterId: string): Promise<Overlay>;
  /** This member of the quorum, for those who look after the quorum itself. */
  readonly quorum: MemberLog;
  /**
   * Resolves once everything acknowledged anywhere before the call is applied here (JRN-59).
   *
   * @throws {PactError} NO_LEADER or NO_QUORUM; the signal's reason.
   */
  waitForLinearizable(signal?: AbortSignal): Promise<void>;
  /** Resolves once the entry `sequence` is applied here; rejects with the signal's reason. */
  waitForSequence(sequence: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls `listener` for every applied command, in order and synchronously. It must neither block
   * nor throw; the returned function ends it.
   */
  onApplied(listener: (applied: Applied) => void): () => void;
  status(): ReplicaStatus;
  /** Makes a snapshot now, and lets the log forget what no kept one needs. */
  makeSnapshot(): Promise<void>;
  /** Stops housekeeping, applies what is committed, closes log and state. */
  close(): Promise<void>;
}
