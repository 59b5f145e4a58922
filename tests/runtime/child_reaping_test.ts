import assert from "node:assert/strict";
import { runDeno, tempDir } from "../support/mod.ts";
import { buildNativeLibrary } from "./native_library.ts";

Deno.test("reaping any child by waitid takes the status away from Deno.Command", async () => {
  await using dir = await tempDir();
  const library = await buildNativeLibrary(dir);
  if (library === undefined) return;
  const { stdout, stderr, success } = await runDeno({
    module: new URL("./programs/reap_race.ts", import.meta.url),
    flags: ["--allow-all"],
    args: [library],
  });
  assert.ok(success, stderr);
  const { lost, kept } = JSON.parse(stdout);
  assert.ok(lost > 0, `Deno.Command kept the status of all ${kept} children`);
});
