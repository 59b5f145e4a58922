import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { openDisk } from "../../../../journal/disk/mod.ts";
import { StorageError } from "../../../../journal/storage/mod.ts";
import { tempDir } from "../../../support/mod.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array) => new TextDecoder().decode(content);

Deno.test("JRN-64: a disk makes its directory and files for their owner alone", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.file("wal"));
  disk.create("one");
  disk.write("one", 0, [bytes("a"), bytes("bc")]);
  disk.sync("one");
  disk.syncDirectory();
  disk.close();
  assert.equal((await Deno.stat(dir.file("wal"))).mode, 0o40700);
  assert.equal((await Deno.stat(dir.file("wal/one"))).mode, 0o100600);
  assert.equal(await Deno.readTextFile(dir.file("wal/one")), "abc");
});

Deno.test("a disk writes where it is told, wherever it has read before, and after a cut", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.path);
  disk.create("one");
  disk.write("one", 0, [bytes("0123456789")]);
  assert.equal(text(disk.read("one", 2, 3)), "234");
  disk.write("one", 10, [bytes("x")]);
  assert.equal(text(disk.read("one", 8, 100)), "89x");
  assert.equal(text(disk.read("one", 100, 5)), "");
  disk.write("one", 3, [bytes("a"), bytes(""), bytes("bc")]);
  disk.write("one", 6, [bytes("d")]);
  assert.equal(text(disk.read("one", 0, 100)), "012abcd789x");
  disk.truncate("one", 4);
  disk.write("one", 4, [bytes("y")]);
  assert.equal(text(disk.read("one", 0, 100)), "012ay");
  assert.equal(disk.sizeBytes("one"), 5);
  disk.close();
});

Deno.test("a disk writes parts of any size one behind the other", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.path);
  disk.create("one");
  let expected: Uint8Array = new Uint8Array(0);
  for (
    const sizes of [[24, 5000], [24, 32 * 1024 - 24], [24, 31 * 1024, 1000], [40_000], [
      24,
      300_000,
      7,
    ], [3]]
  ) {
    const parts = sizes.map((size, at) => new Uint8Array(size).fill(65 + at));
    disk.write("one", expected.length, parts);
    expected = Buffer.concat([expected, ...parts]);
  }
  disk.close();
  assert.ok(Buffer.from(expected).equals(await Deno.readFile(dir.file("one"))));
});

Deno.test("a disk lists, renames and removes its files, more of them than it keeps open", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.path);
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  for (const name of names) {
    disk.create(name);
    disk.write(name, 0, [bytes(name)]);
  }
  for (const name of names) disk.write(name, 1, [bytes("!")]);
  assert.deepEqual(disk.list(), names);
  disk.rename("g", "a");
  disk.remove("b");
  assert.deepEqual(disk.list(), ["a", "c", "d", "e", "f"]);
  assert.equal(text(disk.read("a", 0, 10)), "g!");
  disk.close();
});

Deno.test("what the operating system refuses names the file", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.path);
  disk.create("one");
  const refusals = [
    () => disk.create("one"),
    () => disk.read("two", 0, 1),
    () => disk.write("two", 0, [bytes("x")]),
    () => disk.remove("two"),
    () => disk.rename("two", "three"),
  ];
  const names = ["one", "two", "two", "two", "two"];
  for (const [position, refused] of refusals.entries()) {
    assert.throws(
      refused,
      (error: unknown) =>
        error instanceof StorageError && error.kind === "io" &&
        error.path === dir.file(names[position] ?? ""),
    );
  }
  disk.close();
});

Deno.test("demand 4: a full disk is called a full disk", () => {
  // The kernel's device for this very purpose.
  const disk = openDisk("/dev");
  assert.throws(
    () => disk.write("full", 0, [bytes("x")]),
    { name: "StorageError", kind: "io", path: "/dev/full", message: /the disk is full/ },
  );
  disk.close();
});
