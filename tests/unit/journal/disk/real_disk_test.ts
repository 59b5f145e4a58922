import assert from "node:assert/strict";
import { openDisk } from "../../../../journal/disk/mod.ts";
import { StorageError } from "../../../../journal/storage/mod.ts";
import { tempDir } from "../../../support/mod.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array) => new TextDecoder().decode(content);

Deno.test("JRN-64: a disk makes its directory and files for their owner alone", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.file("wal"));
  disk.create("one");
  disk.append("one", [bytes("a"), bytes("bc")]);
  disk.sync("one");
  disk.syncDirectory();
  disk.close();
  assert.equal((await Deno.stat(dir.file("wal"))).mode, 0o40700);
  assert.equal((await Deno.stat(dir.file("wal/one"))).mode, 0o100600);
  assert.equal(await Deno.readTextFile(dir.file("wal/one")), "abc");
});

Deno.test("a disk appends at the end wherever it has read before, and after a cut", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.path);
  disk.create("one");
  disk.append("one", [bytes("0123456789")]);
  assert.equal(text(disk.read("one", 2, 3)), "234");
  disk.append("one", [bytes("x")]);
  assert.equal(text(disk.read("one", 8, 100)), "89x");
  assert.equal(text(disk.read("one", 100, 5)), "");
  disk.truncate("one", 4);
  disk.append("one", [bytes("y")]);
  assert.equal(text(disk.read("one", 0, 100)), "0123y");
  assert.equal(disk.sizeBytes("one"), 5);
  disk.close();
});

Deno.test("a disk lists, renames and removes its files, more of them than it keeps open", async () => {
  await using dir = await tempDir();
  const disk = openDisk(dir.path);
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  for (const name of names) {
    disk.create(name);
    disk.append(name, [bytes(name)]);
  }
  for (const name of names) disk.append(name, [bytes("!")]);
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
    () => disk.append("two", [bytes("x")]),
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
    () => disk.append("full", [bytes("x")]),
    { name: "StorageError", kind: "io", path: "/dev/full", message: /the disk is full/ },
  );
  disk.close();
});
