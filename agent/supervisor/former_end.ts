import type { Clock } from "../../common/clock/mod.ts";
import type { ProcessTable } from "../isolation/mod.ts";
import type { ExitStatus } from "./exit_status.ts";

/** Who knows how services ended that outlived the agent that had started them (INI-10, INI-32). */
export interface FormerEnds {
  /** Undefined when it is not known. */
  endOf(run: FormerRun): ExitStatus | undefined;
}

/** The pid and start time that name one process for good. */
export interface FormerRun {
  readonly pid: number;
  readonly startTicks: bigint;
}

/** What waiting for the end of somebody else's child needs. */
export interface FormerEndContext {
  readonly clock: Clock;
  readonly processes: Pick<ProcessTable, "find">;
  readonly formerEnds?: FormerEnds;
}

const POLL_MS = 10;
/** A parent that does not reap its child in this time will not tell how it ended either. */
const REAPED_LIMIT_MS = 1_000;

/** How a process ended that is not our child: known once its parent has reaped it. Never rejects. */
export async function formerEnd(run: FormerRun, context: FormerEndContext): Promise<ExitStatus> {
  const { clock, formerEnds, processes } = context;
  if (formerEnds === undefined) return { kind: "unknown" };
  const untilMs = clock.monotonicMs() + REAPED_LIMIT_MS;
  const isThere = () => processes.find(run.pid)?.startTicks === run.startTicks;
  while (isThere() && clock.monotonicMs() < untilMs) {
    await new Promise<void>((resolve) => clock.setTimer(POLL_MS, resolve));
  }
  return formerEnds.endOf(run) ?? { kind: "unknown" };
}
