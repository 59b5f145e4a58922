/**
 * Which nodes are here: those with an open subscription, and when each was last heard of. It owns
 * the timer that reports batches to the log and ends with `close` (HB-1, HB-2).
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import type { Replica } from "../replica/mod.ts";

/** How often sightings are written to the log (HB-2). */
const REPORT_INTERVAL_MS = 30_000;

/** Knows the live nodes. */
export interface Liveness {
  /** Marks a stream of the node open; the returned function marks it closed. */
  opened(nodeId: string): () => void;
  /** Notes a call of the node. */
  seen(nodeId: string): void;
  isLive(nodeId: string): boolean;
  close(): void;
}

/** Liveness over `replica`. */
export function createLiveness(replica: Replica, clock: Clock, log: Logger): Liveness {
  const streams = new Map<string, number>();
  const sightings = new Map<string, number>();
  let timer: TimerHandle = clock.setTimer(REPORT_INTERVAL_MS, report);

  function report(): void {
    timer = clock.setTimer(REPORT_INTERVAL_MS, report);
    for (const nodeId of streams.keys()) sightings.set(nodeId, clock.nowMs());
    if (sightings.size === 0) return;
    const nodes = [...sightings].map(([node_id, seenMs]) => ({
      node_id,
      last_seen: new Date(seenMs).toISOString(),
    }));
    sightings.clear();
    replica.submit({ type: "UpdateNodeLastSeen", nodes }, { actor: SYSTEM_IDENTITY })
      .catch((error: unknown) =>
        log.warn("node sightings were not recorded", { error: String(error) })
      );
  }

  return {
    opened: (nodeId) => {
      streams.set(nodeId, (streams.get(nodeId) ?? 0) + 1);
      sightings.set(nodeId, clock.nowMs());
      return () => {
        const left = (streams.get(nodeId) ?? 1) - 1;
        if (left > 0) streams.set(nodeId, left);
        else streams.delete(nodeId);
        sightings.set(nodeId, clock.nowMs());
      };
    },
    seen: (nodeId) => sightings.set(nodeId, clock.nowMs()),
    isLive: (nodeId) => streams.has(nodeId),
    close: () => clock.clearTimer(timer),
  };
}
