/**
 * When overlays are rebuilt (OVL-6, OVL-11): a pure scheduler.
 *
 * | state of a vCluster | event                | next                                          |
 * |---------------------|----------------------|-----------------------------------------------|
 * | idle                | changed              | due at once, or 250 ms after the last build   |
 * | due                 | changed              | due, unmoved: bursts coalesce                 |
 * | due                 | its time comes       | building                                      |
 * | building            | changed              | building, again                               |
 * | building            | built                | idle; again: due                              |
 * | building            | failed               | due after 1 s, doubling to 60 s               |
 *
 * @module
 */
import type { Entry } from "../../common/model/mod.ts";

/** Least time between two builds of one vCluster, in milliseconds. */
export const REBUILD_INTERVAL_MS = 250;

const BACKOFF_MIN_MS = 1000;
const BACKOFF_MAX_MS = 60_000;

type Rebuild =
  | { readonly phase: "due"; readonly dueMs: number; readonly failures: number }
  | { readonly phase: "building"; readonly again: boolean; readonly failures: number }
  | { readonly phase: "idle"; readonly builtMs: number };

/** What may happen to the overlay of one vCluster. */
export type RebuildEvent =
  | { readonly kind: "changed"; readonly vclusterId: string }
  | { readonly kind: "built"; readonly vclusterId: string }
  | { readonly kind: "failed"; readonly vclusterId: string };

/** Rebuild state by vCluster id. */
export type RebuildSchedule = ReadonlyMap<string, Rebuild>;

/** Nothing to rebuild. */
export const NO_REBUILDS: RebuildSchedule = new Map();

/** The vCluster whose overlay `entry` makes stale, if any; other vClusters are untouched. */
export function affectedVCluster(
  entry: Pick<Entry, "entry_type" | "scope">,
): string | undefined {
  const { scope, entry_type } = entry;
  if (scope === "Global" || !("VCluster" in scope)) return undefined;
  switch (entry_type) {
    case "Commit":
    case "Rollback":
    case "PolicyUpdate":
    case "BlacklistUpdate":
      return scope.VCluster;
    default:
      return undefined;
  }
}

/** The schedule after `event` at `nowMs` (a monotonic time). */
export function afterEvent(
  schedule: RebuildSchedule,
  event: RebuildEvent,
  nowMs: number,
): RebuildSchedule {
  const before = schedule.get(event.vclusterId);
  const after = step(before, event.kind, nowMs);
  // A burst of changes copies the schedule once.
  return after === before ? schedule : new Map(schedule).set(event.vclusterId, after);
}

/** Takes what is due at `nowMs` into building. */
export function takeDue(
  schedule: RebuildSchedule,
  nowMs: number,
): { readonly schedule: RebuildSchedule; readonly due: readonly string[] } {
  const next = new Map(schedule);
  const due: string[] = [];
  for (const [vclusterId, rebuild] of schedule) {
    if (rebuild.phase !== "due" || rebuild.dueMs > nowMs) continue;
    due.push(vclusterId);
    next.set(vclusterId, { phase: "building", again: false, failures: rebuild.failures });
  }
  return { schedule: next, due };
}

/** When {@link takeDue} has something to take; undefined when nothing is due. */
export function nextDueMs(schedule: RebuildSchedule): number | undefined {
  const times = [...schedule.values()].flatMap((rebuild) =>
    rebuild.phase === "due" ? [rebuild.dueMs] : []
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

function step(
  rebuild: Rebuild | undefined,
  event: RebuildEvent["kind"],
  nowMs: number,
): Rebuild {
  const failures = rebuild === undefined || rebuild.phase === "idle" ? 0 : rebuild.failures;
  switch (event) {
    case "changed":
      if (rebuild === undefined) return { phase: "due", dueMs: nowMs, failures };
      if (rebuild.phase === "due") return rebuild;
      if (rebuild.phase === "building") {
        return rebuild.again ? rebuild : { ...rebuild, again: true };
      }
      return {
        phase: "due",
        dueMs: Math.max(nowMs, rebuild.builtMs + REBUILD_INTERVAL_MS),
        failures,
      };
    case "built":
      if (rebuild?.phase === "building" && rebuild.again) {
        return { phase: "due", dueMs: nowMs + REBUILD_INTERVAL_MS, failures: 0 };
      }
      return { phase: "idle", builtMs: nowMs };
    case "failed": {
      const waitMs = Math.min(BACKOFF_MIN_MS * 2 ** failures, BACKOFF_MAX_MS);
      return { phase: "due", dueMs: nowMs + waitMs, failures: failures + 1 };
    }
  }
}
