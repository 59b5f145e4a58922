import type { Clock } from "../../common/clock/mod.ts";
import type { LogStatus } from "../log/mod.ts";
import type { NodeId, RaftStatus } from "../raft/mod.ts";

/** How long a leader that goes waits for another to take over (JRN-62). */
const HAND_OVER_MS = 3_000;

/** How often it looks whether the other is still there. */
const LOOK_MS = 50;

/** The member that leads, as handing over sees it. */
export interface HandOverSite {
  readonly clock: Clock;
  readonly id: NodeId;
  readonly status: RaftStatus;
  readonly connected: () => ReadonlySet<NodeId>;
  readonly transfer: (target: NodeId) => void;
  readonly onLeadership: (listener: (status: LogStatus) => void) => () => void;
}

/** Lets the voter that is furthest take over, and waits for that while it can be reached. */
export async function handOver(site: HandOverSite): Promise<void> {
  const { clock, id: self, status } = site;
  const connected = site.connected();
  const [best] = [...status.progress]
    .filter(([id, { isLearner }]) => id !== self && !isLearner && connected.has(id))
    .sort(([, a], [, b]) => b.match - a.match);
  if (best === undefined) return;
  const [target] = best;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = site.onLeadership(({ role, leaderId }) => {
    if (role !== "leader" && leaderId !== undefined) resolve();
  });
  const endMs = clock.monotonicMs() + HAND_OVER_MS;
  const look = () => {
    // It may be going as well, when all members are stopped at once.
    if (clock.monotonicMs() >= endMs || !site.connected().has(target)) return resolve();
    timer = clock.setTimer(LOOK_MS, look);
  };
  let timer = clock.setTimer(LOOK_MS, look);
  site.transfer(target);
  await promise;
  clock.clearTimer(timer);
  stop();
}
