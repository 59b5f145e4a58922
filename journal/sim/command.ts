import { MUTATIONS } from "./mutations.ts";
import { simulate, type SimulationReport } from "./simulate.ts";
import { readSimArguments, SIM_USAGE, type SimArguments } from "./sim_arguments.ts";

/** Where the command writes to. */
export interface SimOutput {
  readonly print: (text: string) => void;
  /** Opens the file of the event trace; `write` appends to it. */
  readonly openTrace: (path: string) => { write(text: string): void; close(): void };
  /** Milliseconds of real time, for the speed in the last line. */
  readonly monotonicMs: () => number;
}

/** Runs between two lines of progress. */
const PROGRESS_RUNS = 100;

/**
 * `sim`: runs simulations, one seed after the other.
 *
 * @returns the exit status: 1 when a run failed or, with a mutation, none did; 2 for wrong use
 */
export function simCommand(args: readonly string[], output: SimOutput): number {
  const settings = readSimArguments(args);
  if (typeof settings === "string") {
    output.print(`${settings}\n\n${SIM_USAGE}`);
    return 2;
  }
  const trace = settings.trace === undefined ? undefined : output.openTrace(settings.trace);
  try {
    return runAll(settings, output, trace && ((line) => trace.write(line)));
  } finally {
    trace?.close();
  }
}

function runAll(
  settings: SimArguments,
  output: SimOutput,
  onTrace: ((line: string) => void) | undefined,
): number {
  const { seed: first, runs, mutation } = settings;
  const startedMs = output.monotonicMs();
  let operations = 0;
  for (let run = 1; run <= runs; run++) {
    const seed = first + run - 1;
    const members = membersOf(settings, seed);
    const report = simulate({
      seed,
      members,
      ...onTrace && { onTrace },
      ...mutation && { seams: MUTATIONS.get(mutation)?.seams() ?? {} },
    });
    operations += report.operations;
    if (report.failure !== undefined) return tellFailure(report, members, run, settings, output);
    if (run % PROGRESS_RUNS === 0 && run < runs) {
      output.print(`${run} of ${runs} runs, ${operations} operations`);
    }
  }
  const seconds = (output.monotonicMs() - startedMs) / 1000;
  const speed = (runs / Math.max(seconds, 0.001)).toFixed(1);
  if (mutation !== undefined) {
    output.print(`${mutation}: not noticed in ${runs} runs`);
    return 1;
  }
  output.print(`${runs} runs, ${operations} operations, 0 failed, ${speed} runs/s`);
  return 0;
}

/** Three and five by turns, unless it was said how many. */
function membersOf({ members }: SimArguments, seed: number): number {
  return members ?? (seed % 2 === 0 ? 5 : 3);
}

function tellFailure(
  { seed, failure }: SimulationReport,
  members: number,
  run: number,
  { mutation }: SimArguments,
  { print }: SimOutput,
): number {
  const reason = failure?.reason ?? "";
  if (mutation !== undefined) {
    print(`${mutation}: noticed in run ${run} (seed ${seed}, ${members} members): ${reason}`);
    return 0;
  }
  print(`The event trace ends with:\n${failure?.tail.join("") ?? ""}`);
  print(`seed ${seed} with ${members} members failed: ${reason}`);
  print(`again, with the whole event trace: sim --seed ${seed} --members ${members} --trace FILE`);
  return 1;
}
