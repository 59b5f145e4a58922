import { MUTATIONS } from "./mutations.ts";

export const SIM_USAGE =
  `usage: sim [--seed S] [--runs N] [--members M] [--trace FILE] [--mutation NAME]
  --seed S         the first seed; each run has the next one (default 1)
  --runs N         how many runs (default 100; 1 with --trace; 500 with --mutation)
  --members M      1 to 9 (default: 3 and 5 by turns)
  --trace FILE     write every event of the runs there
  --mutation NAME  make a mistake on purpose; succeeds when it is noticed. One of:
${[...MUTATIONS].map(([name, { about }]) => `                   ${name}: ${about}`).join("\n")}`;

/** What the command is asked to do. */
export interface SimArguments {
  readonly seed: number;
  readonly runs: number;
  readonly members: number | undefined;
  readonly trace: string | undefined;
  readonly mutation: string | undefined;
}

const SEED_MAX = 2 ** 32 - 1;
const RUNS_MAX = 1_000_000;
const MEMBERS_MAX = 9;

/** Reads the command line; what is wrong with it as text. */
export function readSimArguments(args: readonly string[]): SimArguments | string {
  const given = new Map<string, string>();
  for (let at = 0; at < args.length; at += 2) {
    const [name = "", value] = args.slice(at, at + 2);
    if (!["--seed", "--runs", "--members", "--trace", "--mutation"].includes(name)) {
      return `sim does not know ${name}`;
    }
    if (value === undefined) return `${name} needs a value`;
    given.set(name, value);
  }
  const trace = given.get("--trace");
  const mutation = given.get("--mutation");
  if (mutation !== undefined && !MUTATIONS.has(mutation)) return `no mutation is named ${mutation}`;
  const seed = wholeNumber(given, "--seed", 0, SEED_MAX);
  const runs = wholeNumber(given, "--runs", 1, RUNS_MAX);
  const members = wholeNumber(given, "--members", 1, MEMBERS_MAX);
  for (const each of [seed, runs, members]) if (typeof each === "string") return each;
  const usualRuns = mutation !== undefined ? 500 : trace !== undefined ? 1 : 100;
  return {
    seed: Number(seed ?? 1),
    runs: Number(runs ?? usualRuns),
    members: members === undefined ? undefined : Number(members),
    trace,
    mutation,
  };
}

function wholeNumber(
  given: ReadonlyMap<string, string>,
  name: string,
  least: number,
  most: number,
): number | string | undefined {
  const text = given.get(name);
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  return `${name} is a whole number from ${least} to ${most}, not '${text}'`;
}
