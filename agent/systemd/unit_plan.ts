/**
 * What has to be done so that systemd runs what is declared. Pure.
 *
 * @module
 */
import type { Hold } from "./start_gate.ts";
import { unitChange } from "./unit_change.ts";
import type { UnitStatus } from "./unit_status.ts";

/** A unit that is to be. */
export interface WantedUnit {
  readonly text: string;
  /** Declared as stopped: there, but not started. */
  readonly isStopped: boolean;
}

/** Names of services, each list in start order. */
export interface UnitPlan {
  /** To be stopped, and their files removed. */
  readonly remove: readonly string[];
  readonly write: readonly string[];
  readonly start: readonly string[];
  readonly restart: readonly string[];
  readonly stop: readonly string[];
  /** To be started later. Until then they have no file: so the next agent knows them as new. */
  readonly hold: ReadonlyMap<string, Hold>;
}

/** What a plan is made from. */
export interface UnitSituation {
  /** In start order. */
  readonly wanted: ReadonlyMap<string, WantedUnit>;
  /** The files there are. */
  readonly existing: ReadonlyMap<string, string>;
  /** What systemd says of them. */
  readonly statuses: ReadonlyMap<string, Pick<UnitStatus, "state">>;
  readonly formerlyStopped: ReadonlySet<string>;
  /** What keeps a service from being started, given those that are held or get a new process. */
  readonly holdOf: (
    service: string,
    held: ReadonlySet<string>,
    changing: ReadonlySet<string>,
  ) => Hold | null;
}

/**
 * Compares what is wanted with the files there are and what systemd says of them. What is unchanged is
 * left alone, up or down: an admin may have stopped it.
 */
export function planUnits(
  { wanted, existing, statuses, formerlyStopped, holdOf }: UnitSituation,
): UnitPlan {
  const write: string[] = [];
  const start: string[] = [];
  const restart: string[] = [];
  const stop: string[] = [];
  const hold = new Map<string, Hold>();
  for (const [service, { text, isStopped }] of wanted) {
    const before = existing.get(service);
    const change = before === undefined ? "new" : unitChange(before, text);
    const state = statuses.get(service)?.state ?? "Stopped";
    const isUp = state !== "Stopped" && state !== "Failed";
    const isToStart = !isStopped && !isUp &&
      (change === "new" || change === "restart" || formerlyStopped.has(service));
    const why = isToStart
      ? holdOf(service, new Set(hold.keys()), new Set([...start, ...restart]))
      : null;
    if (why !== null) {
      hold.set(service, why);
      continue;
    }
    if (change !== "none") write.push(service);
    if (isToStart) start.push(service);
    if (isStopped && isUp) stop.push(service);
    if (!isStopped && isUp && change === "restart") restart.push(service);
  }
  const remove = [...existing.keys()].filter((service) =>
    !wanted.has(service) || hold.has(service)
  );
  return { remove, write, start, restart, stop, hold };
}
