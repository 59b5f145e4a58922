import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { DOMAIN_VCLUSTER, type Entry } from "../../common/model/mod.ts";
import type { Replica } from "../replica/mod.ts";
import type { Hub, Subscription } from "./hub.ts";
import { type IdentityChange, type IdentityFeed, IdentityTeller } from "./identity_feed.ts";
import { type SiteTrust, type TrustFeed, TrustTeller } from "./trust_feed.ts";
import { type Interest, type UpdateKind, updateKind } from "./interest.ts";

/**
 * An entry for a subscriber, or how far the stream has come: when it is idle, or has trust or a
 * change of the identity map to tell.
 */
export type Delivery =
  | { readonly kind: UpdateKind; readonly entry: Entry }
  | {
    readonly kind: "progress";
    readonly sequence: number;
    readonly trust?: SiteTrust;
    readonly identities?: IdentityChange;
  };

/** How long a stream stays silent before it reports its progress (SUB-7). */
export const IDLE_MS = 60_000;

/** What following needs. */
export interface FollowContext {
  readonly replica: Pick<Replica, "state" | "appliedSequence" | "entries">;
  readonly hub: Hub;
  readonly clock: Clock;
  /** For nodes: the CAs they trust, first as they are and then as they change (CRT-1a). */
  readonly trust?: TrustFeed | undefined;
  /** For nodes: what the identity map becomes, while they are to serve it (UID-5). */
  readonly identities?: IdentityFeed | undefined;
  /** Whether the node is to serve the map as of now; unless told otherwise it is. */
  readonly servesIdentities?: () => boolean;
}

/**
 * Every relevant entry from `fromSequence` on: history first, then live, without gap or duplicate
 * (SUB-1, SUB-5). Ends when `signal` aborts.
 *
 * | phase   | event                                   | next                                |
 * |---------|-----------------------------------------|-------------------------------------|
 * | history | read up to the newest applied entry     | live, in the same turn              |
 * | live    | an update                               | live                                |
 * | live    | a snapshot replaced the state (JRN-50)  | history, from where live had come   |
 * | any     | lagging, moved, revoked, aborted        | end                                 |
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
  let next = fromSequence;
  const tellers = {
    trust: new TrustTeller(context.trust),
    identities: new IdentityTeller(context.identities, context.servesIdentities ?? (() => true)),
  };
  // Ends with the signal: snapshots, which send live back to history, are rare.
  while (!signal.aborted) {
    next = yield* history(context, interest, next, signal);
    if (signal.aborted) return;
    const subscription = context.hub.open(interest);
    const wake = () => subscription.wake();
    signal.addEventListener("abort", wake, { once: true });
    const unfollow = Object.values(tellers).map((teller) => teller.follow(subscription));
    try {
      next = yield* live(context, subscription, tellers, interest, next, signal);
    } finally {
      unfollow.forEach((end) => end());
      signal.removeEventListener("abort", wake);
      subscription.close();
    }
  }
}

/** What is written already; returns the sequence that comes next, in the turn it was found in. */
async function* history(
  { replica }: FollowContext,
  interest: Interest,
  fromSequence: number,
  signal: AbortSignal,
): AsyncGenerator<Delivery, number> {
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
      if (signal.aborted) return next;
    }
    next = toSequence + 1;
  }
  return next;
}

/** Updates as they are applied; returns the sequence that comes next when history must be read. */
async function* live(
  { replica, clock }: FollowContext,
  subscription: Subscription,
  tellers: Tellers,
  interest: Interest,
  fromSequence: number,
  signal: AbortSignal,
): AsyncGenerator<Delivery, number> {
  let next = fromSequence;
  using silence = new Silence(clock, () => subscription.wake());
  while (!signal.aborted) {
    await subscription.wait();
    const isIdle = silence.take();
    for (const news of newsOf(tellers)) {
      if (!signal.aborted) yield { kind: "progress", sequence: next - 1, ...news };
    }
    // What overflowed or was cut off takes no more, so after these updates nothing is left.
    const { isLagging, isCutOff } = subscription;
    const updates = subscription.take();
    // Taken in the same turn as the progress is read: nothing older follows it.
    if (isIdle && updates.length === 0 && !isCutOff && !signal.aborted) {
      yield { kind: "progress", sequence: replica.appliedSequence };
    }
    if (updates.length > 0) silence.broken();
    for (const { kind, entry } of updates) {
      if (entry.sequence < fromSequence) continue;
      if (signal.aborted) return next;
      yield { kind, entry };
      next = entry.sequence + 1;
      requireStanding(replica, entry, interest);
    }
    if (isLagging) {
      throw new PactError("SUBSCRIBER_LAGGED", `SUBSCRIBER_LAGGED last=${next - 1}`);
    }
    if (isCutOff) return next;
  }
  return next;
}

/** What a stream tells besides entries. */
interface Tellers {
  readonly trust: TrustTeller;
  readonly identities: IdentityTeller;
}

type News = Pick<Extract<Delivery, { kind: "progress" }>, "trust" | "identities">;

/** What there is to tell now, a delivery each. */
function newsOf({ trust, identities }: Tellers): News[] {
  const bundle = trust.due();
  const changes = identities.due().map((change): News => ({ identities: change }));
  return bundle === undefined ? changes : [{ trust: bundle }, ...changes];
}

/**
 * Notices that a stream has been silent for {@link IDLE_MS}. One timer for the whole stream: setting
 * one for each delivery would be a tenth of its price. Ends with its scope.
 */
class Silence implements Disposable {
  #sinceMs: number;
  #isOver = false;
  #timer: TimerHandle;

  constructor(private readonly clock: Clock, private readonly onIdle: () => void) {
    this.#sinceMs = clock.monotonicMs();
    this.#timer = clock.setTimer(IDLE_MS, () => this.#check());
  }

  /** Begins anew. */
  broken(): void {
    this.#sinceMs = this.clock.monotonicMs();
  }

  /** Whether it lasted long enough since this was asked for last. */
  take(): boolean {
    const isOver = this.#isOver;
    this.#isOver = false;
    return isOver;
  }

  [Symbol.dispose](): void {
    this.clock.clearTimer(this.#timer);
  }

  #check(): void {
    const leftMs = this.#sinceMs + IDLE_MS - this.clock.monotonicMs();
    if (leftMs <= 0) {
      this.#isOver = true;
      this.broken();
      this.onIdle();
    }
    this.#timer = this.clock.setTimer(leftMs > 0 ? leftMs : IDLE_MS, () => this.#check());
  }
}

/** A node that was moved must boot its new configuration; one that was revoked hears no more. */
function requireStanding(
  replica: FollowContext["replica"],
  { entry_type, scope }: Entry,
  interest: Interest,
): void {
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
