import type { DiskWork } from "../member/mod.ts";
import { encodeWrite, type Place, type PlaceBase, placesFrom, type Wal } from "../wal/mod.ts";
import type { EncodedWrite } from "../wal/mod.ts";

/** What a disk worker works with. */
export interface DiskWorkerOptions {
  readonly wal: Wal;
  readonly after: (delayUs: number, fire: () => void) => void;
  /** How long the next sync takes. */
  readonly latencyUs: () => number;
  readonly onWritten: (work: DiskWork, places: readonly Place[]) => void;
  readonly onFailed: (error: unknown) => void;
}

interface Piece {
  readonly work: DiskWork;
  readonly encoded: EncodedWrite | undefined;
}

/**
 * Writes what a member wants durable, in order; what comes while it writes is written together
 * after that. The time it takes passes before the bytes go to the disk.
 */
export class DiskWorker {
  readonly #options: DiskWorkerOptions;
  #waiting: Piece[] = [];
  #writing: readonly Piece[] = [];
  /** Pieces that are durable and wait for their turn to be reported. */
  #unreported = 0;

  constructor(options: DiskWorkerOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#writing.length === 0 && this.#unreported === 0;
  }

  push(work: DiskWork): void {
    if (!work.needsDisk && this.isIdle) {
      this.#options.onWritten(work, []);
      return;
    }
    this.#waiting.push({ work, encoded: work.needsDisk ? encoded(work) : undefined });
    if (this.#writing.length === 0) this.#begin();
  }

  /** The bytes under way go to the disk, without a word to anybody: the power is about to fail. */
  spill(): void {
    try {
      this.#write(this.#writing);
    } catch {
      // Whatever of it is on the disk is what the crash may leave there.
    }
  }

  #begin(): void {
    this.#writing = this.#waiting;
    this.#waiting = [];
    this.#options.after(this.#options.latencyUs(), () => this.#finish());
  }

  #finish(): void {
    const pieces = this.#writing;
    const bases = this.#tryToWrite(pieces);
    if (bases === undefined) return;
    this.#writing = [];
    this.#unreported = pieces.length;
    if (this.#waiting.length > 0) this.#begin();
    for (const { work, encoded } of pieces) {
      this.#unreported--;
      const base = encoded === undefined ? undefined : bases.shift();
      this.#options.onWritten(
        work,
        base === undefined ? [] : placesFrom(base, encoded?.places ?? []),
      );
    }
  }

  #tryToWrite(pieces: readonly Piece[]): PlaceBase[] | undefined {
    try {
      return this.#write(pieces);
    } catch (error) {
      this.#options.onFailed(error);
      return undefined;
    }
  }

  #write(pieces: readonly Piece[]): PlaceBase[] {
    const writes = pieces.flatMap(({ encoded }) => encoded === undefined ? [] : [encoded.bytes]);
    return writes.length === 0 ? [] : this.#options.wal.writeAll(writes);
  }
}

function encoded({ hardState, entries, snapshot }: DiskWork): EncodedWrite {
  const restart = snapshot && { index: snapshot.index, term: snapshot.term };
  return encodeWrite({ hardState, entries, ...restart && { restart } });
}
