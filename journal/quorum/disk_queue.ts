import type { DiskWork } from "../member/mod.ts";
import { type DurableLog, encodeWrite, type Place, placesFrom } from "../wal/mod.ts";

interface Pending {
  readonly work: DiskWork;
  /** Undefined while it is being written. */
  places: readonly Place[] | undefined;
}

/**
 * Hands work to the thread that writes the log, and reports it in order once it is durable. Several
 * pieces are under way at once; the thread syncs together what waits for it.
 */
export class DiskQueue {
  readonly #wal: DurableLog;
  readonly #onWritten: (work: DiskWork, places: readonly Place[]) => void;
  readonly #onFailed: (error: unknown) => void;
  readonly #pending: Pending[] = [];

  constructor(
    wal: DurableLog,
    onWritten: (work: DiskWork, places: readonly Place[]) => void,
    onFailed: (error: unknown) => void,
  ) {
    this.#wal = wal;
    this.#onWritten = onWritten;
    this.#onFailed = onFailed;
  }

  /** Pieces that are not reported yet. */
  get size(): number {
    return this.#pending.length;
  }

  push(work: DiskWork): void {
    if (!work.needsDisk && this.#pending.length === 0) {
      this.#onWritten(work, []);
      return;
    }
    const pending: Pending = { work, places: work.needsDisk ? undefined : [] };
    this.#pending.push(pending);
    if (!work.needsDisk) return;
    const { hardState, entries, snapshot } = work;
    const encoded = encodeWrite({
      hardState,
      entries,
      ...snapshot && { restart: { index: snapshot.index, term: snapshot.term } },
    });
    this.#wal.write(encoded, true).then((base) => {
      pending.places = placesFrom(base, encoded.places);
      this.#report();
    }).catch(this.#onFailed);
  }

  #report(): void {
    for (let [first] = this.#pending; first?.places !== undefined; [first] = this.#pending) {
      this.#pending.shift();
      this.#onWritten(first.work, first.places);
    }
  }
}
