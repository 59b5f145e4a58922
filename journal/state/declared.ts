/**
 * What a scope declares, as a fold over its Commit and Rollback entries (OVL-3).
 *
 * A Commit sets or removes keys. A Rollback puts back what was declared as of its parent, and its
 * stored delta says so for readers without history (API-33). A Commit with a TTL counts until it
 * expires (JRN-32). On a node, removing a key declares it absent there, whatever the vCluster says;
 * in a vCluster, it is declared no more.
 *
 * @module
 */
import {
  type DeltaCategory,
  deltaItems,
  type Entry,
  type Scope,
  scopeText,
  SYSTEM_IDENTITY,
} from "../../common/model/mod.ts";
import { compositeKey, type Doc } from "./documents.ts";
import type { Transaction } from "./transaction.ts";
import type { DocumentsView, HistoryView } from "./view.ts";

/** One declared key and the entry it comes from. */
export type Declared = Doc<"declared">;

/** Marks, in `policy_ref`, the Rollback that withdraws an expired delta (JRN-32). */
export const TTL_EXPIRED = "ttl-expired:";

/** Whether `entry` withdraws an expired delta instead of going back to its parent. */
export function isTtlExpiry(entry: Entry): boolean {
  return entry.entry_type === "Rollback" &&
    entry.author.principal === SYSTEM_IDENTITY.principal &&
    (entry.policy_ref ?? "").startsWith(TTL_EXPIRED);
}

/** Marks, in `policy_ref`, the Rollback that withdraws what was promoted to the vCluster (CON-4). */
export const PROMOTED = "promoted:";

/** Whether `entry` withdraws just the keys of its delta, promoted to the vCluster meanwhile. */
function isPromotionWithdrawal(entry: Entry): boolean {
  return entry.entry_type === "Rollback" &&
    entry.author.principal === SYSTEM_IDENTITY.principal &&
    (entry.policy_ref ?? "").startsWith(PROMOTED);
}

/** When a node's delta expires, in milliseconds since the epoch; undefined for never (JRN-31). */
export function expiryMs(entry: Entry): number | undefined {
  if (!isNode(entry.scope) || entry.entry_type !== "Commit") return undefined;
  const ttl = entry.ttl_seconds ?? 0;
  return ttl === 0 ? undefined : Date.parse(entry.timestamp) + ttl * 1000;
}

/** Key of a declared document inside its scope. */
export function itemKey(category: DeltaCategory, key: string): string {
  return compositeKey(category, key);
}

/**
 * What `scope` declared as of entry `asOf`, without what has expired by `nowMs`: by
 * {@link itemKey}. Walks the history once from there back; a Rollback on the way leaps to its
 * parent.
 */
export function declaredAsOf(
  history: HistoryView,
  scope: Scope,
  asOf: number,
  nowMs: number,
): Map<string, Declared> {
  const found = new Map<string, Declared | undefined>();
  let newest = asOf;
  for (const entry of history.configEntries(scope, asOf)) {
    if (entry.sequence > newest || isTtlExpiry(entry)) continue;
    if (isPromotionWithdrawal(entry)) {
      for (const [category, { key }] of deltaItems(entry.state_delta ?? {})) {
        const id = itemKey(category, key);
        if (!found.has(id)) found.set(id, undefined);
      }
      continue;
    }
    if (entry.entry_type === "Rollback") {
      newest = Math.min(newest, entry.parent ?? newest);
      continue;
    }
    const expiry = expiryMs(entry);
    if (expiry !== undefined && expiry <= nowMs) continue;
    for (const [key, declared] of declarations(entry)) {
      if (!found.has(key)) found.set(key, declared);
    }
  }
  const present = new Map<string, Declared>();
  for (const [key, declared] of found) {
    if (declared !== undefined) present.set(key, declared);
  }
  return present;
}

/** What one Commit says of each key; the last item wins. Undefined: declared no more. */
export function declarations(entry: Entry): Map<string, Declared | undefined> {
  const { sequence } = entry;
  const said = new Map<string, Declared | undefined>();
  for (const [category, { action, key, value }] of deltaItems(entry.state_delta ?? {})) {
    if (action !== "Remove") {
      said.set(itemKey(category, key), { sequence, category, key, value });
    } else if (isNode(entry.scope)) {
      said.set(itemKey(category, key), { sequence, category, key, absent: true });
    } else {
      said.set(itemKey(category, key), undefined);
    }
  }
  return said;
}

/** What `scope` declares now, by {@link itemKey}. */
export function declaredNow(view: DocumentsView, scope: Scope): Map<string, Declared> {
  const prefix = `${scopeText(scope)}\n`;
  const now = new Map<string, Declared>();
  for (const [key, declared] of view.list("declared", prefix)) {
    now.set(key.slice(prefix.length), declared);
  }
  return now;
}

/** Stores what a Commit declares. */
export function declare(tx: Transaction, entry: Entry): void {
  if (entry.state_delta === undefined) return;
  for (const [key, declared] of declarations(entry)) store(tx, entry.scope, key, declared);
}

/** Stores `target` as all that `scope` declares. */
export function declareExactly(
  tx: Transaction,
  scope: Scope,
  target: ReadonlyMap<string, Declared>,
): void {
  for (const key of declaredNow(tx, scope).keys()) {
    if (!target.has(key)) store(tx, scope, key, undefined);
  }
  for (const [key, declared] of target) store(tx, scope, key, declared);
}

function store(tx: Transaction, scope: Scope, key: string, declared: Declared | undefined): void {
  const full = compositeKey(scopeText(scope), key);
  if (declared === undefined) tx.delete("declared", full);
  else tx.put("declared", full, declared);
}

function isNode(scope: Scope): boolean {
  return scope !== "Global" && "Node" in scope;
}
