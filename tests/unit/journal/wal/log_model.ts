import type { Disk } from "../../../../journal/disk/mod.ts";
import type { Entry, EntryId, HardState } from "../../../../journal/raft/mod.ts";
import { encodeWrite, readEntry, type Wal, type WalWrite } from "../../../../journal/wal/mod.ts";

/** What a log should hold, entries whole. */
export interface LogModel {
  readonly hardState: HardState;
  readonly start: EntryId;
  readonly entries: readonly Entry[];
}

export const EMPTY_MODEL: LogModel = {
  hardState: { term: 0, vote: 0, commit: 0 },
  start: { index: 0, term: 0 },
  entries: [],
};

export function lastIndex({ start, entries }: LogModel): number {
  return start.index + entries.length;
}

/** The model after `written`. */
export function modelAfter(model: LogModel, written: WalWrite): LogModel {
  const base = written.restart === undefined
    ? model
    : { ...model, start: written.restart, entries: [] };
  const first = written.entries[0]?.index ?? lastIndex(base) + 1;
  return {
    hardState: written.hardState ?? model.hardState,
    start: base.start,
    entries: [...base.entries.filter(({ index }) => index < first), ...written.entries],
  };
}

export function modelCompacted(model: LogModel, index: number): LogModel {
  const term = model.entries.find((entry) => entry.index === index)?.term;
  if (term === undefined) return model;
  const entries = model.entries.filter((entry) => entry.index > index);
  return { ...model, start: { index, term }, entries };
}

/** What a log holds right after it was opened. */
export function modelOf(disk: Disk, wal: Wal): LogModel {
  const { hardState, start, entries } = wal.recovered;
  return { hardState, start, entries: entries.map(({ place }) => readEntry(disk, place)) };
}

/** An entry with data that shows where it belongs. */
export function entryOf(index: number, term = 1, dataBytes = 0): Entry {
  const data = new TextEncoder().encode(`entry ${index} of term ${term}`.padEnd(dataBytes, "."));
  return { kind: "normal", index, term, data };
}

export function writeEntries(wal: Wal, ...entries: readonly Entry[]): void {
  wal.write(encodeWrite({ entries }).bytes);
}
