import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { DOMAIN_VCLUSTER, type Entry } from "../../common/model/mod.ts";
import type { Replica } from "../replica/mod.ts";
import type { Hub, Subscription } from "./hub.ts";
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
 * its node was assigned elsewhere (SUB-4), NODE_REVOKED after it was decommissioned (CRT-6).
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
      if (kind === undefined) continue;
      yield { kind, entry };
      requireStanding(replica, entry, interest);
      if (signal.aborted) return;
    }
    next = toSequence + 1;
  }
  const subscription = hub.open(interest);
  const wake = () => subscription.wake();
  signal.addEventListener("abort", wake, { once: true });
  try {
    yield* live(context, subscription, interest, next, signal);
  } finally {
    signal.removeEventListener("abort", wake);
    subscription.close();
  }
}

async function* live(
  { replica, clock }: FollowContext,
  subscription: Subscription,
  interest: Interest,
  fromSequence: number,
  signal: AbortSignal,
): AsyncGenerator<Delivery> {
  let last = fromSequence - 1;
  while (!signal.aborted) {
    const isIdle = await waitOrIdle(subscription, clock);
    // What overflowed takes no more, so after these updates nothing is left.
    const { isLagging } = subscription;
    const updates = subscription.take();
    // Taken in the same turn as the progress is read: nothing older follows it.
    if (isIdle && updates.length === 0 && !signal.aborted) {
      yield { kind: "progress", sequence: replica.appliedSequence };
    }
    for (const { kind, entry } of updates) {
      if (entry.sequence < fromSequence) continue;
      if (signal.aborted) return;
      yield { kind, entry };
      last = entry.sequence;
      requireStanding(replica, entry, interest);
    }
    if (isLagging) {
      throw new PactError("SUBSCRIBER_LAGGED", `SUBSCRIBER_LAGGED last=${last}`);
    }
  }
}

/** Waits for updates or the end; true when nothing came for {@link IDLE_MS}. */
async function waitOrIdle(subscription: Subscription, clock: Clock): Promise<boolean> {
  let isIdle = false;
  const timer = clock.setTimer(IDLE_MS, () => {
    isIdle = true;
    subscription.wake();
  });
  try {
    await subscription.wait();
  } finally {
    clock.clearTimer(timer);
  }
  return isIdle;
}

/** A node that was moved must boot its new configuration; one that was revoked hears no more. */
function requireStanding(replica: Replica, { entry_type, scope }: Entry, interest: Interest): void {
  const { nodeId } = interest;
  if (nodeId === undefined || scope === "Global" || !("Node" in scope)) return;
  if (scope.Node !== nodeId) return;
  if (entry_type === "NodeDecommissioned") {
    const record = replica.state.get("enrollments", nodeId);
    if (record?.state !== "Revoked") return;
    throw new PactError("NODE_REVOKED", `NODE_REVOKED: ${nodeId}`);
  }
  if (entry_type !== "NodeAssigned" && entry_type !== "NodeUnassigned") return;
  const now = replica.state.get("node_assignments", nodeId)?.vcluster_id ?? DOMAIN_VCLUSTER;
  if (now === interest.vclusterId) return;
  throw new PactError(
    "VCLUSTER_CHANGED",
    `VCLUSTER_CHANGED: node ${nodeId} was assigned elsewhere`,
  );
}
