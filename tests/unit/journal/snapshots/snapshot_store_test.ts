import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { systemClock } from "../../../../common/clock/mod.ts";
import { EMPTY_MEMBERSHIP } from "../../../../journal/raft/mod.ts";
import { openReplica, type Replica } from "../../../../journal/replica/mod.ts";
import { SnapshotStore } from "../../../../journal/snapshots/mod.ts";
import { StorageError } from "../../../../journal/storage/mod.ts";
import { ANN, append } from "../../../support/journal/mod.ts";
import { tempDir } from "../../../support/mod.ts";

const membership = { ...EMPTY_MEMBERSHIP, voters: [1] };
const DAY_MS = 86_400_000;

async function adopt(store: SnapshotStore, directory: string, index: number): Promise<void> {
  const content = `state after ${index}`;
  const path = `${directory}/incoming-${index}.part`;
  await Deno.writeTextFile(path, content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  store.adopt(path, { index, term: 1 }, membership, sha256);
}

async function open(dataDir: string): Promise<Replica & AsyncDisposable> {
  const replica = await openReplica({ dataDir, clock: systemClock, random: Math.random });
  return Object.assign(replica, { [Symbol.asyncDispose]: () => replica.close() });
}

async function write(replica: Replica, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    await replica.submit(append({ scope: "Global", message: `m${at}` }), { actor: ANN });
  }
}

/** Overwrites whole pages in the middle of a file. */
async function damage(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true });
  const { size } = await file.stat();
  await file.seek(Math.floor(size / 2), Deno.SeekMode.Start);
  await file.write(new Uint8Array(Math.ceil(size / 4)).fill(0xff));
}

Deno.test("JRN-51: the newest three snapshots are kept, and known again after a restart", async () => {
  await using dir = await tempDir();
  const store = new SnapshotStore(dir.path);
  for (const index of [10, 30, 20, 40]) await adopt(store, dir.path, index);
  assert.deepEqual(store.kept.map(({ index }) => index), [40, 30, 20]);
  const again = new SnapshotStore(dir.path);
  assert.deepEqual(again.kept, store.kept);
});

Deno.test("section 17: of a damaged snapshot the one before is used", async () => {
  await using dir = await tempDir();
  const store = new SnapshotStore(dir.path);
  for (const index of [10, 20]) await adopt(store, dir.path, index);
  assert.equal(store.newestIntact(0, 20)?.index, 20);
  await Deno.writeTextFile(store.kept[0]?.file.path ?? "", "state after 2O");
  assert.equal(new SnapshotStore(dir.path).newestIntact(0, 20)?.index, 10);
  assert.equal(new SnapshotStore(dir.path).newestIntact(11, 20), undefined);
});

Deno.test("section 17: a snapshot that the log does not reach yet is not used", async () => {
  await using dir = await tempDir();
  const store = new SnapshotStore(dir.path);
  for (const index of [10, 20]) await adopt(store, dir.path, index);
  assert.equal(store.newestIntact(8, 19)?.index, 10);
  assert.equal(store.newestIntact(8, 9), undefined);
});

Deno.test("what attempts left behind is swept; a part that is still being sent is not", async () => {
  await using dir = await tempDir();
  const store = new SnapshotStore(dir.path);
  await adopt(store, dir.path, 10);
  for (const name of ["making.tmp", "snap-1-11.db", "incoming-ab.part"]) {
    await Deno.writeTextFile(dir.file(name), "left");
  }
  store.sweep(Date.now());
  const names = () => [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort();
  assert.deepEqual(names(), ["incoming-ab.part", "snap-1-10.db", "snap-1-10.json"]);
  store.sweep(Date.now() + 2 * DAY_MS);
  assert.deepEqual(names(), ["snap-1-10.db", "snap-1-10.json"]);
});

Deno.test("section 17: a damaged state is replaced by the newest intact snapshot and the log behind it", async () => {
  await using dir = await tempDir();
  {
    await using replica = await open(dir.path);
    await write(replica, 5);
    await replica.makeSnapshot();
    await write(replica, 5);
    await replica.makeSnapshot();
    await write(replica, 5);
    assert.ok(replica.status().log.firstIndex > 1n, "the log is cut");
  }
  await damage(dir.file("state.db"));
  const [newest] = new SnapshotStore(dir.file("snapshots")).kept;
  await damage(newest?.file.path ?? "");
  await using replica = await open(dir.path);
  assert.equal(replica.appliedSequence, 14);
  assert.equal(replica.entry(14)?.message, "m4");
});

Deno.test("section 17: without any intact snapshot a damaged state ends the start", async () => {
  await using dir = await tempDir();
  {
    await using replica = await open(dir.path);
    await write(replica, 3);
    await replica.makeSnapshot();
  }
  await damage(dir.file("state.db"));
  for (const { file } of new SnapshotStore(dir.file("snapshots")).kept) await damage(file.path);
  await assert.rejects(
    open(dir.path),
    (error) => error instanceof StorageError && error.kind === "corrupt" && error.exitCode === 1,
  );
});
