import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { type Random, SimulatedDisk } from "../../../../journal/sim/mod.ts";
import { runs } from "../../../support/mod.ts";
import { randomFrom } from "../sim/random_from.ts";
import { encodeWrite, Wal, type WalWrite } from "../../../../journal/wal/mod.ts";
import { type InterruptedDisk, interruptedDisk, PowerFailure } from "./interrupted_disk.ts";
import {
  EMPTY_MODEL,
  entryOf,
  lastIndex,
  type LogModel,
  modelAfter,
  modelCompacted,
  modelOf,
} from "./log_model.ts";

/** Small enough for many segments, large enough for frames of several sectors. */
const SEGMENT_MAX_BYTES = 9000;

/** A log over a disk whose power fails now and then, and what it must hold. */
class Trial {
  readonly #random: Random;
  readonly #disk: SimulatedDisk;
  #power: InterruptedDisk;
  #wal: Wal;
  #model = EMPTY_MODEL;
  /** The model without a commit index that is still to be synced. */
  #synced = EMPTY_MODEL;
  #term = 1;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
    this.#disk = new SimulatedDisk(this.#random);
    if (this.#random() < 0.5) this.#failOpening();
    this.#power = interruptedDisk(this.#disk, Infinity);
    this.#wal = Wal.open(this.#power, this.#options());
  }

  /** One thing done to the log; the power fails in the middle of some. */
  step(): void {
    const { perform, after, isSynced } = this.#drawWork();
    if (this.#random() < 0.3) this.#power.operationsLeft = this.#pick(9);
    try {
      perform(this.#wal);
      this.#model = after;
      if (isSynced) this.#synced = after;
      if (this.#power.operationsLeft !== Infinity) this.#restart([this.#synced]);
    } catch (error) {
      if (!(error instanceof PowerFailure)) throw error;
      // A commit index that waited may have come to the disk, alone or with the rest.
      this.#restart([this.#synced, this.#model, after]);
    }
  }

  /**
   * The power fails, or the process alone is killed; what the log holds then must be one of
   * `expected`, and stay so through another failure.
   */
  #restart(expected: readonly LogModel[]): void {
    const isKilled = this.#random() < 0.3;
    if (!isKilled) this.#disk.crash();
    for (let tries = 0; tries < 3 && this.#random() < 0.3; tries++) {
      this.#failOpening();
      this.#disk.crash();
    }
    this.#power = interruptedDisk(this.#disk, Infinity);
    this.#wal = Wal.open(this.#power, this.#options());
    const found = modelOf(this.#disk, this.#wal);
    const matching = expected.find((model) => isDeepStrictEqual(model, found));
    if (matching === undefined) assert.deepEqual(found, expected.at(-1));
    this.#model = found;
    this.#synced = found;
    if (isKilled) this.#restart([found]);
  }

  #failOpening(): void {
    try {
      Wal.open(interruptedDisk(this.#disk, this.#pick(5)), this.#options());
    } catch (error) {
      if (!(error instanceof PowerFailure)) throw error;
    }
  }

  #options() {
    return {
      segmentMaxBytes: SEGMENT_MAX_BYTES,
      growthMaxBytes: [0, 4_000, 30_000, 200_000][this.#pick(4)] ?? 0,
      newSalt: () => Math.floor(this.#random() * 2 ** 32),
    };
  }

  #pick(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  #drawWork(): Work {
    const model = this.#model;
    const choice = this.#random();
    if (choice < 0.15) return this.#compaction(model);
    if (choice < 0.3) return this.#commitOnly(model);
    const writes = Array.from({ length: 1 + this.#pick(3) }, () => undefined);
    let after = model;
    const written = writes.map(() => {
      const write = this.#drawWrite(after);
      after = modelAfter(after, write);
      return write;
    });
    return {
      perform: (wal) => wal.writeAll(written.map((write) => encodeWrite(write).bytes)),
      after,
      isSynced: true,
    };
  }

  #compaction(model: LogModel): Work {
    const index = model.start.index + this.#pick(model.entries.length + 1);
    const after = modelCompacted(model, index);
    return { perform: (wal) => wal.compactTo(after.start), after, isSynced: after !== model };
  }

  #commitOnly(model: LogModel): Work {
    const hardState = { ...model.hardState, commit: this.#pick(lastIndex(model) + 1) };
    const { bytes } = encodeWrite({ hardState, entries: [] });
    return {
      perform: (wal) => wal.write(bytes, false),
      after: { ...model, hardState },
      isSynced: false,
    };
  }

  #drawWrite(model: LogModel): WalWrite {
    if (this.#random() < 0.2) this.#term++;
    const hardState = { term: this.#term, vote: this.#pick(4), commit: model.hardState.commit };
    const restart = this.#random() < 0.05
      ? { index: model.start.index + this.#pick(model.entries.length + 5), term: this.#term }
      : undefined;
    const begin = restart?.index ?? this.#firstIndex(model) - 1;
    const entries = Array.from(
      { length: this.#pick(5) },
      (_, i) => entryOf(begin + 1 + i, this.#term, this.#pick(700)),
    );
    return {
      entries,
      ...this.#random() < 0.5 && { hardState },
      ...restart !== undefined && { restart },
    };
  }

  /** Mostly behind the last entry, at times rewriting some. */
  #firstIndex(model: LogModel): number {
    const next = lastIndex(model) + 1;
    return this.#random() < 0.8 ? next : next - this.#pick(model.entries.length + 1);
  }
}

interface Work {
  readonly perform: (wal: Wal) => void;
  readonly after: LogModel;
  readonly isSynced: boolean;
}

Deno.test("JRN-65: whenever the power fails, the log has all that was synced and no half of a write", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const trial = new Trial(seed);
      for (let step = 0; step < 40; step++) trial.step();
    }),
    { numRuns: runs(100, 3_000) },
  );
});
