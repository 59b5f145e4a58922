import assert from "node:assert/strict";
import { runDeno } from "../../../support/mod.ts";

/** A tick is due every 20 ms; the machine that runs the tests may be busy. */
const LONGEST_GAP_MS = 400;

const probed = (async () => {
  const { success, stdout, stderr } = await runDeno({
    module: new URL("./isolation_program.ts", import.meta.url),
    flags: ["--quiet", "-A", "--unstable-worker-options"],
    timeoutMs: 60_000,
  });
  assert.ok(success, stderr);
  return JSON.parse(stdout);
})();

Deno.test("the network worker reaches no library, program, file or variable of an agent that may do all", async () => {
  const { outcomes } = await probed;
  const refused = Object.fromEntries(Object.keys(outcomes).map((what) => [what, "refused"]));
  assert.deepEqual(outcomes, refused);
});

Deno.test("a worker that burns a processor does not delay the core's timers", async () => {
  const { ticks, longestMs } = await probed;
  assert.ok(longestMs < LONGEST_GAP_MS, `a timer was ${Math.round(longestMs)} ms late`);
  assert.ok(ticks >= 10, `only ${ticks} ticks in a second`);
});
