import assert from "node:assert/strict";
import { openDisk } from "../../../../journal/disk/mod.ts";
import type { Entry } from "../../../../journal/raft/mod.ts";
import {
  type DurableLog,
  encodeWrite,
  openDurableLog,
  placesFrom,
  readEntry,
  Wal,
} from "../../../../journal/wal/mod.ts";
import { StorageError } from "../../../../journal/storage/mod.ts";
import { needing, tempDir } from "../../../support/mod.ts";

function entry(index: number, dataBytes = 100): Entry {
  return { kind: "normal", index, term: 1, data: new Uint8Array(dataBytes).fill(index) };
}

/** Writes one entry; resolves with where it stands. */
async function write(log: DurableLog, written: Entry) {
  const { bytes, places } = encodeWrite({ entries: [written] });
  const [place] = placesFrom(await log.write({ bytes }, true), places);
  assert.ok(place !== undefined);
  return place;
}

function isStorageError(error: unknown): error is StorageError {
  return error instanceof StorageError && error.kind === "io";
}

Deno.test("demand 4: many writes in flight are answered in order, each with its own place", async () => {
  await using dir = await tempDir();
  const log = openDurableLog(dir.path, { segmentMaxBytes: 20_000 });
  const entries = Array.from({ length: 300 }, (_, i) => entry(i + 1));
  const answered: number[] = [];
  const places = await Promise.all(entries.map(async (each) => {
    const place = await write(log, each);
    answered.push(each.index);
    return place;
  }));
  assert.deepEqual(answered, entries.map(({ index }) => index));
  const disk = openDisk(dir.path);
  assert.deepEqual(places.map((place) => readEntry(disk, place)), entries);
  disk.close();
  await log.close();

  const again = openDurableLog(dir.path);
  assert.deepEqual(
    again.recovered.entries,
    places.map((place, i) => ({ index: i + 1, term: 1, place })),
  );
  await again.close();
});

Deno.test("demand 4: writes that wait share a sync", async () => {
  await using dir = await tempDir();
  const log = openDurableLog(dir.path);
  const alone = await write(log, entry(1));
  const places = await Promise.all(
    Array.from({ length: 50 }, (_, i) => write(log, entry(i + 2))),
  );
  // Records in one frame stand closer than those with a frame's head between them.
  const steps = places.map((place, i) => place - (places[i - 1] ?? alone));
  assert.ok(steps.filter((step) => step === Math.min(...steps)).length >= 40, steps.join(" "));
  await log.close();
});

Deno.test("the log is compacted behind the writes that were asked for before", async () => {
  await using dir = await tempDir();
  const log = openDurableLog(dir.path, { segmentMaxBytes: 500 });
  for (let index = 1; index < 60; index++) await write(log, entry(index));
  await Promise.all([write(log, entry(60)), log.compactTo({ index: 50, term: 1 })]);
  await log.close();
  const disk = openDisk(dir.path);
  const wal = Wal.open(disk);
  assert.deepEqual(wal.recovered.start, { index: 50, term: 1 });
  assert.equal(wal.recovered.entries.length, 10);
  assert.ok(!disk.list().includes("wal-0000000001.seg"));
  wal.close();
});

Deno.test("a log that was stopped fails what waits and what comes", async () => {
  await using dir = await tempDir();
  const log = openDurableLog(dir.path);
  const waiting = [1, 2, 3, 4].map((index) => write(log, entry(index)));
  log.terminate();
  for (const { status } of await Promise.allSettled(waiting)) assert.equal(status, "rejected");
  await assert.rejects(() => write(log, entry(5)), isStorageError);
  await assert.rejects(() => log.close(), isStorageError);
});

Deno.test("JRN-65: damage is told as it was found", async () => {
  await using dir = await tempDir();
  const path = dir.file("wal-0000000001.seg");
  await Deno.writeTextFile(path, "this is no log at all");
  assert.throws(
    () => openDurableLog(dir.path),
    { name: "StorageError", kind: "foreign", path, position: "offset 0", exitCode: 1 },
  );
});

Deno.test({
  ...needing(
    Deno.uid() === 0,
    "root",
    "demand 4: a full disk fails the write and all after it; what was answered stays",
  ),
  fn: async () => {
    await using dir = await tempDir();
    await run("mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "pact-test", dir.path);
    try {
      const log = openDurableLog(dir.path);
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => write(log, entry(i + 1, 20_000))),
      );
      const kept = results.findIndex(({ status }) => status === "rejected");
      assert.ok(kept > 0, "some writes fit");
      for (const result of results.slice(kept)) {
        assert.equal(result.status, "rejected");
        assert.match(String(result.reason), /the disk is full/);
      }
      await assert.rejects(() => write(log, entry(kept + 1, 1)), isStorageError);
      await log.close();
      const wal = Wal.open(openDisk(dir.path));
      assert.ok(wal.recovered.entries.length >= kept);
      wal.close();
    } finally {
      await run("umount", dir.path);
    }
  },
});

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}
