import assert from "node:assert/strict";
import { ShimError } from "../../../ffi/mod.ts";
import { needing, tempDir, withShim } from "../../support/mod.ts";
import { assertNoNewDescriptors, openDescriptors } from "./run_to_end.ts";

/** Asserts that a call throws a ShimError with this message. */
function assertFails(call: () => unknown, message: string): void {
  assert.throws(call, (error: unknown) => {
    assert.ok(error instanceof ShimError, String(error));
    assert.equal(error.message, message);
    return true;
  });
}

Deno.test("an atomic write sets content and mode whatever the umask, and leaves no temporary", async () => {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const path = dir.file("managed");
    for (
      const [content, mode] of [["first", 0o666], ["second, longer", 0o4750], ["", 0o600]] as const
    ) {
      await shim.files.writeAtomic(path, content, { mode });
      assert.equal(shim.files.readText(path, { maxBytes: 100 }), content);
      assert.equal(shim.files.lstat(path).mode, mode);
    }
    shim.files.writeAtomicSync(path, new Uint8Array([0, 255]), { mode: 0o644 });
    assert.deepEqual(shim.files.read(path, { maxBytes: 2 }), new Uint8Array([0, 255]));
    assert.deepEqual(shim.files.list(dir.path), [{ name: "managed", type: "file" }]);
  });
});

Deno.test("an atomic write replaces a symlink and leaves its target alone", async () => {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    await Deno.writeTextFile(dir.file("target"), "precious");
    shim.files.symlink("target", dir.file("link"));
    await shim.files.writeAtomic(dir.file("link"), "new", { mode: 0o644 });
    assert.equal(await Deno.readTextFile(dir.file("target")), "precious");
    assert.equal(shim.files.lstat(dir.file("link")).type, "file");
  });
});

Deno.test("an atomic write that fails keeps what was there and leaves nothing behind", async () => {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const mode = 0o644;
    const { files } = shim;
    const gone = dir.file("no/such/file");
    assertFails(
      () => files.writeAtomicSync(gone, "x", { mode }),
      `write ${gone}: No such file or directory`,
    );
    files.mkdir(dir.file("directory"), 0o755);
    const directory = dir.file("directory");
    assertFails(
      () => files.writeAtomicSync(directory, "x", { mode }),
      `write ${directory}: Is a directory`,
    );
    for (const path of [`${dir.path}/`, `${dir.path}/..`, "", dir.file("a\0b")]) {
      assert.throws(() => files.writeAtomicSync(path, "x", { mode }), ShimError);
    }
    assertFails(
      () => files.writeAtomicSync(dir.file("f"), "x", { mode: 0o10000 }),
      `write ${dir.file("f")}: Invalid argument`,
    );
    assert.deepEqual(files.list(dir.path).map(({ name }) => name), ["directory"]);
    await assert.rejects(files.writeAtomic(gone, "x", { mode }), ShimError);
  });
});

Deno.test("the longest possible name can be written atomically", async () => {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const path = dir.file("x".repeat(255));
    await shim.files.writeAtomic(path, "long", { mode: 0o644 });
    assert.equal(shim.files.readText(path, { maxBytes: 100 }), "long");
  });
});

Deno.test({
  ...needing(Deno.uid() === 0, "root", "an atomic write sets the owner"),
  async fn() {
    await withShim(async (shim) => {
      await using dir = await tempDir();
      await shim.files.writeAtomic(dir.file("owned"), "x", { mode: 0o2755, uid: 1234, gid: 4321 });
      const { uid, gid, mode } = shim.files.lstat(dir.file("owned"));
      assert.deepEqual({ uid, gid, mode }, { uid: 1234, gid: 4321, mode: 0o2755 });
      shim.files.chown(dir.file("owned"), { gid: 7 });
      assert.deepEqual(shim.files.lstat(dir.file("owned")).uid, 1234);
      assert.deepEqual(shim.files.lstat(dir.file("owned")).gid, 7);
    });
  },
});

Deno.test("a read is bounded, exact at the bound, and works where sizes are unknown", async () => {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const path = dir.file("data");
    const content = crypto.getRandomValues(new Uint8Array(50_000));
    await Deno.writeFile(path, content);
    assert.deepEqual(shim.files.read(path, { maxBytes: 50_000 }), content);
    assertFails(() => shim.files.read(path, { maxBytes: 49_999 }), `read ${path}: File too large`);
    const twice = new Uint8Array(200_000);
    await Deno.writeFile(path, twice);
    assert.equal(shim.files.read(path, { maxBytes: 1 << 20 }).byteLength, 200_000);
    await Deno.writeFile(path, new Uint8Array(0));
    assert.equal(shim.files.read(path, { maxBytes: 0 }).byteLength, 0);
    assert.match(shim.files.readText("/proc/self/status", { maxBytes: 1 << 16 }), /^Name:/);
    assert.match(shim.files.readText("/proc/sys/kernel/ostype", { maxBytes: 64 }), /^Linux\n$/);
  });
});

Deno.test("a read refuses directories, devices, pipes and, when told, symlinks", async () => {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const maxBytes = 100;
    shim.files.symlink("/etc/hostname", dir.file("link"));
    assertFails(() => shim.files.read(dir.path, { maxBytes }), `read ${dir.path}: Is a directory`);
    assertFails(
      () => shim.files.read("/dev/null", { maxBytes }),
      "read /dev/null: Operation not supported",
    );
    assertFails(
      () => shim.files.read(dir.file("link"), { maxBytes, followSymlink: false }),
      `read ${dir.file("link")}: Too many levels of symbolic links`,
    );
  });
});

Deno.test("writing an existing file never creates one and never follows a symlink", async () => {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const path = dir.file("setting");
    assertFails(
      () => shim.files.writeExisting(path, "1"),
      `write ${path}: No such file or directory`,
    );
    await Deno.writeTextFile(path, "12345");
    shim.files.writeExisting(path, "ab");
    assert.equal(await Deno.readTextFile(path), "ab345");
    shim.files.writeExisting(path, "ab", { truncate: true });
    assert.equal(await Deno.readTextFile(path), "ab");
    shim.files.symlink("setting", dir.file("link"));
    assertFails(
      () => shim.files.writeExisting(dir.file("link"), "x"),
      `write ${dir.file("link")}: Too many levels of symbolic links`,
    );
  });
});

Deno.test("stat, links, directories, modes and renames do what their names say", async () => {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const { files } = shim;
    files.mkdir(dir.file("d"), 0o1777);
    assert.deepEqual([files.stat(dir.file("d")).type, files.stat(dir.file("d")).mode], [
      "directory",
      0o1777,
    ]);
    await Deno.writeTextFile(dir.file("f"), "12345");
    const real = await Deno.stat(dir.file("f"));
    const stat = files.stat(dir.file("f"));
    assert.equal(stat.sizeBytes, 5);
    assert.equal(stat.mtimeMs, real.mtime?.getTime());
    assert.equal(Number(stat.ino), real.ino);
    files.symlink("f", dir.file("l"));
    assert.equal(files.lstat(dir.file("l")).type, "symlink");
    assert.equal(files.stat(dir.file("l")).type, "file");
    assert.equal(files.readlink(dir.file("l")), "f");
    assertFails(
      () => files.chmod(dir.file("l"), 0o600),
      `chmod ${dir.file("l")}: Operation not supported`,
    );
    files.chmod(dir.file("f"), 0o640);
    assert.equal(files.stat(dir.file("f")).mode, 0o640);
    files.rename(dir.file("f"), dir.file("g"));
    assert.equal(files.lstatIfPresent(dir.file("f")), null);
    assert.equal(files.lstatIfPresent(dir.file("g/below")), null);
    assert.deepEqual(files.list(dir.path), [
      { name: "d", type: "directory" },
      { name: "g", type: "file" },
      { name: "l", type: "symlink" },
    ]);
    files.rmdir(dir.file("d"));
    files.unlink(dir.file("l"));
    assertFails(() => files.rmdir(dir.path), `rmdir ${dir.path}: Directory not empty`);
    assertFails(
      () => files.lstat(dir.file("d")),
      `lstat ${dir.file("d")}: No such file or directory`,
    );
  });
});

Deno.test("a directory of many entries is listed whole or refused, never cut", async () => {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const names = Array.from({ length: 1000 }, (_, index) => `${index}`.padStart(150, "0"));
    for (const name of names) shim.files.symlink("x", dir.file(name));
    assert.deepEqual(shim.files.list(dir.path).map(({ name }) => name), names);
    assertFails(
      () => shim.files.list(dir.path, { maxBytes: 100_000 }),
      `readdir ${dir.path}: No buffer space available`,
    );
  });
});

Deno.test("appends are in order, survive reopening, and one at a time", async () => {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const path = dir.file("log");
    const first = shim.files.openAppend(path, 0o600);
    assert.equal(await first.append("one\n"), 4);
    const pending = first.append("two\n");
    assertFails(() => first.appendSync("three\n"), `append ${path}: Device or resource busy`);
    assert.throws(() => first.close(), ShimError);
    assert.equal(await pending, 8);
    first.close();
    first.close();
    assertFails(() => first.appendSync("x"), `append ${path}: Bad file descriptor`);
    const second = shim.files.openAppend(path, 0o644);
    assert.equal(second.appendSync("three\n"), 14);
    second.close();
    assert.equal(await Deno.readTextFile(path), "one\ntwo\nthree\n");
    assert.equal(shim.files.stat(path).mode, 0o600, "the mode is that of the creation");
    shim.files.symlink("log", dir.file("link"));
    assert.throws(() => shim.files.openAppend(dir.file("link"), 0o600), ShimError);
  });
});

Deno.test("file calls leave no descriptor open, failing ones neither", async () => {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    await shim.files.writeAtomic(dir.file("warm"), "x", { mode: 0o600 });
    const before = openDescriptors();
    await shim.files.writeAtomic(dir.file("a"), "x", { mode: 0o600 });
    shim.files.read(dir.file("a"), { maxBytes: 10 });
    shim.files.writeExisting(dir.file("a"), "y");
    shim.files.list(dir.path);
    shim.files.mkdir(dir.file("d"), 0o700);
    shim.files.openAppend(dir.file("log"), 0o600).close();
    assert.throws(() => shim.files.read(dir.file("a"), { maxBytes: 0 }));
    assert.throws(() => shim.files.read("/dev/null", { maxBytes: 0 }));
    assert.throws(() => shim.files.list(dir.path, { maxBytes: 1 }));
    assert.throws(() => shim.files.openAppend("/dev/null", 0o600));
    assert.throws(() => shim.files.writeAtomicSync(dir.file("d"), "x", { mode: 0o600 }));
    await assertNoNewDescriptors(before);
  });
});
