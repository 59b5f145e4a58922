import type { agentport, lock } from "../../api/mod.ts";
import {
  isLockKind,
  type LockFacts,
  lockKey,
  lockOnCaller,
  lockOnScope,
  lockText,
} from "../../common/authz/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { RefusedError } from "../entries/mod.ts";
import { principalOf } from "./access.ts";

/** Where the node is, as locks see it. */
export interface NodePlace {
  readonly nodeId: string;
  /** Empty while the node is assigned to none. */
  readonly vclusterId: string;
}

/** Decides who is kept out of this node. */
export interface CallGuard {
  /** What a caller is refused with; undefined for whoever may come in. */
  refusalFor(caller: agentport.Caller): RefusedError | undefined;
  /** Calls `listener` whenever somebody may have been locked. */
  onChange(listener: () => void): void;
}

/**
 * The locks that this node knows of: those of the last contact with a journal, which stay in force
 * without one until their end.
 */
export class NodeLocks {
  #locks: ReadonlyMap<string, LockFacts>;
  readonly #listeners: (() => void)[] = [];

  constructor(private readonly clock: Clock, known: lock.ListLocksResponse | undefined) {
    this.#locks = factsOf(known);
  }

  /** Takes over every lock now in force. */
  take(locks: lock.ListLocksResponse): void {
    this.#locks = factsOf(locks);
    for (const listener of this.#listeners) listener();
  }

  /** The guard of a node at `place`. */
  guard(place: () => NodePlace): CallGuard {
    return {
      refusalFor: (caller) => this.#refusalFor(caller, place()),
      onChange: (listener) => void this.#listeners.push(listener),
    };
  }

  #refusalFor(caller: agentport.Caller, place: NodePlace): RefusedError | undefined {
    if (this.#locks.size === 0) return undefined;
    const principal = principalOf(caller);
    const lookup = (key: string) => this.#locks.get(key);
    const nowMs = this.clock.nowMs();
    const vclusterId = place.vclusterId === "" ? undefined : place.vclusterId;
    const found = lockOnCaller(lookup, { principal }, nowMs) ??
      lockOnScope(lookup, principal, { nodeId: place.nodeId, vclusterId }, nowMs);
    return found === undefined ? undefined : new RefusedError("LOCKED", lockText(found));
  }
}

function factsOf(list: lock.ListLocksResponse | undefined): ReadonlyMap<string, LockFacts> {
  const locks = new Map<string, LockFacts>();
  for (const { kind, name, reason, expiresAt } of list?.locks ?? []) {
    // A kind that a newer journal knows is none that this agent could judge by.
    if (!isLockKind(kind)) continue;
    const expiresAtMs = expiresAt === undefined ? undefined : Number(expiresAt.seconds) * 1000;
    locks.set(lockKey(kind, name), { kind, name, reason, expiresAtMs });
  }
  return locks;
}
