import assert from "node:assert/strict";
import { type Disk, openDisk } from "../../../../journal/disk/mod.ts";
import type { Entry, HardState } from "../../../../journal/raft/mod.ts";
import {
  encodeWrite,
  type Place,
  placesFrom,
  readEntry,
  Wal,
} from "../../../../journal/wal/mod.ts";
import { tempDir } from "../../../support/mod.ts";

function entry(index: number, term = 1, data = `entry ${index} of term ${term}`): Entry {
  return { kind: "normal", index, term, data: new TextEncoder().encode(data) };
}

/** Writes and tells where the entries came to stand. */
function write(wal: Wal, entries: readonly Entry[], hardState?: HardState): Place[] {
  const { bytes, places } = encodeWrite({ entries, ...hardState && { hardState } });
  const base = wal.write(bytes);
  return placesFrom(base, places);
}

function entriesOf(disk: Disk, wal: Wal): Entry[] {
  return wal.recovered.entries.map(({ place }) => readEntry(disk, place));
}

Deno.test("JRN-64: what was written is there after a restart, hard state and entries", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.path);
  const first = Wal.open(disk);
  assert.deepEqual(first.recovered, {
    hardState: { term: 0, vote: 0, commit: 0 },
    start: { index: 0, term: 0 },
    entries: [],
  });
  const places = write(first, [entry(1), entry(2)], { term: 1, vote: 3, commit: 0 });
  write(first, [entry(3)], { term: 1, vote: 3, commit: 2 });
  assert.deepEqual(readEntry(disk, places[1] ?? assert.fail()), entry(2));
  first.close();

  const again = Wal.open(disk);
  assert.deepEqual(again.recovered.hardState, { term: 1, vote: 3, commit: 2 });
  assert.deepEqual(entriesOf(disk, again), [entry(1), entry(2), entry(3)]);
  again.close();
});

Deno.test("an entry of any length is read back by its place", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.path);
  const wal = Wal.open(disk);
  const entries = [0, 1, 2000, 2048, 5000, 300_000].map((length, at) =>
    entry(at + 1, 1, "x".repeat(length))
  );
  const places = write(wal, entries);
  assert.deepEqual(places.map((place) => readEntry(disk, place)), entries);
  wal.close();
});

Deno.test("recovered entries are let go of when nobody asks any more, and the log goes on", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.path);
  const first = Wal.open(disk);
  write(first, [entry(1), entry(2)], { term: 1, vote: 3, commit: 0 });
  first.close();
  const wal = Wal.open(disk);
  const { hardState, start } = wal.recovered;
  wal.forgetRecovered();
  assert.deepEqual(wal.recovered, { hardState, start, entries: [] });
  write(wal, [entry(3)]);
  wal.close();
  const again = Wal.open(disk);
  assert.deepEqual(entriesOf(disk, again), [entry(1), entry(2), entry(3)]);
  again.close();
});

Deno.test("a rewritten suffix takes the place of the old one, a restart mark of everything", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.path);
  const first = Wal.open(disk);
  write(first, [entry(1), entry(2), entry(3)]);
  write(first, [entry(2, 2)]);
  first.close();
  const second = Wal.open(disk);
  assert.deepEqual(entriesOf(disk, second), [entry(1), entry(2, 2)]);
  second.write(encodeWrite({ entries: [entry(8, 3)], restart: { index: 7, term: 2 } }).bytes);
  second.close();
  const third = Wal.open(disk);
  assert.deepEqual(third.recovered.start, { index: 7, term: 2 });
  assert.deepEqual(entriesOf(disk, third), [entry(8, 3)]);
  third.close();
});

Deno.test("segments follow each other, and go when the log is compacted past them", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.path);
  const first = Wal.open(disk, { segmentMaxBytes: 400 });
  for (let index = 1; index <= 40; index++) {
    write(first, [entry(index)], { term: 1, vote: 1, commit: index - 1 });
  }
  const full = disk.list().length;
  assert.ok(full > 5, `${full} segments`);
  first.compactTo({ index: 30, term: 1 });
  assert.ok(disk.list().length < full - 3);
  first.close();
  const again = Wal.open(disk, { segmentMaxBytes: 400 });
  assert.deepEqual(again.recovered.start, { index: 30, term: 1 });
  assert.deepEqual(
    entriesOf(disk, again),
    Array.from({ length: 10 }, (_, i) => entry(31 + i)),
  );
  assert.deepEqual(again.recovered.hardState, { term: 1, vote: 1, commit: 39 });
  again.close();
});

Deno.test("a commit index that waited goes to disk with the next write, and when the log closes", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.path);
  const commit = (index: number) =>
    encodeWrite({ hardState: { term: 1, vote: 1, commit: index }, entries: [] }).bytes;
  const first = Wal.open(disk);
  write(first, [entry(1), entry(2)], { term: 1, vote: 1, commit: 0 });
  first.write(commit(1), false);
  write(first, [entry(3)]);
  const second = Wal.open(openDisk(dir.path));
  assert.equal(second.recovered.hardState.commit, 1);
  first.write(commit(3), false);
  first.close();
  const third = Wal.open(openDisk(dir.path));
  assert.equal(third.recovered.hardState.commit, 3);
  assert.equal(third.recovered.entries.length, 3);
});

Deno.test("a vote is never held back, whatever the caller says", async () => {
  await using dir = await tempDir();
  const first = Wal.open(openDisk(dir.path));
  const vote = encodeWrite({ hardState: { term: 1, vote: 2, commit: 0 }, entries: [] });
  first.write(vote.bytes, false);
  const second = Wal.open(openDisk(dir.path));
  assert.deepEqual(second.recovered.hardState, { term: 1, vote: 2, commit: 0 });
});

Deno.test("a write that contradicts the log is refused, and everything after it", async () => {
  await using dir = await tempDir();
  const wal = Wal.open(openDisk(dir.path));
  write(wal, [entry(1)]);
  assert.throws(() => write(wal, [entry(3)]), RangeError);
  assert.throws(() => write(wal, [entry(2)]), { name: "StorageError", kind: "io" });
  wal.close();
  const again = Wal.open(openDisk(dir.path));
  assert.equal(again.recovered.entries.length, 1);
  again.close();
});
