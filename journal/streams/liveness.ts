/**
 * Which nodes are here: those with an open subscription, and when each was last heard of. It owns
 * the timer that reports batches to the leader and ends with `close` (HB-1, HB-2).
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { DocumentsView } from "../state/mod.ts";

/** Most nodes in one batch: each is applied in one go, while other writes wait. */
const MAX_BATCH = 1_000;

/** When nodes were last heard of here. */
export type LivenessBatch = readonly { readonly node_id: string; readonly last_seen: string }[];

/** What liveness works with. */
export interface LivenessOptions {
  readonly state: DocumentsView;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often all that is known is reported (HB-2). */
  readonly reportEveryMs: number;
  /** Hands a batch to the leader, which commits it as one UpdateNodeLastSeen. */
  readonly reportLiveness: (batch: LivenessBatch) => Promise<unknown>;
  /** Asks for an Inactive node to be Active again: it is back (HB-4). */
  readonly reactivate: (nodeId: string) => Promise<unknown>;
}

/** Knows the live nodes. */
export interface Liveness {
  /** Marks a stream of the node open; the returned function marks it closed. */
  opened(nodeId: string): () => void;
  /** Notes a call of the node. */
  seen(nodeId: string): void;
  /** The node's streams lead nowhere: they say nothing about it any more, nor does their end. */
  lost(nodeId: string): void;
  isLive(nodeId: string): boolean;
  /** When the node was last heard of here, in milliseconds since the epoch; now while it is live. */
  lastSeenMs(nodeId: string): number | undefined;
  /** Reports what it knows and stops. */
  close(): Promise<void>;
}

/** Liveness of the nodes that come to this member. */
export function createLiveness(options: LivenessOptions): Liveness {
  const { state, clock, log, reportEveryMs, reportLiveness, reactivate } = options;
  const streams = new Map<string, { count: number }>();
  const sightings = new Map<string, number>();
  const returning = new Map<string, Promise<void>>();
  let timer: TimerHandle = clock.setTimer(reportEveryMs, onTimer);
  let reporting = Promise.resolve();
  let isQueued = false;

  function onTimer(): void {
    timer = clock.setTimer(reportEveryMs, onTimer);
    for (const nodeId of streams.keys()) sighted(nodeId);
    report();
  }

  /** Reports what was sighted since; what comes while a report is under way shares the next one. */
  function report(): void {
    if (isQueued) return;
    isQueued = true;
    reporting = reporting.then(() => {
      isQueued = false;
      return sendReport();
    });
  }

  async function sendReport(): Promise<void> {
    const batch = [...sightings];
    try {
      for (let from = 0; from < batch.length; from += MAX_BATCH) {
        await reportLiveness(
          batch.slice(from, from + MAX_BATCH).map(([node_id, seenMs]) => ({
            node_id,
            last_seen: new Date(seenMs).toISOString(),
          })),
        );
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

  function sighted(nodeId: string): void {
    sightings.set(nodeId, clock.nowMs());
    if (state.get("enrollments", nodeId)?.state !== "Inactive" || returning.has(nodeId)) return;
    const back = reactivate(nodeId).then(() => {}, (error: unknown) => {
      // The next sighting tries again.
      log.warn("a node that is back was not activated", { node: nodeId, error: String(error) });
    }).finally(() => returning.delete(nodeId));
    returning.set(nodeId, back);
  }

  return {
    opened: (nodeId) => {
      const own = streams.get(nodeId) ?? { count: 0 };
      own.count++;
      streams.set(nodeId, own);
      sighted(nodeId);
      // At once, as the end of a stream: who asks another member must not take the node for gone.
      report();
      return () => {
        own.count--;
        if (streams.get(nodeId) !== own) return;
        if (own.count === 0) streams.delete(nodeId);
        sightings.set(nodeId, clock.nowMs());
        if (own.count === 0) report();
      };
    },
    seen: sighted,
    lost: (nodeId) => {
      streams.delete(nodeId);
      sightings.delete(nodeId);
    },
    isLive: (nodeId) => streams.has(nodeId),
    lastSeenMs: (nodeId) => streams.has(nodeId) ? clock.nowMs() : sightings.get(nodeId),
    close: async () => {
      clock.clearTimer(timer);
      for (const nodeId of streams.keys()) sighted(nodeId);
      report();
      await reporting;
      await Promise.all(returning.values());
    },
  };
}
