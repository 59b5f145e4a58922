/**
 * Locks: who and what is kept out.
 *
 * | state  | command     | next                                                           |
 * |--------|-------------|----------------------------------------------------------------|
 * | none   | SetLock     | locked; refused where the actor would lock itself out          |
 * | locked | SetLock     | locked, with the new reason, author and end                    |
 * | locked | ReleaseLock | none; refused while the actor itself is locked                 |
 * | locked | ExpireLocks | none, once past its end                                        |
 * | none   | others      | refused, or nothing                                            |
 *
 * Every change is an entry that says who, whom and why. Whoever set the last lock is not locked, so
 * there is always a platform admin who can release it.
 *
 * @module
 */
import {
  lockKey,
  type LockKind,
  type LockLookup,
  lockOnCaller,
  PLATFORM_ADMIN,
  SERVICE_AGENT,
} from "../../common/authz/mod.ts";
import type { Scope } from "../../common/model/mod.ts";
import type { CommandOf } from "./commands.ts";
import type { CommandResult, LockDocument } from "./documents.ts";
import { reject, type Transaction } from "./transaction.ts";
import type { DocumentsView } from "./view.ts";

/** Most locks at once: every node hears of all of them. */
export const MAX_LOCKS = 1_000;

/** Sets a lock, or replaces the one there is. */
export function setLock(
  tx: Transaction,
  { kind, name, reason, ttl_seconds }: CommandOf<"SetLock">,
): CommandResult {
  requireActorNotLocked(tx);
  requireLockable(tx, kind, name);
  const key = lockKey(kind, name);
  if (tx.get("locks", key) === undefined && [...tx.list("locks")].length >= MAX_LOCKS) {
    reject("RESOURCE_EXHAUSTED", `RESOURCE_EXHAUSTED: there are ${MAX_LOCKS} locks already`);
  }
  const lock: LockDocument = {
    kind,
    name: key.slice(kind.length + 1),
    reason,
    locked_by: tx.actor,
    locked_at: tx.timestamp,
    ...(ttl_seconds === undefined
      ? {}
      : { expires_at: new Date(tx.nowMs + ttl_seconds * 1000).toISOString() }),
  };
  tx.put("locks", key, lock);
  const until = lock.expires_at === undefined ? "" : ` until ${lock.expires_at}`;
  const entry = tx.record({
    entry_type: "LockSet",
    scope: scopeOf(lock),
    message: `${kind} ${lock.name} locked${until}: ${reason}`,
  });
  return { kind: "Ok", sequence: entry.sequence, id: key };
}

/** Removes a lock. */
export function releaseLock(
  tx: Transaction,
  { kind, name, reason }: CommandOf<"ReleaseLock">,
): CommandResult {
  requireActorNotLocked(tx);
  const key = lockKey(kind, name);
  const lock = tx.get("locks", key);
  if (lock === undefined) reject("NOT_FOUND", `NOT_FOUND: ${kind} ${name} is not locked`);
  const why = reason === undefined ? "" : `: ${reason}`;
  return remove(tx, key, lock, `${kind} ${lock.name} released${why}`);
}

/** Removes those of the named locks that are past their end by the command's time. */
export function expireLocks(tx: Transaction, { keys }: CommandOf<"ExpireLocks">): CommandResult {
  for (const key of keys) {
    const lock = tx.get("locks", key);
    if (lock === undefined || !isLockOver(lock, tx.nowMs)) continue;
    const { kind, name, locked_by, reason } = lock;
    remove(
      tx,
      key,
      lock,
      `${kind} ${name} is free again, lock of ${locked_by.principal}: ${reason}`,
    );
  }
  return { kind: "Ok" };
}

/** Whether a lock has come to its end. */
export function isLockOver({ expires_at }: LockDocument, nowMs: number): boolean {
  return expires_at !== undefined && Date.parse(expires_at) <= nowMs;
}

function remove(tx: Transaction, key: string, lock: LockDocument, message: string): CommandResult {
  tx.delete("locks", key);
  const entry = tx.record({ entry_type: "LockReleased", scope: scopeOf(lock), message });
  return { kind: "Ok", sequence: entry.sequence, id: key };
}

/** Two admins who lock each other at the same time: the first one wins. */
function requireActorNotLocked(tx: Transaction): void {
  const { principal, principal_type, role } = tx.actor;
  const subject = { principal: { principal, principalType: principal_type, roles: [role] } };
  if (lockOnCaller(lockIn(tx), subject, tx.nowMs) !== undefined) {
    reject("LOCKED", `LOCKED: user ${principal} is locked`);
  }
}

/** What would lock out everybody who could undo it, or the whole fleet, is a mistake. */
function requireLockable(tx: Transaction, kind: LockKind, name: string): void {
  switch (kind) {
    case "user":
      if (name.toLowerCase() === tx.actor.principal.toLowerCase()) {
        reject("PRECONDITION", "PRECONDITION: nobody locks themselves out: ask another admin");
      }
      if (/^(system|pact-service-agent)\//i.test(name)) {
        reject("INVALID_ARGUMENT", `INVALID_ARGUMENT: ${name} is no user: lock the node instead`);
      }
      return;
    case "role":
      if (name === PLATFORM_ADMIN || name === SERVICE_AGENT) {
        reject(
          "PRECONDITION",
          `PRECONDITION: nobody could undo a lock on ${name}: lock users or nodes instead`,
        );
      }
      return;
    case "node":
      if (tx.get("enrollments", name) === undefined) {
        reject("NOT_FOUND", `NOT_FOUND: no node ${name} is registered`);
      }
      return;
    case "vcluster":
      return;
  }
}

/** Finds locks in a state. */
export function lockIn(view: Pick<DocumentsView, "get">): LockLookup {
  return (key) => {
    const lock = view.get("locks", key);
    return lock === undefined ? undefined : lockFacts(lock);
  };
}

/** The lock as decisions look at it. */
export function lockFacts({ kind, name, reason, expires_at }: LockDocument) {
  const expiresAtMs = expires_at === undefined ? undefined : Date.parse(expires_at);
  return { kind, name, reason, expiresAtMs };
}

function scopeOf({ kind, name }: LockDocument): Scope {
  if (kind === "node") return { Node: name };
  return kind === "vcluster" ? { VCluster: name } : "Global";
}
