/**
 * Conflicts after a partition (journal.md 11.2, CR1 to CR3).
 *
 * | state | event                                                    | next            |
 * |-------|----------------------------------------------------------|-----------------|
 * | none  | an agent reports a local value of a key that the journal | Open            |
 * |       | changed since, to another value (CON-1)                  |                 |
 * | Open  | reported again                                           | Open, same end  |
 * | Open  | both values become equal                                 | ResolvedJournal |
 * | Open  | ResolveConflict local, journal                           | ResolvedLocal,  |
 * |       |                                                          | ResolvedJournal |
 * | Open  | the grace period is over (CON-2)                         | Overwritten     |
 *
 * While a conflict is open, its key cannot be committed on the node; other keys can (CON-3).
 *
 * @module
 */
import { canonicalJson, type JsonValue } from "../../common/json/mod.ts";
import {
  defaultPolicy,
  deltaItems,
  DOMAIN_VCLUSTER,
  type DriftCategory,
  type Entry,
  type EntryDraft,
  type Scope,
  scopeText,
  type StateDelta,
  StateDeltaSchema,
} from "../../common/model/mod.ts";
import { type Declared, itemKey } from "./declared.ts";
import { compositeKey, type Conflict } from "./documents.ts";
import { reject, type Transaction } from "./transaction.ts";
import type { DocumentsView } from "./view.ts";

/** Marks, in `policy_ref`, a report of local changes, with the last sequence the node had (MRG-1). */
const LOCAL_CHANGES = "local-changes:";

/** Entries looked through for what was withdrawn since; beyond them, every key counts as changed. */
const MAX_LOOKED_THROUGH = 10_000;

/**
 * The sequence since which an entry reports local changes; undefined when it does not.
 *
 * Rejects a tag without a sequence: a report that cannot be compared must not seem compared.
 */
export function localChangesSince(draft: EntryDraft): number | undefined {
  const tag = draft.policy_ref ?? "";
  if (draft.entry_type !== "DriftDetected" || !tag.startsWith(LOCAL_CHANGES)) return undefined;
  const since = tag.slice(LOCAL_CHANGES.length);
  if (/^[0-9]{1,15}$/.test(since)) return Number(since);
  reject("INVALID_ARGUMENT", `policy_ref ${LOCAL_CHANGES} needs the last applied sequence`);
}

/** Opens a conflict for each reported key that the journal changed since to something else. */
export function openConflicts(tx: Transaction, entry: Entry, since: number): void {
  if (entry.scope === "Global" || !("Node" in entry.scope)) return;
  const nodeId = entry.scope.Node;
  const touched = touchedSince(tx, nodeId, since);
  const opened: Conflict[] = [];
  for (const [category, { action, key, value }] of deltaItems(entry.state_delta ?? {})) {
    if (category === "settings") continue;
    const local = action === "Remove" ? null : value ?? "";
    const known = openConflictOn(tx, nodeId, itemKey(category, key));
    if (known !== undefined) {
      compareAgain(tx, { ...known, local });
      continue;
    }
    const journal = effectiveValue(tx, nodeId, itemKey(category, key));
    if (isSame(category, local, journal) || touched?.has(itemKey(category, key)) === false) {
      continue;
    }
    const id = `mc-${entry.sequence}-${opened.length}`;
    opened.push(newConflict(tx, entry, { id, node_id: nodeId, category, key, local, journal }));
  }
  if (opened.length === 0) return;
  for (const conflict of opened) {
    tx.put("conflicts", conflict.id, conflict);
    tx.put("open_conflicts", openKey(conflict), { conflict_id: conflict.id });
  }
  recordConflicts(tx, nodeId, opened, `${opened.length} key(s) differ from the journal`);
}

/** Refuses a Commit of keys that are in conflict on its node (CON-3). */
export function refuseConflicting(tx: Transaction, draft: EntryDraft): void {
  if (draft.entry_type !== "Commit" || draft.scope === "Global" || !("Node" in draft.scope)) return;
  const nodeId = draft.scope.Node;
  const keys: string[] = [];
  for (const [category, { key }] of deltaItems(draft.state_delta ?? {})) {
    if (openConflictOn(tx, nodeId, itemKey(category, key)) !== undefined) keys.push(key);
  }
  if (keys.length === 0) return;
  reject("MERGE_CONFLICT", `MERGE_CONFLICT: on node ${nodeId} resolve ${keys.join(", ")} first`);
}

/** Compares again what is in conflict where `entry` changed what is declared. */
export function followConflicts(tx: Transaction, { scope, entry_type }: Entry): void {
  if (scope === "Global" || (entry_type !== "Commit" && entry_type !== "Rollback")) return;
  const prefix = "Node" in scope ? `${scope.Node}\n` : "";
  for (const [, { conflict_id }] of tx.list("open_conflicts", prefix)) {
    const conflict = tx.get("conflicts", conflict_id);
    if (conflict === undefined) continue;
    if ("VCluster" in scope && vclusterOf(tx, conflict.node_id) !== scope.VCluster) continue;
    compareAgain(tx, conflict);
  }
}

/** Closes a conflict; the entry of it says how. */
export function closeConflict(
  tx: Transaction,
  conflict: Conflict,
  state: Exclude<Conflict["state"], "Open">,
  message: string,
): Entry {
  const closed: Conflict = {
    ...conflict,
    state,
    closed_at: tx.timestamp,
    closed_by: tx.actor.principal,
  };
  tx.put("conflicts", conflict.id, closed);
  tx.delete("open_conflicts", openKey(conflict));
  return recordConflicts(tx, conflict.node_id, [closed], message);
}

/** How people read a value of a conflict. */
export function conflictValueText(value: JsonValue): string {
  if (value === null) return "(absent)";
  return typeof value === "string" ? value : canonicalJson(value);
}

/** The delta from one side of conflicts to the other. */
export function conflictDelta(
  conflicts: readonly Conflict[],
  to: "local" | "journal",
): StateDelta {
  const delta: Partial<Record<DriftCategory, unknown[]>> = {};
  for (const { category, key, ...sides } of conflicts) {
    const value = sides[to];
    const previous = sides[to === "local" ? "journal" : "local"] ?? undefined;
    (delta[category] ??= []).push(
      value === null ? { action: "Remove", key, previous } : {
        action: "Modify",
        key,
        value,
        previous,
      },
    );
  }
  return StateDeltaSchema.parse(delta);
}

function newConflict(
  tx: Transaction,
  entry: Entry,
  subject: Pick<Conflict, "id" | "node_id" | "category" | "key" | "local" | "journal">,
): Conflict {
  const vcluster = vclusterOf(tx, subject.node_id);
  const policy = tx.get("policies", vcluster) ?? defaultPolicy(vcluster);
  const graceSeconds = policy.conflict_grace_seconds || policy.base_commit_window_seconds;
  return {
    ...subject,
    reported_by: entry.author.principal,
    state: "Open",
    detected_at: tx.timestamp,
    deadline: new Date(tx.nowMs + graceSeconds * 1000).toISOString(),
  };
}

function compareAgain(tx: Transaction, conflict: Conflict): void {
  const { node_id, category, key, local } = conflict;
  const journal = effectiveValue(tx, node_id, itemKey(category, key));
  const now = { ...conflict, journal };
  if (isSame(category, local, journal)) {
    closeConflict(tx, now, "ResolvedJournal", `${category}:${key}: both sides agree`);
  } else {
    tx.put("conflicts", conflict.id, now);
  }
}

/** One entry for all of them; its delta leads from the local values to the journal's. */
function recordConflicts(
  tx: Transaction,
  nodeId: string,
  conflicts: readonly Conflict[],
  message: string,
): Entry {
  const [first] = conflicts;
  const single = conflicts.length === 1 ? `:${first?.id}` : "";
  return tx.record({
    entry_type: "MergeConflict",
    scope: { Node: nodeId },
    policy_ref: `conflict:${first?.state}${single}`,
    message: message.slice(0, 4096),
    state_delta: conflictDelta(conflicts, "journal"),
  });
}

/**
 * Keys that Commits and Rollbacks of the node or its vCluster named after `since`; undefined when
 * there are too many to look through, and every key must be taken for changed.
 */
function touchedSince(tx: Transaction, nodeId: string, since: number): Set<string> | undefined {
  const touched = new Set<string>();
  const head = tx.counters.next_sequence - 1;
  const scopes: Scope[] = [{ Node: nodeId }, { VCluster: vclusterOf(tx, nodeId) }];
  let left = MAX_LOOKED_THROUGH;
  for (const scope of scopes) {
    if ((tx.get("scope_heads", scopeText(scope))?.state_changing ?? -1) <= since) continue;
    for (const entry of tx.history.configEntries(scope, head)) {
      if (entry.sequence <= since) break;
      if (left-- === 0) return undefined;
      for (const [category, { key }] of deltaItems(entry.state_delta ?? {})) {
        touched.add(itemKey(category, key));
      }
    }
  }
  return touched;
}

function effectiveValue(view: DocumentsView, nodeId: string, id: string): JsonValue {
  const inScope = (scope: Scope): Declared | undefined =>
    view.get("declared", compositeKey(scopeText(scope), id));
  const declared = inScope({ Node: nodeId }) ?? inScope({ VCluster: vclusterOf(view, nodeId) });
  return declared === undefined || declared.absent === true ? null : declared.value ?? "";
}

/** A file's content counts by its hash: reports do not always carry the content itself. */
function isSame(category: DriftCategory, one: JsonValue, other: JsonValue): boolean {
  const comparable = category === "files" ? withoutContent : (value: JsonValue) => value;
  return canonicalJson(comparable(one)) === canonicalJson(comparable(other));
}

function withoutContent(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null || !("content_hash" in value)) return value;
  const { content_b64: _content, ...rest } = value;
  return rest;
}

function openConflictOn(tx: Transaction, nodeId: string, id: string): Conflict | undefined {
  const open = tx.get("open_conflicts", compositeKey(nodeId, id));
  return open === undefined ? undefined : tx.get("conflicts", open.conflict_id);
}

function openKey({ node_id, category, key }: Conflict): string {
  return compositeKey(node_id, itemKey(category, key));
}

function vclusterOf(view: DocumentsView, nodeId: string): string {
  return view.get("node_assignments", nodeId)?.vcluster_id ?? DOMAIN_VCLUSTER;
}
