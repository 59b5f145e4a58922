import assert from "node:assert/strict";
import fc from "fast-check";
import { SimulatedDisk } from "../../../../journal/sim/mod.ts";
import { randomFrom } from "./random_from.ts";

const SECTOR_BYTES = 512;

function diskOf(seed: number): SimulatedDisk {
  const disk = new SimulatedDisk(randomFrom(seed));
  disk.create("log");
  disk.syncDirectory();
  return disk;
}

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

function contentOf(disk: SimulatedDisk, name: string): number[] {
  return [...disk.read(name, 0, disk.sizeBytes(name))];
}

/** What each of many seeds makes of the same scenario. */
function outcomes<T>(scenario: (disk: SimulatedDisk) => T): T[] {
  return Array.from({ length: 200 }, (_, seed) => scenario(diskOf(seed * 7919 + 1)));
}

Deno.test("demand 9: what was synced survives every crash, whatever was written after it", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.nat({ max: 2000 }),
      fc.nat({ max: 2000 }),
      (seed, synced, unsynced) => {
        const disk = diskOf(seed);
        disk.write("log", 0, [filled(synced, 1)]);
        disk.sync("log");
        disk.write("log", synced, [filled(unsynced, 2)]);
        disk.crash();
        const content = contentOf(disk, "log");
        assert.ok(content.length >= synced && content.length <= synced + unsynced);
        assert.deepEqual(content.slice(0, synced), [...filled(synced, 1)]);
        disk.crash();
        assert.deepEqual(contentOf(disk, "log"), content);
      },
    ),
  );
});

Deno.test("demand 9: what was not synced is lost, kept or torn by sectors", () => {
  const kinds = outcomes((disk) => {
    disk.write("log", 0, [filled(100, 1)]);
    disk.sync("log");
    disk.write("log", 100, [filled(3 * SECTOR_BYTES, 2)]);
    disk.crash();
    const unsynced = contentOf(disk, "log").slice(100);
    if (unsynced.length === 0) return "lost";
    if (unsynced.length === 3 * SECTOR_BYTES && unsynced.every((byte) => byte === 2)) return "kept";
    const second = unsynced.slice(SECTOR_BYTES - 100, 2 * SECTOR_BYTES - 100);
    const third = unsynced.slice(2 * SECTOR_BYTES - 100, 3 * SECTOR_BYTES - 100);
    const isHole = third.length === SECTOR_BYTES && third.every((byte) => byte === 2) &&
      second.every((byte) => byte === 0);
    return isHole ? "hole before what was kept" : "torn";
  });
  assert.deepEqual(
    [...new Set(kinds)].sort(),
    ["hole before what was kept", "kept", "lost", "torn"],
  );
});

Deno.test("demand 9: of what was written over synced bytes, each sector is the old or the new one", () => {
  const contents = outcomes((disk) => {
    disk.write("log", 0, [filled(4 * SECTOR_BYTES, 1)]);
    disk.sync("log");
    disk.write("log", 100, [filled(2 * SECTOR_BYTES, 2)]);
    disk.write("log", 100 + 2 * SECTOR_BYTES, [filled(50, 3)]);
    disk.crash();
    const content = contentOf(disk, "log");
    assert.equal(content.length, 4 * SECTOR_BYTES);
    assert.deepEqual(content.slice(0, 100), [...filled(100, 1)]);
    assert.ok(content.slice(150 + 2 * SECTOR_BYTES).every((byte) => byte === 1));
    const sectors = [0, 1, 2].map((at) =>
      content.slice(at * SECTOR_BYTES, (at + 1) * SECTOR_BYTES)
    );
    const [first = [], second = [], third = []] = sectors;
    assert.equal(new Set(first.slice(100)).size, 1);
    assert.equal(new Set(second).size, 1);
    assert.ok(["1", "2,3"].includes([...new Set(third.slice(0, 150))].join()));
    return [first[100], second[0], third[0]].join("");
  });
  assert.deepEqual(
    [...new Set(contents)].sort(),
    ["111", "112", "121", "122", "211", "212", "221", "222"],
  );
});

Deno.test("demand 9: a cut that was not synced may be undone, one that was is not", () => {
  const sizes = outcomes((disk) => {
    disk.write("log", 0, [filled(1000, 1)]);
    disk.sync("log");
    disk.truncate("log", 600);
    disk.truncate("log", 300);
    disk.crash();
    assert.ok(contentOf(disk, "log").every((byte) => byte === 1));
    return disk.sizeBytes("log");
  });
  assert.deepEqual([...new Set(sizes)].sort(), [1000, 300]);
  for (
    const size of outcomes((disk) => {
      disk.write("log", 0, [filled(1000, 1)]);
      disk.truncate("log", 300);
      disk.sync("log");
      disk.crash();
      return disk.sizeBytes("log");
    })
  ) assert.equal(size, 300);
});

Deno.test("demand 9: files made, renamed and removed may not have been, until the directory is synced", () => {
  const listings = outcomes((disk) => {
    disk.create("a.new");
    disk.rename("a.new", "a");
    disk.remove("log");
    disk.crash();
    return disk.list().join(" ");
  });
  assert.deepEqual([...new Set(listings)].sort(), ["", "a", "a log", "a.new", "a.new log", "log"]);
  for (
    const listing of outcomes((disk) => {
      disk.create("a.new");
      disk.rename("a.new", "a");
      disk.remove("log");
      disk.syncDirectory();
      disk.crash();
      return disk.list().join(" ");
    })
  ) assert.equal(listing, "a");
});

Deno.test("demand 9: a disk fails as it is told to, and works again when it is mended", () => {
  const disk = diskOf(1);
  disk.write("log", 0, [filled(10, 1)]);
  disk.fault = "sync-error";
  assert.throws(() => disk.sync("log"), { name: "StorageError", kind: "io" });
  disk.fault = "full";
  assert.throws(() => disk.write("log", 10, [filled(10, 2)]), { message: /the disk is full/ });
  assert.throws(() => disk.create("more"), { message: /the disk is full/ });
  assert.ok(disk.sizeBytes("log") < 20, "at most a part was written");
  disk.fault = "read-error";
  assert.throws(() => disk.read("log", 0, 1), { name: "StorageError", kind: "io" });
  disk.fault = undefined;
  disk.flipByte("log", 3, 0x10);
  assert.equal(disk.read("log", 3, 1)[0], 0x11);
  assert.throws(() => disk.create("log"), { name: "StorageError", kind: "io", path: "log" });
  assert.throws(() => disk.read("nothing", 0, 1), { name: "StorageError", path: "nothing" });
});

Deno.test("demand 9: the same seed makes the same crash", () => {
  const crashed = () => {
    const disk = diskOf(99);
    disk.write("log", 0, [filled(5000, 7)]);
    disk.create("other");
    disk.crash();
    return [disk.list(), contentOf(disk, "log")];
  };
  assert.deepEqual(crashed(), crashed());
});
