import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { SimulatedDisk } from "../../../../journal/sim/mod.ts";
import { StorageError, type StorageErrorKind } from "../../../../journal/storage/mod.ts";
import { encodeWrite, located, readEntry, Wal } from "../../../../journal/wal/mod.ts";
import { entryOf, modelOf, writeEntries } from "./log_model.ts";

const OPTIONS = { segmentMaxBytes: 1000, newSalt: () => 12345 };

interface WrittenLog {
  readonly disk: SimulatedDisk;
  /** The newest segment, where its last frame begins and ends; zeros follow. */
  readonly newest: string;
  readonly lastFrameOffset: number;
  readonly end: number;
}

/** The entry in the last frame. */
const LAST = 16;

/** A log of three segments; the last two frames hold an entry each, those before two. */
function writtenLog(): WrittenLog {
  const disk = new SimulatedDisk(() => 0.5);
  const wal = Wal.open(disk, OPTIONS);
  for (let index = 1; index < LAST - 1; index += 2) {
    writeEntries(wal, entryOf(index, 1, 100), entryOf(index + 1, 1, 100));
  }
  writeEntries(wal, entryOf(LAST - 1, 1, 100));
  const newest = disk.list().at(-1) ?? assert.fail();
  const { bytes } = encodeWrite({ entries: [entryOf(LAST, 1, 100)] });
  const { offset } = wal.write(bytes);
  assert.equal(disk.list().length, 3);
  assert.deepEqual(disk.list().at(-1), newest);
  return { disk, newest, lastFrameOffset: offset - 24, end: offset + bytes.length };
}

function copyOf(disk: SimulatedDisk): SimulatedDisk {
  const copy = new SimulatedDisk(() => 0.5);
  for (const name of disk.list()) {
    copy.create(name);
    copy.write(name, 0, [disk.read(name, 0, disk.sizeBytes(name))]);
    copy.sync(name);
  }
  copy.syncDirectory();
  return copy;
}

function openingError(disk: SimulatedDisk): StorageError {
  try {
    Wal.open(disk, OPTIONS);
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
  throw new Error("the damaged log was opened");
}

function assertRefused(disk: SimulatedDisk, kind: StorageErrorKind, path: string): StorageError {
  const error = openingError(disk);
  assert.equal(error.kind, kind, error.message);
  assert.equal(error.path, path);
  assert.match(error.message, /restore the data directory|move it out|use the newer program/);
  return error;
}

/** The indexes of the entries in a log that opens. */
function indexesIn(disk: SimulatedDisk): number[] {
  return modelOf(disk, Wal.open(disk, OPTIONS)).entries.map(({ index }) => index);
}

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

Deno.test("JRN-65: any damaged byte before the last frame stops the start, file and offset named", () => {
  const { disk, newest, lastFrameOffset } = writtenLog();
  for (const name of disk.list()) {
    const end = name === newest ? lastFrameOffset : disk.sizeBytes(name);
    for (let offset = 0; offset < end; offset++) {
      disk.flipByte(name, offset, 1 << offset % 8);
      const error = openingError(disk);
      assert.ok(["corrupt", "foreign"].includes(error.kind), error.message);
      assert.equal(error.path, name);
      const named = Number(/^offset (\d+)$/.exec(error.position ?? "")?.[1]);
      assert.ok(named <= offset && offset < named + 400, `byte ${offset}: ${error.message}`);
      disk.flipByte(name, offset, 1 << offset % 8);
    }
  }
  assert.deepEqual(indexesIn(disk), upTo(LAST));
});

Deno.test("JRN-65: wherever the last frame was cut short, it is cut off and the log goes on", () => {
  const written = writtenLog();
  for (let cut = written.lastFrameOffset; cut < written.end; cut++) {
    for (const isInRoom of [false, true]) {
      const disk = copyOf(written.disk);
      const size = disk.sizeBytes(written.newest);
      disk.truncate(written.newest, cut);
      // What was to be written over zeros leaves zeros where it was not.
      if (isInRoom) disk.write(written.newest, cut, [new Uint8Array(size - cut)]);
      disk.sync(written.newest);
      const wal = Wal.open(disk, OPTIONS);
      assert.equal(wal.recovered.entries.length, LAST - 1);
      assert.equal(disk.sizeBytes(written.newest), written.lastFrameOffset);
      writeEntries(wal, entryOf(LAST, 2));
      assert.deepEqual(indexesIn(disk), upTo(LAST));
    }
  }
});

Deno.test("JRN-65: a last frame with damaged bytes counts as cut short", () => {
  const written = writtenLog();
  for (let at = written.lastFrameOffset; at < written.end; at++) {
    const disk = copyOf(written.disk);
    disk.flipByte(written.newest, at);
    assert.deepEqual(indexesIn(disk), upTo(LAST - 1));
  }
});

Deno.test("JRN-65: room for frames to come says nothing, whatever a crash left in it", () => {
  const written = writtenLog();
  const size = written.disk.sizeBytes(written.newest);
  assert.ok(size > written.end, "there is room");
  assert.ok(written.disk.read(written.newest, written.end, size).every((byte) => byte === 0));
  for (let at = written.end; at < size; at++) {
    const disk = copyOf(written.disk);
    disk.flipByte(written.newest, at);
    const wal = Wal.open(disk, OPTIONS);
    assert.equal(disk.sizeBytes(written.newest), written.end);
    writeEntries(wal, entryOf(LAST + 1));
    assert.deepEqual(indexesIn(disk), upTo(LAST + 1));
  }
});

Deno.test("a segment has no room left when it is followed by another", () => {
  for (const growthMaxBytes of [0, 5_000, 6_000, 100_000]) {
    const disk = new SimulatedDisk(() => 0.5);
    let wal = Wal.open(disk, { ...OPTIONS, growthMaxBytes });
    for (let index = 1; index < 20; index += 2) {
      writeEntries(wal, entryOf(index, 1, 100), entryOf(index + 1, 1, 100));
      if (index % 7 === 0) wal = Wal.open(disk, { ...OPTIONS, growthMaxBytes });
    }
    for (const name of disk.list().slice(0, -1)) {
      assert.notEqual(disk.read(name, disk.sizeBytes(name) - 52, 6)[5], 0, "it ends with its seal");
    }
    assert.deepEqual(indexesIn(disk), upTo(20));
  }
});

Deno.test("a log without room, as formerly written, goes on with room once entries come together", () => {
  const disk = new SimulatedDisk(() => 0.5);
  const former = Wal.open(disk, { ...OPTIONS, growthMaxBytes: 0 });
  writeEntries(former, entryOf(1), entryOf(2));
  const [name = ""] = disk.list();
  const size = disk.sizeBytes(name);
  const wal = Wal.open(disk, OPTIONS);
  assert.equal(disk.sizeBytes(name), size);
  writeEntries(wal, entryOf(3));
  assert.ok(disk.sizeBytes(name) < size + 200, "none for a lone entry");
  writeEntries(wal, entryOf(4), entryOf(5));
  assert.equal(disk.sizeBytes(name), OPTIONS.segmentMaxBytes);
  writeEntries(wal, entryOf(6));
  assert.equal(disk.sizeBytes(name), OPTIONS.segmentMaxBytes);
  assert.deepEqual(indexesIn(disk), upTo(6));
});

Deno.test("JRN-65: a segment that is cut off before another, or is not there, stops the start", () => {
  const names = writtenLog().disk.list();
  for (const [position, name] of names.entries()) {
    const { disk } = writtenLog();
    disk.remove(name);
    assertRefused(disk, "corrupt", name);
    if (position === names.length - 1) continue;
    const cut = writtenLog().disk;
    cut.truncate(name, cut.sizeBytes(name) - 1);
    assertRefused(cut, "corrupt", name);
  }
});

Deno.test("JRN-65: bytes behind the end of a segment that goes on in another stop the start", () => {
  const { disk } = writtenLog();
  const name = disk.list()[0] ?? assert.fail();
  const end = disk.sizeBytes(name);
  disk.write(name, end, [new Uint8Array(3)]);
  assert.equal(assertRefused(disk, "corrupt", name).position, `offset ${end}`);
});

Deno.test("a segment of a newer version, and files that are no segments, are refused by name", () => {
  const { disk, newest } = writtenLog();
  const header = disk.read(newest, 0, 16);
  const view = new DataView(header.buffer);
  view.setUint32(8, 2, true);
  view.setUint32(12, crc32(header.subarray(0, 12)), true);
  const rest = disk.read(newest, 16, disk.sizeBytes(newest));
  disk.truncate(newest, 0);
  disk.write(newest, 0, [header, rest]);
  assertRefused(disk, "newer", newest);
  disk.truncate(newest, 0);
  disk.write(newest, 0, [new TextEncoder().encode("something else altogether")]);
  assertRefused(disk, "foreign", newest);
  disk.remove(newest);
  disk.create("wal-1.seg");
  assertRefused(disk, "foreign", "wal-1.seg");
});

Deno.test("a torn entry that carries a copy of the log's own bytes is still a torn entry", () => {
  const { disk, newest, end } = writtenLog();
  const copied = disk.read(newest, 0, end);
  const wal = Wal.open(disk, OPTIONS);
  const data = new Uint8Array([...copied, ...copied, ...copied]);
  const { bytes } = encodeWrite({ entries: [{ kind: "normal", index: LAST + 1, term: 1, data }] });
  const { segment, offset } = wal.write(bytes);
  const name = disk.list().find((each) => each.includes(String(segment))) ?? assert.fail();
  assert.equal(disk.sizeBytes(name), offset + bytes.length);
  disk.flipByte(name, offset);
  assert.deepEqual(indexesIn(disk), upTo(LAST));
});

for (const [what, at] of [["data", 30], ["length", 4], ["length", 7], ["checksum", 0]] as const) {
  Deno.test(`JRN-65: an entry whose ${what} is damaged later, at byte ${at}, is refused when it is read`, () => {
    const { disk } = writtenLog();
    const wal = Wal.open(disk, OPTIONS);
    const { place } = wal.recovered.entries[3] ?? assert.fail();
    const { segment, offset } = located(place);
    const name = `wal-${String(segment).padStart(10, "0")}.seg`;
    disk.flipByte(name, offset + at);
    assert.throws(() => readEntry(disk, place), {
      name: "StorageError",
      kind: "corrupt",
      path: name,
      position: `offset ${offset}`,
    });
  });
}

for (const fault of ["full", "append-error", "sync-error"] as const) {
  Deno.test(`demand 4: after ${fault} nothing more is taken, and what was answered is there`, () => {
    const { disk } = writtenLog();
    const wal = Wal.open(disk, OPTIONS);
    disk.fault = fault;
    assert.throws(() => writeEntries(wal, entryOf(LAST + 1)), { name: "StorageError", kind: "io" });
    disk.fault = undefined;
    assert.throws(() => writeEntries(wal, entryOf(LAST + 1)), { name: "StorageError", kind: "io" });
    assert.throws(() => wal.compactTo({ index: 5, term: 1 }), { name: "StorageError" });
    wal.close();
    disk.crash();
    assert.deepEqual(indexesIn(disk).slice(0, LAST), upTo(LAST));
  });
}

Deno.test("demand 4: a disk that cannot be read stops the start", () => {
  const { disk } = writtenLog();
  disk.fault = "read-error";
  assert.equal(openingError(disk).kind, "io");
});
