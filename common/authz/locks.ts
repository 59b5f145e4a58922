import { PLATFORM_ADMIN } from "./roles.ts";
import type { Decision, DecisionScope, Principal } from "./request.ts";

/** What can be locked. */
export const LOCK_KINDS = ["user", "role", "node", "vcluster"] as const;

/** What a lock is on. */
export type LockKind = (typeof LOCK_KINDS)[number];

/** A lock as far as decisions look at it. */
export interface LockFacts {
  readonly kind: LockKind;
  readonly name: string;
  readonly reason: string;
  /** Milliseconds since the epoch; absent: until it is released. */
  readonly expiresAtMs?: number | undefined;
}

/** The lock under a key, if there is one; see {@link lockKey}. */
export type LockLookup = (key: string) => LockFacts | undefined;

/** Who calls, and about what, as locks see it. */
export interface LockSubject {
  readonly principal: Principal;
  /** The node whose certificate the connection carries, whoever acts. */
  readonly nodeId?: string | undefined;
}

/** Whether `text` names a kind of lock. */
export function isLockKind(text: string): text is LockKind {
  return LOCK_KINDS.some((kind) => kind === text);
}

/** The key of a lock: people are the same person in any spelling of their name. */
export function lockKey(kind: LockKind, name: string): string {
  return `${kind}:${kind === "user" ? name.toLowerCase() : name}`;
}

/** What callers are told; it begins with the code that they get. */
export function lockText({ kind, name, reason }: LockFacts): string {
  return `LOCKED: ${kind} ${name} is locked: ${reason}`;
}

/** The denial of who or what is locked, before any role is looked at. */
export function lockedDecision(lock: LockFacts, role: string): Decision & { outcome: "deny" } {
  const policyRef = `lock:${lockKey(lock.kind, lock.name)}`;
  return { outcome: "deny", role, policyRef, reason: lockText(lock) };
}

/**
 * The lock that keeps a caller out whatever it asks for: on the person, on one of the roles, on the
 * node whose certificate it presents. The end of a lock counts from its moment on, before it is
 * removed.
 *
 * @example
 * ```ts
 * import { lockKey, lockOnCaller } from "./locks.ts";
 * import assert from "node:assert/strict";
 *
 * const lock = { kind: "user", name: "bo", reason: "laptop stolen" } as const;
 * const locks = new Map([[lockKey("user", "Bo"), lock]]);
 * const principal = { principal: "BO", principalType: "Human", roles: ["pact-ops-ml"] } as const;
 * assert.equal(lockOnCaller((key) => locks.get(key), { principal }, Date.now()), lock);
 * ```
 */
export function lockOnCaller(
  lookup: LockLookup,
  { principal, nodeId }: LockSubject,
  nowMs: number,
): LockFacts | undefined {
  const own = nodeId ?? principal.nodeId;
  return inForce(lookup(lockKey("user", principal.principal)), nowMs) ??
    firstInForce(lookup, principal.roles.map((role) => lockKey("role", role)), nowMs) ??
    (own === undefined ? undefined : inForce(lookup(lockKey("node", own)), nowMs));
}

/**
 * The lock on the node or the vCluster that a call is about. Platform admins pass, who must be able
 * to look and to repair; agents do, who are kept out with their node alone.
 */
export function lockOnScope(
  lookup: LockLookup,
  principal: Principal,
  { nodeId, vclusterId }: Pick<DecisionScope, "nodeId" | "vclusterId">,
  nowMs: number,
): LockFacts | undefined {
  if (principal.nodeId !== undefined || isPersonInCharge(principal)) return undefined;
  const keys = [
    ...(nodeId === undefined ? [] : [lockKey("node", nodeId)]),
    ...(vclusterId === undefined ? [] : [lockKey("vcluster", vclusterId)]),
  ];
  return firstInForce(lookup, keys, nowMs);
}

function isPersonInCharge({ principalType, roles }: Principal): boolean {
  return principalType === "Human" && roles.includes(PLATFORM_ADMIN);
}

function firstInForce(
  lookup: LockLookup,
  keys: readonly string[],
  nowMs: number,
): LockFacts | undefined {
  for (const key of keys) {
    const lock = inForce(lookup(key), nowMs);
    if (lock !== undefined) return lock;
  }
  return undefined;
}

function inForce(lock: LockFacts | undefined, nowMs: number): LockFacts | undefined {
  return lock?.expiresAtMs !== undefined && lock.expiresAtMs <= nowMs ? undefined : lock;
}
