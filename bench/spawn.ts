/**
 * Starting and reaping a short program: through the shim, which puts it into its cgroup and hands
 * over a pidfd, beside the runtime's own Deno.Command.
 */

import { openShim } from "../ffi/mod.ts";
import { buildShim } from "../ffi/build/mod.ts";
import { alternate, printRatios } from "./rounds.ts";

const PROGRAM = "/bin/true";
const PER_ROUND = 100;
const ROUNDS = 7;

const { path } = await buildShim();
const shim = openShim({ path, mode: "development" });
const events = shim.startEvents();

async function throughShim(): Promise<number> {
  for (let count = 0; count < PER_ROUND; count++) {
    const child = await shim.processes.spawn({ executable: PROGRAM });
    await events.exitOf(child);
    child.close();
  }
  return PER_ROUND;
}

async function throughRuntime(): Promise<number> {
  for (let count = 0; count < PER_ROUND; count++) {
    await new Deno.Command(PROGRAM, { stdin: "null", stdout: "null", stderr: "null" }).output();
  }
  return PER_ROUND;
}

printRatios(
  `spawn and reap ${PROGRAM}, medians of ${ROUNDS} rounds`,
  await alternate([
    { name: "shim (clone3, pidfd)", run: throughShim },
    { name: "Deno.Command", run: throughRuntime },
  ], ROUNDS),
);
await events.close();
shim.close();
