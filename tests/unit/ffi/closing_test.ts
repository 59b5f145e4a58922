import assert from "node:assert/strict";
import { buildShim } from "../../../ffi/build/mod.ts";
import { openShim, type Shim, ShimClosedError } from "../../../ffi/mod.ts";
import { tempDir, waitFor } from "../../support/mod.ts";

/** The library under a name of its own, so that it can be told whether it is loaded. */
async function ownCopy() {
  const dir = await tempDir();
  const path = dir.file("closing.so");
  await Deno.copyFile((await buildShim()).path, path);
  const isLoaded = () => Deno.readTextFileSync("/proc/self/maps").includes(path);
  return { path, isLoaded, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

/** Whether the error says which call came too late. */
const isLate = (symbol: string) => (error: unknown): boolean => {
  assert.ok(error instanceof ShimClosedError, String(error));
  assert.equal(error.code, "SHIM_CLOSED");
  assert.equal(error.symbol, symbol);
  assert.match(error.message, /the native library was closed before this call/);
  return true;
};

/** Calls of each kind: at once, on another thread, by something made from the shim before. */
async function assertRefuses(shim: Shim): Promise<void> {
  assert.throws(() => shim.system.ids(), isLate("pact_shim_ids"));
  assert.throws(
    () => shim.files.readText("/proc/self/stat", { maxBytes: 4096 }),
    isLate("pact_shim_read_file"),
  );
  assert.throws(
    () => shim.processes.spawn({ executable: "/bin/true", arguments: [] }),
    isLate("pact_shim_spawn"),
  );
  assert.throws(() => shim.startEvents(), isLate("pact_shim_events_open"));
  assert.throws(() => shim.files.unlink("/nonexistent"), isLate("pact_shim_unlink"));
  await assert.rejects(async () => await shim.users.user("root"), isLate("pact_shim_user"));
  await assert.rejects(async () => await shim.mounts.usage("/"), isLate("pact_shim_statfs"));
}

Deno.test("calls after the shim was closed throw a named error and do not end the process", async () => {
  await using copy = await ownCopy();
  const shim = openShim({ path: copy.path, mode: "development" });
  const child = shim.processes.spawn({ executable: "/bin/true", arguments: [] });
  await waitFor(() => child.exitStatus(), { what: "the program's end" });
  shim.close();
  assert.equal(copy.isLoaded(), false);
  await assertRefuses(shim);
  assert.throws(() => child.close(), isLate("pact_shim_close"));
  shim.close();
});

Deno.test("a call that is on its way when the shim is closed ends as if it were open", async () => {
  await using copy = await ownCopy();
  const shim = openShim({ path: copy.path, mode: "development" });
  const asked = shim.users.group("root");
  shim.close();
  await assertRefuses(shim);
  assert.equal(await asked, 0);
  await waitFor(() => !copy.isLoaded(), { what: "the library being unloaded" });
});

Deno.test("a signal of a child after the shim was closed meets no code that is gone", async () => {
  await using copy = await ownCopy();
  const shim = openShim({ path: copy.path, mode: "development" });
  const pump = shim.startEvents();
  pump.watchChildren(() => {});
  await pump.close();
  shim.close();
  assert.equal(copy.isLoaded(), false);
  const { success } = await new Deno.Command("/bin/true").output();
  assert.ok(success);
});
