import assert from "node:assert/strict";
import { runDeno } from "../support/mod.ts";

Deno.test("a worker that asks for a nice value gets it for its thread alone, by one permission", async () => {
  const { stdout, stderr, success } = await runDeno({
    module: new URL("./programs/nice_worker.ts", import.meta.url),
    flags: ["--allow-read", "--allow-sys=setPriority,getPriority"],
    args: [],
  });
  assert.ok(success, stderr);
  const { before, inWorker, after } = JSON.parse(stdout);
  assert.deepEqual({ inWorker, after }, { inWorker: before + 5, after: before });
});
