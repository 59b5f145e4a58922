/** Where a record stands in the log. Indexes start at 1 and have no gaps; terms never go back. */
export interface LogPosition {
  readonly index: bigint;
  readonly term: bigint;
}

/** One committed record. An empty payload is the log's own (a new leader's first record). */
export interface LogRecord extends LogPosition {
  readonly payload: Uint8Array;
}

/**
 * What `committed` yields: records in order, or a snapshot that stands for everything up to its
 * index because those records are no longer kept.
 */
export type CommittedBatch =
  | { readonly kind: "records"; readonly records: readonly LogRecord[] }
  | { readonly kind: "snapshot"; readonly position: LogPosition; readonly path: string };

/** How the log fares. */
export interface LogStatus {
  readonly role: "leader" | "follower" | "candidate" | "learner";
  readonly term: bigint;
  /** Member that takes proposals now; undefined while none is known. */
  readonly leaderId: bigint | undefined;
  /** Oldest index still kept; `lastIndex + 1` when nothing is. */
  readonly firstIndex: bigint;
  readonly lastIndex: bigint;
  readonly commitIndex: bigint;
  /** Proposals taken and not yet durable. */
  readonly pending: number;
  /** Why proposals are refused, when they are: an I/O error, a full disk. */
  readonly failure: string | undefined;
}

/**
 * A durable log that agrees on an order: propose in, committed records out. One member alone or a
 * Raft group stand behind it; nothing above can tell which.
 */
export interface ReplicatedLog {
  /**
   * Appends `payload`; resolves once it is committed, which includes being durable here.
   *
   * @throws {PactError} RESOURCE_EXHAUSTED when the queue is full, UNAVAILABLE when the log takes
   * no writes; the signal's reason when it gave up waiting (the record may be committed anyway).
   */
  propose(payload: Uint8Array, options?: { readonly signal?: AbortSignal }): Promise<LogPosition>;
  /**
   * Committed records from `fromIndex` on, in order, each once, without end until the signal fires
   * or the log closes. Batches are bounded and read as the consumer asks for them.
   */
  committed(
    fromIndex: bigint,
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<CommittedBatch>;
  status(): LogStatus;
  /** Forgets records up to `index` inclusive: the state above holds them durably. */
  compactTo(index: bigint): Promise<void>;
  /** Lets pending proposals become durable, then releases file and lock. */
  close(): Promise<void>;
}
