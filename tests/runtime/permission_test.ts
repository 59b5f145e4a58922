import assert from "node:assert/strict";
import { runDeno, tempDir } from "../support/mod.ts";

/** Reads files under permission flags; what each gives is `read` or the name of the error. */
async function read(paths: string[], flags: string[]): Promise<string[]> {
  const { stdout } = await runDeno({
    module: new URL("./programs/read_files.ts", import.meta.url),
    flags,
    args: paths,
  });
  return stdout.trim().split("\n");
}

const systemFiles = ["/proc/self/status", "/proc/sys/kernel/hostname"];

Deno.test("/proc is read with all permissions alone: not scoped, not with read, not with any denial", async () => {
  const refused = systemFiles.map(() => "NotCapable");
  assert.deepEqual(await read(systemFiles, ["--allow-read=/proc,/sys"]), refused);
  assert.deepEqual(await read(systemFiles, ["--allow-read"]), refused);
  assert.deepEqual(await read(systemFiles, ["-A", "--deny-read=/nowhere"]), refused);
  assert.deepEqual(await read(systemFiles, ["-A", "--deny-env=NOTHING"]), refused);
  assert.deepEqual(await read(systemFiles, ["-A"]), systemFiles.map(() => "read"));
});

Deno.test("a permission flag replaces that kind of the set and leaves the other kinds", async () => {
  await using dir = await tempDir();
  const [inSet, byFlag] = [dir.file("set"), dir.file("flag")];
  await Deno.writeTextFile(inSet, "x");
  await Deno.writeTextFile(byFlag, "x");
  const config = dir.file("deno.json");
  await Deno.writeTextFile(
    config,
    JSON.stringify({ permissions: { probe: { read: [inSet], env: ["PROBE"] } } }),
  );
  const states = async (...flags: string[]) => {
    const { stdout } = await runDeno({
      module: new URL("./programs/permission_states.ts", import.meta.url),
      flags: [`--config=${config}`, "-P=probe", ...flags],
      args: [inSet, byFlag],
    });
    return stdout.trim();
  };
  assert.equal(await states(), "granted prompt granted");
  assert.equal(await states(`--allow-read=${byFlag}`), "prompt granted granted");
});

Deno.test("a worker without ffi, run and write can neither load a library, start a program nor write", async () => {
  await using dir = await tempDir();
  const { stdout, stderr, success } = await runDeno({
    module: new URL("./programs/confined_worker.ts", import.meta.url),
    flags: ["--allow-all", "--unstable-worker-options"],
    args: [dir.path],
  });
  assert.ok(success, stderr);
  assert.deepEqual(JSON.parse(stdout), {
    main: { ffi: "Error", run: "done", write: "done", read: "done" },
    worker: { ffi: "NotCapable", run: "NotCapable", write: "NotCapable", read: "done" },
  });
});

Deno.test("a worker's permissions are refused without --unstable-worker-options", async () => {
  await using dir = await tempDir();
  const { success, stderr } = await runDeno({
    module: new URL("./programs/confined_worker.ts", import.meta.url),
    flags: ["--allow-all"],
    args: [dir.path],
  });
  assert.equal(success, false);
  assert.match(stderr, /unstable-worker-options/);
});
