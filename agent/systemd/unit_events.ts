/**
 * What happened to a unit between two looks (SYD-5). Pure.
 *
 * @module
 */
import type { ReportAction } from "../supervisor/mod.ts";
import type { UnitStatus } from "./unit_status.ts";

export interface UnitEvent {
  readonly action: ReportAction;
  readonly detail: string;
}

const OOM = "killed by OOM";
/** Restart=always starts it again, and nothing went wrong. */
const CLEAN_END = "exited with code 0";

/** The events that lead from one status of a unit to the next, in their order. */
export function unitEvents(before: UnitStatus | undefined, after: UnitStatus): UnitEvent[] {
  const events: UnitEvent[] = [];
  const ended = (reason: string) => {
    if (reason === CLEAN_END) return;
    events.push({ action: "crash", detail: reason });
    if (reason === OOM) events.push({ action: "oom", detail: reason });
  };
  const wasWaiting = before?.state === "Restarting";
  // Those that were not seen to wait for their restart.
  const unseen = before === undefined ? 0 : after.restarts - before.restarts - (wasWaiting ? 1 : 0);
  if (unseen > 0) ended(`restarted by systemd${unseen === 1 ? "" : ` ${unseen} times`}`);
  if (after.state === "Restarting" && !wasWaiting) ended(after.reason || "ended");
  if (after.state === "Failed" && before?.state !== "Failed") ended(after.reason || "failed");

  const isNewProcess = before?.state !== "Running" || before.pid !== after.pid;
  if (after.state === "Running" && isNewProcess) {
    events.push({ action: "start", detail: `pid ${after.pid}` });
  }
  const wasUp = before?.state === "Running" || before?.state === "Stopping";
  if (after.state === "Stopped" && wasUp) {
    events.push({ action: "stop", detail: after.reason || "stopped" });
  }
  return events;
}
