/** How a process ended whose parent was PID 1. */
export type ReapedEnd =
  | { readonly kind: "code"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: number; readonly coreDumped: boolean };

/** One line of PID 1's record. */
export interface ReapedProcess {
  readonly pid: number;
  /** When it was reaped, by CLOCK_MONOTONIC. */
  readonly atMs: number;
  readonly end: ReapedEnd;
}

/** Ticks in which the kernel tells when a process started (USER_HZ, proc(5)), in ms. */
const TICK_MS = 10n;

/** Reads PID 1's record; lines that are none are left out. Oldest first. */
export function parseReaped(text: string): ReapedProcess[] {
  return text.split("\n").map(parseLine).filter((line) => line !== null)
    .sort((left, right) => left.atMs - right.atMs);
}

/**
 * How the process ended that has this pid and start: the first of that pid to be reaped since then, for
 * no other can have been given the pid before. Undefined when the record does not reach back, or the
 * process ended under another parent.
 */
export function endOf(
  reaped: readonly ReapedProcess[],
  { pid, startTicks }: { readonly pid: number; readonly startTicks: bigint },
): ReapedEnd | undefined {
  const startedMs = Number(startTicks * TICK_MS);
  return reaped.find((process) => process.pid === pid && process.atMs >= startedMs)?.end;
}

function parseLine(line: string): ReapedProcess | null {
  const match = /^([0-9]{1,10}) ([0-9]{1,15}) (exit|signal|core) ([0-9]{1,3}) *$/.exec(line);
  if (match === null) return null;
  const [, pid, atMs, kind, value] = match;
  const end: ReapedEnd = kind === "exit"
    ? { kind: "code", code: Number(value) }
    : { kind: "signal", signal: Number(value), coreDumped: kind === "core" };
  return { pid: Number(pid), atMs: Number(atMs), end };
}
