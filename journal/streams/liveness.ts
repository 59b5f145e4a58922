/**
 * Which nodes are here: those with an open subscription, and when each was last heard of. It owns
 * the timer that reports batches to the log and ends with `close` (HB-1, HB-2).
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import type { Replica } from "../replica/mod.ts";

/** How often sightings are written to the log (HB-2); the end of a node's stream is at once. */
const REPORT_INTERVAL_MS = 30_000;
/** Most nodes in one command. */
const MAX_BATCH = 10_000;

/** Knows the live nodes. */
export interface Liveness {
  /** Marks a stream of the node open; the returned function marks it closed. */
  opened(nodeId: string): () => void;
  /** Notes a call of the node. */
  seen(nodeId: string): void;
  isLive(nodeId: string): boolean;
  /** When the node was last heard of here, in milliseconds since the epoch; now while it is live. */
  lastSeenMs(nodeId: string): number | undefined;
  /** Reports what it knows and stops. */
  close(): Promise<void>;
}

/** Liveness over `replica`. */
export function createLiveness(replica: Replica, clock: Clock, log: Logger): Liveness {
  const streams = new Map<string, number>();
  const sightings = new Map<string, number>();
  let timer: TimerHandle = clock.setTimer(REPORT_INTERVAL_MS, onTimer);
  let reporting = Promise.resolve();

  function onTimer(): void {
    timer = clock.setTimer(REPORT_INTERVAL_MS, onTimer);
    report();
  }

  function report(): void {
    reporting = reporting.then(sendReport);
  }

  async function sendReport(): Promise<void> {
    for (const nodeId of streams.keys()) sightings.set(nodeId, clock.nowMs());
    const batch = [...sightings];
    try {
      for (let from = 0; from < batch.length; from += MAX_BATCH) {
        const nodes = batch.slice(from, from + MAX_BATCH).map(([node_id, seenMs]) => ({
          node_id,
          last_seen: new Date(seenMs).toISOString(),
        }));
        await replica.submit({ type: "UpdateNodeLastSeen", nodes }, { actor: SYSTEM_IDENTITY });
      }
    } catch (error) {
      log.warn("node sightings were not recorded", { error: String(error) });
      return;
    }
    // What was seen again meanwhile is for the next report.
    for (const [nodeId, seenMs] of batch) {
      if (sightings.get(nodeId) === seenMs) sightings.delete(nodeId);
    }
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
        if (left <= 0) report();
      };
    },
    seen: (nodeId) => void sightings.set(nodeId, clock.nowMs()),
    isLive: (nodeId) => streams.has(nodeId),
    lastSeenMs: (nodeId) => streams.has(nodeId) ? clock.nowMs() : sightings.get(nodeId),
    close: async () => {
      clock.clearTimer(timer);
      report();
      await reporting;
    },
  };
}
