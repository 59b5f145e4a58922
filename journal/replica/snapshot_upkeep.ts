/**
 * Owns the making of snapshots. Ends with `stop`, which waits for the one under way.
 *
 * @module
 */
import { type KeptSnapshot, makeSnapshot, type SnapshotStore } from "../snapshots/mod.ts";

/**
 * A snapshot is due when the log since the last one weighs so many times what that one does. Each
 * member draws anew: all of a quorum copying their state at once would be felt by every writer.
 */
const LOG_PART = { least: 1.5, most: 2.5 };

/** What the upkeep works with. */
export interface SnapshotUpkeepOptions {
  readonly snapshots: SnapshotStore;
  readonly statePath: string;
  /** Records after which a snapshot is due (JRN-51). */
  readonly interval: number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Puts what is applied into the file, where another connection sees it. */
  readonly flush: () => void;
  /** Told of each new snapshot; older log records than the oldest kept one may go then. */
  readonly onMade: (newest: KeptSnapshot, oldest: KeptSnapshot) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Makes a snapshot every so many records, and when a member needs one. */
export class SnapshotUpkeep {
  readonly #options: SnapshotUpkeepOptions;
  #records = 0;
  #bytes = 0;
  #part: number;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: SnapshotUpkeepOptions) {
    this.#options = options;
    this.#part = drawPart(options.random);
  }

  /** Records were applied. */
  applied(records: number, bytes: number): void {
    this.#records += records;
    this.#bytes += bytes;
    // A state grows with its history: copying all of it every so many records would cost ever more.
    const least = (this.#options.snapshots.kept[0]?.file.bytes ?? 0) * this.#part;
    if (this.#records >= this.#options.interval && this.#bytes >= least) void this.request();
  }

  /** Makes a snapshot now, or waits for the one that is being made. */
  async request(): Promise<void> {
    if (this.#isStopped) return;
    if (this.#running === undefined) {
      this.#records = 0;
      this.#bytes = 0;
      this.#part = drawPart(this.#options.random);
      this.#running = this.#make().finally(() => this.#running = undefined);
    }
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #make(): Promise<void> {
    const { snapshots, statePath, flush, onMade, onError } = this.#options;
    try {
      flush();
      const newest = await makeSnapshot(snapshots, statePath);
      await onMade(newest, snapshots.kept.at(-1) ?? newest);
    } catch (error) {
      // The log goes on without; the next interval tries again.
      onError(error);
    }
  }
}

function drawPart(random: () => number): number {
  return LOG_PART.least + random() * (LOG_PART.most - LOG_PART.least);
}
