/**
 * Owns the log's files and what waits to be written. Writes that come while the disk is busy wait
 * here and go to it together, with one sync, which is waited for in the background. Ends with
 * `close`, or for good with the first failure: it fails everything that waits and comes.
 *
 * @module
 */
import { openDisk } from "../disk/mod.ts";
import type { EntryId } from "../raft/mod.ts";
import { StorageError } from "../storage/mod.ts";
import { DeferredSyncDisk } from "./deferred_sync.ts";
import type { PlaceBase } from "./place.ts";
import { SEGMENT_MAX_BYTES, Wal, type WalOptions, type WalRecovered } from "./wal.ts";
import type { EncodedWrite } from "./write_record.ts";

/** Bounds of what goes to disk together; a single larger write goes alone. */
const GROUP_MAX_WRITES = 1024;
const GROUP_MAX_BYTES = 8 * 1024 * 1024;

/** More waiting than any member that limits what is uncommitted can cause. */
const WAITING_MAX = 65_536;

/** The durable log of a Raft member, as its shell writes it. */
export interface DurableLog {
  /** What the log held when it was opened. */
  readonly recovered: WalRecovered;
  /** Lets go of the recovered entries; nobody asks for them any more. */
  forgetRecovered(): void;
  /**
   * Resolves when the write is durable, in the order of the calls, with where its entries came to
   * stand. The bytes must not be changed until then. With `sync` false, see `Wal.write`.
   *
   * @throws {StorageError} `io` for this write and all after it
   */
  write(encoded: Pick<EncodedWrite, "bytes">, sync: boolean): Promise<PlaceBase>;
  /** See `Wal.compactTo`. */
  compactTo(id: EntryId): Promise<void>;
  /** Resolves when all that was asked before is done and the files are let go of. */
  close(): Promise<void>;
  /** Stops at once, as a crash would; what waits fails. */
  terminate(): void;
}

/**
 * Opens the log in `directory`.
 *
 * @throws {StorageError} as `Wal.open`
 */
export function openDurableLog(
  directory: string,
  { segmentMaxBytes = SEGMENT_MAX_BYTES }: Pick<WalOptions, "segmentMaxBytes"> = {},
): DurableLog {
  const disk = new DeferredSyncDisk(openDisk(directory));
  return new QueuedLog(disk, Wal.open(disk, { segmentMaxBytes }));
}

interface WaitingWrite {
  readonly kind: "write";
  readonly bytes: Uint8Array;
  readonly sync: boolean;
  readonly resolve: (base: PlaceBase) => void;
  readonly reject: (error: unknown) => void;
}

interface WaitingTask {
  readonly kind: "task";
  readonly run: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class QueuedLog implements DurableLog {
  readonly #disk: DeferredSyncDisk;
  readonly #wal: Wal;
  #waiting: (WaitingWrite | WaitingTask)[] = [];
  #isBusy = false;
  #isReleased = false;
  #failure: StorageError | undefined;

  constructor(disk: DeferredSyncDisk, wal: Wal) {
    this.#disk = disk;
    this.#wal = wal;
  }

  get recovered(): WalRecovered {
    return this.#wal.recovered;
  }

  forgetRecovered(): void {
    this.#wal.forgetRecovered();
  }

  write({ bytes }: Pick<EncodedWrite, "bytes">, sync: boolean): Promise<PlaceBase> {
    return new Promise((resolve, reject) =>
      this.#enqueue({ kind: "write", bytes, sync, resolve, reject })
    );
  }

  compactTo(id: EntryId): Promise<void> {
    return this.#task(() => this.#wal.compactTo(id));
  }

  async close(): Promise<void> {
    // After a failed write there is nothing to be done but to let go of the files.
    if (this.#failure !== undefined && !this.#isReleased) return this.#release();
    try {
      await this.#task(() => this.#wal.close());
    } finally {
      this.#end(new StorageError("io", "log", "is closed"));
      this.#release();
    }
  }

  terminate(): void {
    this.#end(new StorageError("io", "log", "was stopped"));
    this.#release();
  }

  #task(run: () => void): Promise<void> {
    return new Promise((resolve, reject) => this.#enqueue({ kind: "task", run, resolve, reject }));
  }

  #enqueue(job: WaitingWrite | WaitingTask): void {
    if (this.#failure !== undefined) return job.reject(this.#failure);
    this.#waiting.push(job);
    if (this.#waiting.length > WAITING_MAX) {
      return this.#end(
        new StorageError(
          "io",
          "log",
          `has ${WAITING_MAX} writes waiting; the disk does not keep up`,
        ),
      );
    }
    void this.#work();
  }

  /** One group after the other, each durable before the next begins. */
  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      const group = this.#takeWrites();
      if (group.length > 0) await this.#writeGroup(group);
      else await this.#runTask();
    }
    this.#isBusy = false;
    if (this.#isReleased) this.#release();
  }

  /** Lets go of the files, once nobody works with them any more. */
  #release(): void {
    this.#isReleased = true;
    if (!this.#isBusy) this.#disk.abandon();
  }

  #takeWrites(): WaitingWrite[] {
    const group: WaitingWrite[] = [];
    let bytes = 0;
    for (const job of this.#waiting) {
      if (job.kind !== "write" || group.length === GROUP_MAX_WRITES) break;
      bytes += job.bytes.length;
      if (group.length > 0 && bytes > GROUP_MAX_BYTES) break;
      group.push(job);
    }
    this.#waiting = this.#waiting.slice(group.length);
    return group;
  }

  async #writeGroup(group: readonly WaitingWrite[]): Promise<void> {
    try {
      const bases = this.#wal.writeAll(
        group.map(({ bytes }) => bytes),
        group.some(({ sync }) => sync),
      );
      await this.#disk.settle();
      if (this.#failure !== undefined) throw this.#failure;
      for (const [at, { resolve, reject }] of group.entries()) {
        const base = bases[at];
        if (base === undefined) reject(new StorageError("io", "log", "lost a write"));
        else resolve(base);
      }
    } catch (error) {
      this.#end(error, group);
    }
  }

  async #runTask(): Promise<void> {
    const job = this.#waiting.shift();
    if (job?.kind !== "task") return;
    try {
      job.run();
      await this.#disk.settle();
      job.resolve();
    } catch (error) {
      this.#end(error, [job]);
    }
  }

  /** After a failed write nobody knows what the disk holds: nothing more is taken. */
  #end(error: unknown, failed: readonly (WaitingWrite | WaitingTask)[] = []): void {
    this.#failure ??= error instanceof StorageError
      ? error
      : new StorageError("io", "log", error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    for (const { reject } of [...failed, ...this.#waiting.splice(0)]) reject(this.#failure);
  }
}
