import assert from "node:assert/strict";
import { simCommand, type SimOutput } from "../../../../journal/sim/mod.ts";

function run(...args: string[]): { status: number; printed: string; traced: string } {
  const printed: string[] = [];
  const traced: string[] = [];
  const output: SimOutput = {
    print: (text) => void printed.push(text),
    openTrace: () => ({ write: (text) => void traced.push(text), close: () => {} }),
    monotonicMs: () => 0,
  };
  const status = simCommand(args, output);
  return { status, printed: printed.join("\n"), traced: traced.join("") };
}

Deno.test("sim tells how many runs it made and that none failed", () => {
  const { status, printed } = run("--seed", "5", "--runs", "3");
  assert.match(printed, /^3 runs, \d+ operations, 0 failed, [\d.]+ runs\/s$/);
  assert.equal(status, 0);
});

Deno.test("sim --trace writes every event of one run", () => {
  const { status, traced } = run("--seed", "5", "--trace", "events.txt");
  assert.equal(status, 0);
  assert.match(traced, /^0\.000 world seed 5, 3 members/);
  assert.equal(run("--seed", "5", "--trace", "events.txt").traced, traced);
});

Deno.test("sim --mutation succeeds when the mistake is noticed", () => {
  const { status, printed } = run("--mutation", "stale-read");
  assert.match(printed, /^stale-read: noticed in run \d+ \(seed \d+, \d members\)/);
  assert.equal(status, 0);
  assert.match(
    run("--mutation", "old-term-counted", "--runs", "1", "--members", "1").printed,
    /^old-term-counted: not noticed in 1 runs$/,
  );
});

Deno.test("sim says what is wrong with its command line", () => {
  assert.match(run("--seeds", "1").printed, /^sim does not know --seeds\n\nusage: sim/);
  assert.match(run("--seed").printed, /^--seed needs a value/);
  assert.match(run("--runs", "0").printed, /^--runs is a whole number from 1 to 1000000, not '0'/);
  assert.match(run("--mutation", "none").printed, /^no mutation is named none/);
  assert.equal(run("--members", "x").status, 2);
});
