/**
 * Owns the lock on the log's directory, the worker with the file, and the queue of proposals. Ends
 * with `close`; after a write error it stays open for reading and refuses proposals.
 *
 * @module
 */
import { join } from "node:path";
import { PactError } from "../../common/errors/mod.ts";
import { type DirectoryLock, lockDirectory } from "../storage/mod.ts";
import { BATCH_MAX_BYTES, BATCH_MAX_RECORDS, type LogExtent } from "./protocol.ts";
import { RecordCache } from "./record_cache.ts";
import type { CommittedBatch, LogPosition, LogStatus, ReplicatedLog } from "./replicated_log.ts";
import { WorkerChannel } from "./worker_channel.ts";

/** Most proposals that may wait, and their bytes; more are refused at once. */
const QUEUE_MAX_PROPOSALS = 16_384;
const QUEUE_MAX_BYTES = 128 * 1024 * 1024;

/** Largest single proposal: an overlay of 10 MiB with its envelope (journal.md section 16). */
export const PROPOSAL_MAX_BYTES = 24 * 1024 * 1024;

/** Appends under way at once: one syncs while the next is handed over. */
const MAX_BATCHES_IN_FLIGHT = 2;

/** This member's id in a log of its own. */
const ONLY_MEMBER = 1n;

/** Where a log lives. */
export interface SingleMemberLogOptions {
  /** Directory of the log alone; created with mode 0700. */
  readonly directory: string;
}

interface Proposal {
  readonly payload: Uint8Array;
  readonly resolve: (position: LogPosition) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Opens the durable log of a journal with one member. Proposals are collected while the disk is
 * busy and synced together.
 *
 * @throws {StorageError} when the directory is taken, foreign, newer or damaged.
 */
export async function openSingleMemberLog(
  { directory }: SingleMemberLogOptions,
): Promise<ReplicatedLog> {
  const lock = lockDirectory(directory);
  const channel = new WorkerChannel();
  try {
    const extent = await channel.change({ kind: "open", path: join(directory, "log.db") });
    return new SingleMemberLog(lock, channel, extent);
  } catch (error) {
    channel.terminate();
    lock.release();
    throw error;
  }
}

class SingleMemberLog implements ReplicatedLog {
  readonly #lock: DirectoryLock;
  readonly #channel: WorkerChannel;
  readonly #recent = new RecordCache();
  readonly #closing = new AbortController();
  #queue: Proposal[] = [];
  #queuedBytes = 0;
  #inFlight = 0;
  #inFlightProposals = 0;
  #flushScheduled = false;
  #extent: LogExtent;
  #failure: string | undefined;
  #moved = Promise.withResolvers<void>();
  #closed: Promise<void> | undefined;

  constructor(lock: DirectoryLock, channel: WorkerChannel, extent: LogExtent) {
    this.#lock = lock;
    this.#channel = channel;
    this.#extent = extent;
  }

  async propose(
    payload: Uint8Array,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<LogPosition> {
    signal?.throwIfAborted();
    this.#admit(payload);
    const { promise, resolve, reject } = Promise.withResolvers<LogPosition>();
    const proposal = { payload, resolve, reject };
    const giveUp = () => {
      const waiting = this.#queue.indexOf(proposal);
      if (waiting >= 0) this.#forget(waiting);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#queue.push(proposal);
    this.#queuedBytes += payload.byteLength;
    this.#scheduleFlush();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  async *committed(
    fromIndex: bigint,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<CommittedBatch> {
    const end = AbortSignal.any(
      signal === undefined ? [this.#closing.signal] : [signal, this.#closing.signal],
    );
    let next = fromIndex;
    while (!end.aborted) {
      if (next < this.#extent.firstIndex) {
        throw new PactError("SEQUENCE_COMPACTED", `log records before ${next} are gone`);
      }
      if (next > this.#extent.lastIndex) {
        await this.#nextMove(end);
        continue;
      }
      const records = this.#recent.slice(next, BATCH_MAX_RECORDS) ?? await this.#channel.read(next);
      next += BigInt(records.length);
      yield { kind: "records", records };
    }
  }

  status(): LogStatus {
    const { term, firstIndex, lastIndex } = this.#extent;
    return {
      role: "leader",
      term,
      leaderId: ONLY_MEMBER,
      firstIndex,
      lastIndex,
      commitIndex: lastIndex,
      pending: this.#queue.length + this.#inFlightProposals,
      failure: this.#failure,
    };
  }

  async compactTo(index: bigint): Promise<void> {
    const { firstIndex } = await this.#channel.change({ kind: "compact", toIndex: index });
    this.#extent = { ...this.#extent, firstIndex };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #admit(payload: Uint8Array): void {
    if (this.#closed !== undefined) {
      throw new PactError("SHUTTING_DOWN", "journal shutting down");
    }
    if (this.#failure !== undefined) throw readOnly(this.#failure);
    if (payload.byteLength > PROPOSAL_MAX_BYTES) {
      throw new PactError(
        "INVALID_ARGUMENT",
        `command of ${payload.byteLength} bytes is too large (max ${PROPOSAL_MAX_BYTES})`,
      );
    }
    if (
      this.#queue.length >= QUEUE_MAX_PROPOSALS ||
      this.#queuedBytes + payload.byteLength > QUEUE_MAX_BYTES
    ) {
      throw new PactError("RESOURCE_EXHAUSTED", "too many writes are waiting; try again shortly", {
        trailers: { "retry-after-ms": "200" },
      });
    }
  }

  /** Starts a flush after what is already due has run, so that one batch takes all of it. */
  #scheduleFlush(): void {
    if (this.#flushScheduled || this.#inFlight >= MAX_BATCHES_IN_FLIGHT) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#queue.length === 0 || this.#failure !== undefined) return;
    const batch = this.#takeBatch();
    this.#inFlight++;
    this.#inFlightProposals += batch.length;
    this.#channel
      .change({ kind: "append", payloads: batch.map(({ payload }) => payload) })
      .then((extent) => this.#acknowledge(batch, extent), (error) => this.#fail(batch, error))
      .finally(() => {
        this.#inFlight--;
        this.#inFlightProposals -= batch.length;
        this.#scheduleFlush();
        this.#announce();
      });
  }

  #takeBatch(): Proposal[] {
    let bytes = 0;
    let count = 0;
    for (const { payload } of this.#queue) {
      if (count > 0 && bytes + payload.byteLength > BATCH_MAX_BYTES) break;
      if (count === BATCH_MAX_RECORDS) break;
      bytes += payload.byteLength;
      count++;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  #acknowledge(batch: readonly Proposal[], extent: LogExtent): void {
    const { term } = extent;
    const first = extent.lastIndex - BigInt(batch.length) + 1n;
    this.#recent.push(
      batch.map(({ payload }, at) => ({ index: first + BigInt(at), term, payload })),
    );
    this.#extent = extent;
    this.#announce();
    batch.forEach(({ resolve }, at) => resolve({ index: first + BigInt(at), term }));
  }

  /** After a failed write nobody knows what the file would hold next: no more writes. */
  #fail(batch: readonly Proposal[], cause: unknown): void {
    this.#failure ??= cause instanceof Error ? cause.message : String(cause);
    const error = readOnly(this.#failure, cause);
    this.#queuedBytes = 0;
    for (const { reject } of [...batch, ...this.#queue.splice(0)]) reject(error);
  }

  #forget(waiting: number): void {
    for (const { payload } of this.#queue.splice(waiting, 1)) {
      this.#queuedBytes -= payload.byteLength;
    }
  }

  #announce(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  async #nextMove(end: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = () => resolve();
    end.addEventListener("abort", stop, { once: true });
    await Promise.race([this.#moved.promise, promise]);
    end.removeEventListener("abort", stop);
  }

  async #close(): Promise<void> {
    while (this.#failure === undefined && this.#queue.length + this.#inFlight > 0) {
      await this.#moved.promise;
    }
    this.#closing.abort();
    try {
      await this.#channel.change({ kind: "close" });
    } finally {
      this.#channel.terminate();
      this.#lock.release();
    }
  }
}

function readOnly(reason: string, cause?: unknown): PactError {
  return new PactError(
    "UNAVAILABLE",
    `the log takes no writes: ${reason}; free space or repair the disk, then restart`,
    { cause },
  );
}
