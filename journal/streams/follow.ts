import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Entry } from "../../common/model/mod.ts";
import type { Replica } from "../replica/mod.ts";
import type { Hub } from "./hub.ts";
import { type Interest, type UpdateKind, updateKind } from "./interest.ts";

/** An entry for a subscriber, or the progress of an idle stream. */
export type Delivery =
  | { readonly kind: UpdateKind; readonly entry: Entry }
  | { readonly kind: "progress"; readonly sequence: number };

/** How long a stream stays silent before it reports its progress (SUB-7). */
export const IDLE_MS = 60_000;

/** What following needs. */
export interface FollowContext {
  readonly replica: Replica;
  readonly hub: Hub;
  readonly clock: Clock;
}

/**
 * Every relevant entry from `fromSequence` on: history first, then live, without gap or duplicate
 * (SUB-1, SUB-5). Ends when `signal` aborts.
 *
 * @throws {PactError} SUBSCRIBER_LAGGED when the consumer is too slow (SUB-6), VCLUSTER_CHANGED after
 * its node was assigned elsewhere (SUB-4).
 */
export async function* follow(
  context: FollowContext,
  interest: Interest,
  fromSequence: number,
  signal: AbortSignal,
): AsyncGenerator<Delivery> {
  const { replica, hub } = context;
  const vclusterOfNode = (nodeId: string) =>
    replica.state.get("node_assignments", nodeId)?.vcluster_id;
  let next = fromSequence;
  // Ends once history is read up to the newest entry, which it gains on faster than writers add.
  while (!signal.aborted && next <= replica.appliedSequence) {
    const toSequence = replica.appliedSequence;
    for await (const entry of replica.entries({ fromSequence: next, toSequence })) {
      const kind = updateKind(entry, interest, vclusterOfNode);
      if (kind !== undefined) yield { kind, entry };
      if (signal.aborted) return;
    }
    next = toSequence + 1;
  }
  const subscription = hub.open(interest);
  try {
    yield* live(context, subscription, interest, next, signal, vclusterOfNode);
  } finally {
    subscription.close();
  }
}

async function* live(
  { replica, clock }: FollowContext,
  subscription: ReturnType<Hub["open"]>,
  interest: Interest,
  fromSequence: number,
  signal: AbortSignal,
  vclusterOfNode: (nodeId: string) => string | undefined,
): AsyncGenerator<Delivery> {
  let last = fromSequence - 1;
  while (!signal.aborted) {
    const isIdle = await waitOrIdle(subscription, clock, signal);
    if (isIdle) yield { kind: "progress", sequence: replica.appliedSequence };
    for (const entry of subscription.take()) {
      if (entry.sequence < fromSequence) continue;
      last = entry.sequence;
      const kind = updateKind(entry, interest, vclusterOfNode);
      if (kind !== undefined) yield { kind, entry };
      requireSameVCluster(entry, interest, vclusterOfNode);
    }
    if (subscription.isLagging) {
      throw new PactError("SUBSCRIBER_LAGGED", `SUBSCRIBER_LAGGED last=${last}`);
    }
  }
}

/** Waits for entries; true when none came for {@link IDLE_MS}. */
async function waitOrIdle(
  subscription: ReturnType<Hub["open"]>,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  const idle = new AbortController();
  const timer = clock.setTimer(IDLE_MS, () => idle.abort());
  try {
    await subscription.wait(AbortSignal.any([signal, idle.signal]));
  } finally {
    clock.clearTimer(timer);
  }
  return idle.signal.aborted && !signal.aborted;
}

/** A node that was moved must boot its new configuration (SUB-4). */
function requireSameVCluster(
  entry: Entry,
  interest: Interest,
  vclusterOfNode: (nodeId: string) => string | undefined,
): void {
  if (entry.entry_type !== "NodeAssigned" && entry.entry_type !== "NodeUnassigned") return;
  const { nodeId } = interest;
  if (nodeId === undefined || entry.scope === "Global" || !("Node" in entry.scope)) return;
  if (entry.scope.Node !== nodeId || vclusterOfNode(nodeId) === interest.vclusterId) return;
  throw new PactError(
    "VCLUSTER_CHANGED",
    `VCLUSTER_CHANGED: node ${nodeId} was assigned elsewhere`,
  );
}
