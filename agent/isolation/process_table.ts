import { type Files, isShimError, type Processes } from "../../ffi/mod.ts";

/** One process as /proc/PID/stat shows it (proc_pid_stat(5)). */
export interface ProcessEntry {
  readonly pid: number;
  readonly comm: string;
  /** One letter: R, S, D, Z and so on. */
  readonly state: string;
  readonly session: number;
  /** Clock ticks since boot; with the pid it names a process for good (INI-31). */
  readonly startTicks: bigint;
}

/** The processes of this node. */
export interface ProcessTable {
  /** Null when there is no such process. */
  find(pid: number): ProcessEntry | null;
  all(): readonly ProcessEntry[];
  /** SIGKILL; nothing happens when there is no such process, or it may not be killed. */
  kill(pid: number): void;
}

export const ZOMBIE_STATE = "Z";
const STAT_BYTES = 4096;

/** The table that the kernel shows in /proc. */
export function createProcessTable(
  files: Pick<Files, "readText" | "list">,
  processes: Pick<Processes, "kill">,
): ProcessTable {
  const find = (pid: number): ProcessEntry | null => {
    try {
      return parseProcessStat(files.readText(`/proc/${pid}/stat`, { maxBytes: STAT_BYTES }));
    } catch (error) {
      if (isShimError(error, "ENOENT", "ESRCH")) return null;
      throw error;
    }
  };
  return {
    find,
    all: () =>
      files.list("/proc").filter(({ name }) => /^[0-9]+$/.test(name))
        .map(({ name }) => find(Number(name))).filter((entry) => entry !== null),
    kill: (pid) => {
      try {
        processes.kill(pid, "SIGKILL");
      } catch (error) {
        // A set-id program of another user: whoever waits for its end will name it as a survivor.
        if (!isShimError(error, "EPERM")) throw error;
      }
    },
  };
}

/**
 * Reads a line of /proc/PID/stat; null when it is none. The name may hold blanks and parentheses,
 * so fields are counted from the last closing one.
 *
 * ```ts
 * import { parseProcessStat } from "./process_table.ts";
 *
 * const line = `7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0`;
 * const entry = parseProcessStat(line);
 * if (entry?.comm !== "a) b" || entry.session !== 7 || entry.startTicks !== 4711n) throw entry;
 * ```
 */
export function parseProcessStat(line: string): ProcessEntry | null {
  const open = line.indexOf("(");
  const close = line.lastIndexOf(")");
  const pid = Number(line.slice(0, open).trim());
  const [state, , , session, ...rest] = line.slice(close + 2).split(" ");
  const startTicks = rest[15];
  if (open < 0 || close < open || !Number.isInteger(pid)) return null;
  if (state === undefined || session === undefined || startTicks === undefined) return null;
  return {
    pid,
    comm: line.slice(open + 1, close),
    state,
    session: Number(session),
    startTicks: BigInt(startTicks),
  };
}
