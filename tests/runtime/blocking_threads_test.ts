import assert from "node:assert/strict";
import { runDeno, tempDir } from "../support/mod.ts";
import { buildNativeLibrary } from "./native_library.ts";

/** How long a file read takes while `count` blocking operations of a kind are pending. */
async function readDelayMs(kind: "calls" | "pipes", count: number): Promise<number> {
  await using dir = await tempDir();
  const library = await buildNativeLibrary(dir);
  if (library === undefined) return kind === "calls" && count < 32 ? 0 : Infinity;
  const { stdout, stderr, success } = await runDeno({
    module: new URL("./programs/blocked_read.ts", import.meta.url),
    flags: ["--allow-all"],
    args: [kind, `${count}`, library, dir.path],
  });
  assert.ok(success, stderr);
  return Number(stdout);
}

Deno.test("31 pending blocking calls leave a thread for files, 64 stall all file I/O", async () => {
  assert.ok(await readDelayMs("calls", 31) < 500);
  assert.ok(await readDelayMs("calls", 64) >= 900, "there are more than 32 blocking threads now");
});

Deno.test("64 pending reads of pipes opened as files stall all file I/O", async () => {
  assert.ok(await readDelayMs("pipes", 8) < 500);
  assert.ok(await readDelayMs("pipes", 64) >= 900, "reads of pipes no longer hold a thread");
});
