/**
 * What has to be done so that systemd runs what is declared. Pure.
 *
 * @module
 */
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
}

/**
 * Compares what is wanted, in start order, with the files there are and what systemd says of them.
 * What is unchanged is left alone, up or down: an admin may have stopped it.
 */
export function planUnits(
  wanted: ReadonlyMap<string, WantedUnit>,
  existing: ReadonlyMap<string, string>,
  statuses: ReadonlyMap<string, Pick<UnitStatus, "state">>,
  formerlyStopped: ReadonlySet<string>,
): UnitPlan {
  const write: string[] = [];
  const start: string[] = [];
  const restart: string[] = [];
  const stop: string[] = [];
  for (const [service, { text, isStopped }] of wanted) {
    const before = existing.get(service);
    const change = before === undefined ? "new" : unitChange(before, text);
    if (change !== "none") write.push(service);
    const state = statuses.get(service)?.state ?? "Stopped";
    const isUp = state !== "Stopped" && state !== "Failed";
    if (isStopped) {
      if (isUp) stop.push(service);
    } else if (isUp) {
      if (change === "restart") restart.push(service);
    } else if (change === "new" || change === "restart" || formerlyStopped.has(service)) {
      start.push(service);
    }
  }
  const remove = [...existing.keys()].filter((service) => !wanted.has(service));
  return { remove, write, start, restart, stop };
}
