/**
 * Fans applied entries out to subscribers. It owns the index of who is interested in what and one
 * bounded queue per subscriber; a subscription ends when its consumer closes it or falls behind.
 */

import type { Entry } from "../../common/model/mod.ts";
import type { Replica } from "../replica/mod.ts";
import { Inbox } from "./inbox.ts";
import { Waker } from "./waker.ts";
import { type Interest, type UpdateKind, updateKind } from "./interest.ts";

/** An entry with the field it travels in. */
export interface Update {
  readonly kind: UpdateKind;
  readonly entry: Entry;
}

/** One subscriber's queue of updates not yet delivered. */
export interface Subscription {
  /** Updates since the last call, oldest first; empties the queue. */
  take(): readonly Update[];
  /** Whether the queue overflowed; nothing is queued after that. */
  readonly isLagging: boolean;
  /**
   * Whether a snapshot replaced the state: what came with it was never queued and must be read from
   * history. Nothing is queued after that either.
   */
  readonly isCutOff: boolean;
  /** Resolves when there is something to take, the queue overflowed, or somebody wakes it. */
  wait(): Promise<void>;
  /** Ends a wait under way, or the next one at once. */
  wake(): void;
  close(): void;
}

/** Where subscriptions are opened. */
export interface Hub {
  /**
   * Subscribes to every entry applied from now on. The caller has delivered all earlier ones: both
   * happen in one turn of the event loop, so there is neither gap nor duplicate (SUB-1).
   */
  open(interest: Interest): Subscription;
  readonly size: number;
  close(): void;
}

/**
 * A hub over the applied entries of `replica`; the cost of an entry is that of its audience (SUB-9).
 * `onLagging` hears of every queue that overflows.
 */
export function createHub(
  replica: Pick<Replica, "onApplied" | "state">,
  onLagging: () => void = () => {},
): Hub {
  const index = new InterestIndex();
  const waker = new Waker();
  const vclusterOfNode = (nodeId: string) =>
    replica.state.get("node_assignments", nodeId)?.vcluster_id;
  const stop = replica.onApplied(({ entries, restored }) => {
    if (restored) return index.everybody().forEach((queue) => queue.cutOff());
    for (const entry of entries) {
      for (const queue of index.audienceOf(entry)) {
        const kind = updateKind(entry, queue.interest, vclusterOfNode);
        if (kind === undefined) continue;
        if (!queue.add({ kind, entry })) onLagging();
        waker.wake(queue);
      }
    }
  });
  return {
    open: (interest) => {
      const queue = new Queue(interest, () => index.remove(queue));
      index.add(queue);
      return queue;
    },
    get size() {
      return index.size;
    },
    close: () => {
      stop();
      waker.close();
    },
  };
}

class Queue extends Inbox<Update> implements Subscription {
  #isCutOff = false;

  constructor(readonly interest: Interest, private readonly onClose: () => void) {
    super();
  }

  get isCutOff(): boolean {
    return this.#isCutOff;
  }

  cutOff(): void {
    this.#isCutOff = true;
    this.wake();
  }

  override add(update: Update): boolean {
    return this.#isCutOff || super.add(update);
  }

  close(): void {
    this.onClose();
  }
}

/** Queues by what they listen to; a queue may stand under several keys. */
class InterestIndex {
  readonly #byVCluster = new Map<string, Set<Queue>>();
  readonly #byNode = new Map<string, Set<Queue>>();
  /** Those that hear of every node: the filter of the stream decides (watchers are few). */
  readonly #watchers = new Set<Queue>();
  readonly #all = new Set<Queue>();

  get size(): number {
    return this.#all.size;
  }

  add(queue: Queue): void {
    const { nodeId, vclusterId, withMemberNodes, everything } = queue.interest;
    this.#all.add(queue);
    if (everything || withMemberNodes) this.#watchers.add(queue);
    if (nodeId !== undefined) under(this.#byNode, nodeId).add(queue);
    if (vclusterId !== undefined) under(this.#byVCluster, vclusterId).add(queue);
  }

  remove(queue: Queue): void {
    const { nodeId, vclusterId } = queue.interest;
    this.#all.delete(queue);
    this.#watchers.delete(queue);
    if (nodeId !== undefined) drop(this.#byNode, nodeId, queue);
    if (vclusterId !== undefined) drop(this.#byVCluster, vclusterId, queue);
  }

  everybody(): ReadonlySet<Queue> {
    return this.#all;
  }

  /** Every queue that may want `entry`, each once. */
  audienceOf({ scope }: Entry): ReadonlySet<Queue> {
    if (scope === "Global") return this.#all;
    const named = "VCluster" in scope
      ? this.#byVCluster.get(scope.VCluster)
      : this.#byNode.get(scope.Node);
    // Every write passes here, and most have no other audience than the watchers, if any.
    if (named === undefined) return this.#watchers;
    return this.#watchers.size === 0 ? named : named.union(this.#watchers);
  }
}

function under(map: Map<string, Set<Queue>>, key: string): Set<Queue> {
  const set = map.get(key) ?? new Set<Queue>();
  map.set(key, set);
  return set;
}

function drop(map: Map<string, Set<Queue>>, key: string, queue: Queue): void {
  const set = map.get(key);
  set?.delete(queue);
  if (set?.size === 0) map.delete(key);
}
