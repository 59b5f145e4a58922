import type { Clock } from "../../common/clock/mod.ts";
import type { LogStatus } from "../log/mod.ts";
import type { NodeId, RaftStatus } from "../raft/mod.ts";

/** How long a leader that goes waits for another to take over (JRN-62). */
const HAND_OVER_MS = 3_000;

/** The member that leads, as handing over sees it. */
export interface HandOverSite {
  readonly clock: Clock;
  readonly id: NodeId;
  readonly status: RaftStatus;
  readonly connected: ReadonlySet<NodeId>;
  readonly transfer: (target: NodeId) => void;
  readonly onLeadership: (listener: (status: LogStatus) => void) => () => void;
}

/** Lets the voter that is furthest take over, and waits for that within a bound. */
export async function handOver(site: HandOverSite): Promise<void> {
  const { clock, id: self, status, connected } = site;
  const [best] = [...status.progress]
    .filter(([id, { isLearner }]) => id !== self && !isLearner && connected.has(id))
    .sort(([, a], [, b]) => b.match - a.match);
  if (best === undefined) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = site.onLeadership(({ role, leaderId }) => {
    if (role !== "leader" && leaderId !== undefined) resolve();
  });
  const limit = clock.setTimer(HAND_OVER_MS, resolve);
  site.transfer(best[0]);
  await promise;
  clock.clearTimer(limit);
  stop();
}
