import assert from "node:assert/strict";
import { runDeno, type TempDir, tempDir } from "../support/mod.ts";
import { buildNativeLibrary } from "./native_library.ts";

/** Loads a library under a permission; the outcome is `loaded` or the name of the error. */
async function load(library: string, granted: string): Promise<string> {
  const { stdout } = await runDeno({
    module: new URL("./programs/load_library.ts", import.meta.url),
    flags: [`--allow-ffi=${granted}`],
    args: [library],
  });
  return stdout.trim();
}

async function withLibrary(probe: (library: string, dir: TempDir) => Promise<void>): Promise<void> {
  await using dir = await tempDir();
  const library = await buildNativeLibrary(dir);
  if (library !== undefined) await probe(library, dir);
}

Deno.test("one granted library file loads, and no other path or system library does", () =>
  withLibrary(async (library, dir) => {
    await Deno.copyFile(library, dir.file("copy.so"));
    await Deno.symlink(library, dir.file("link.so"));
    assert.equal(await load(library, library), "loaded");
    assert.equal(await load(dir.file("copy.so"), library), "NotCapable");
    assert.equal(await load(dir.file("link.so"), library), "NotCapable");
    assert.equal(await load("libc.so.6", library), "NotCapable");
  }));

Deno.test("a granted directory lets a symlink lead out of it", () =>
  withLibrary(async (library, dir) => {
    await Deno.mkdir(dir.file("granted"));
    await Deno.symlink(library, dir.file("granted/link.so"));
    assert.equal(await load(library, dir.file("granted")), "NotCapable");
    assert.equal(await load(dir.file("granted/link.so"), dir.file("granted")), "loaded");
  }));
