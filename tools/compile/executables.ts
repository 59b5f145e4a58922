/** A program of the project and how it is started. */
export interface Executable {
  /** Name of the file that people start. */
  readonly name: string;
  /** Its permission set in deno.json, and its folder under `lib/`. */
  readonly set: string;
  /** Its first module, from the repository's root. */
  readonly entry: string;
  /** Options of the runtime besides the permission set. */
  readonly flags: readonly string[];
  /** What a launcher puts before the runtime, as shell words. */
  readonly through?: string;
  /** Options that only the launcher knows, as shell words: what depends on whose process it is. */
  readonly ownFlags?: string;
}

/**
 * Left alone, V8 collects the old generation as soon as a tenth has come to what lives there and outside
 * of its heap: under load every few seconds, and each time whoever writes to that member waits for 50 to
 * 100 ms, because marking takes two processors. With these it waits until two to three times as much is
 * there. And it would collect and give memory back once nobody has written for 8 s, for which the next
 * writers pay.
 */
const SELDOM_COLLECTED = [
  "--sqrt-allocation-limits",
  "--sqrt-allocation-limits-factor=300",
  "--external-memory-max-growing-factor=4",
  "--no-memory-reducer",
];

/** What `deno task compile` makes. */
export const EXECUTABLES: readonly Executable[] = [
  {
    name: "pact",
    set: "cli",
    entry: "cli/main.ts",
    flags: [],
    // The login cache: a set names paths that are the same for everybody.
    ownFlags: '--allow-write="${XDG_CONFIG_HOME:-${HOME:-}/.config}/pact"',
  },
  {
    name: "pact-journal",
    set: "journal",
    entry: "journal/main.ts",
    flags: [`--v8-flags=${SELDOM_COLLECTED.join(",")}`],
  },
  {
    name: "pact-agent",
    set: "agent",
    entry: "agent/main.ts",
    // Its network worker gets fewer permissions than it has itself. A boot runs much code a few times
    // and little of it often: the first of the engine's compilers costs it more than it brings. And the
    // old generation would be collected in the midst of it, where next to nothing is garbage.
    flags: ["--unstable-worker-options", "--v8-flags=--no-sparkplug,--initial-old-space-size=32"],
    // Under PID 1 the signal is blocked, lest the runtime open a debugger on it; a shell unblocks all.
    through: "${PACT_INIT_BEAT_FD:+env --block-signal=USR1}",
  },
  { name: "pact-mcp", set: "mcp", entry: "mcp/main.ts", flags: [] },
];

/**
 * Options of the runtime, besides the permissions, with which a program is installed.
 *
 * @example
 * ```ts
 * import { runtimeFlags } from "./executables.ts";
 *
 * if (!runtimeFlags("pact-agent").includes("--unstable-worker-options")) throw new Error("none");
 * ```
 *
 * @throws {RangeError} for a name that none has
 */
export function runtimeFlags(name: string): readonly string[] {
  const found = EXECUTABLES.find((executable) => executable.name === name);
  if (found === undefined) throw new RangeError(`no executable is called ${name}`);
  return found.flags;
}
