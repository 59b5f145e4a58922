import {
  type Entry,
  type EntryDraft,
  type Scope,
  scopeText,
  type StateDelta,
  SYSTEM_IDENTITY,
} from "../../common/model/mod.ts";
import type { CommandOf } from "./commands.ts";
import { followConflicts } from "./conflicts.ts";
import {
  type Declared,
  declaredAsOf,
  declaredNow,
  declareExactly,
  TTL_EXPIRED,
} from "./declared.ts";
import { type CommandResult, numberKey } from "./documents.ts";
import { inverseDelta } from "./inverse_delta.ts";
import { followEntry } from "./node_state.ts";
import { reject, type Transaction } from "./transaction.ts";
import type { DocumentsView, StateView } from "./view.ts";

/** Where a Rollback leads, and the delta that leads there. */
export interface RollbackPlan {
  readonly target: ReadonlyMap<string, Declared>;
  readonly delta: StateDelta;
}

/**
 * Checks the target of a Rollback and computes what it changes (API-33). An agent that reverts
 * drift by itself returns to what is declared already: for it the head is a legal target, and so is
 * none at all.
 */
export function planRollback(tx: Transaction, draft: EntryDraft): RollbackPlan {
  const { parent, scope } = draft;
  const byHuman = draft.author.principal_type === "Human";
  if (parent === undefined) {
    if (byHuman) reject("INVALID_ARGUMENT", "rollback needs a target: set parent");
    return planTo(tx, scope, declaredNow(tx, scope));
  }
  const target = tx.history.entry(parent);
  if (target === undefined) reject("NOT_FOUND", `entry ${parent} not found`);
  if (!isTarget(tx, target, scope)) {
    reject(
      "PRECONDITION",
      `entry ${parent} is no configuration change of ${scopeText(scope)}`,
    );
  }
  const head = tx.get("scope_heads", scopeText(scope))?.state_changing ?? -1;
  const sameScope = scopeText(target.scope) === scopeText(scope);
  if (byHuman && sameScope && parent >= head) {
    reject("PRECONDITION", "target must be earlier than the current head");
  }
  return planTo(tx, scope, declaredAsOf(tx.history, scope, parent, tx.nowMs));
}

/**
 * What a Rollback of `scope` to `parent` would change now, without a word on whether somebody may;
 * undefined where there is no such target, which apply refuses.
 */
export function rollbackDelta(
  view: StateView,
  scope: Scope,
  parent: number,
  nowMs: number,
): StateDelta | undefined {
  const target = view.history.entry(parent);
  if (target === undefined || !isTarget(view, target, scope)) return undefined;
  return planTo(view, scope, declaredAsOf(view.history, scope, parent, nowMs)).delta;
}

/** Withdraws expired node deltas, each by a Rollback entry of the journal's own (JRN-32). */
export function expireTtl(tx: Transaction, { sequences }: CommandOf<"ExpireTtl">): CommandResult {
  const written: number[] = [];
  for (const sequence of sequences) {
    const ttl = tx.get("ttls", numberKey(sequence));
    if (ttl === undefined || Date.parse(ttl.expires_at) > tx.nowMs) continue;
    tx.delete("ttls", numberKey(sequence));
    written.push(withdraw(tx, sequence, { Node: ttl.node_id }));
  }
  return { kind: "Ok", sequences: written };
}

function withdraw(tx: Transaction, sequence: number, scope: Scope): number {
  const head = tx.counters.next_sequence - 1;
  const plan = planTo(tx, scope, declaredAsOf(tx.history, scope, head, tx.nowMs));
  const entry = tx.record({
    entry_type: "Rollback",
    scope,
    author: SYSTEM_IDENTITY,
    parent: sequence,
    policy_ref: `${TTL_EXPIRED}${sequence}`,
    state_delta: plan.delta,
  });
  declareExactly(tx, scope, plan.target);
  followEntry(tx, entry);
  followConflicts(tx, entry);
  return entry.sequence;
}

/** A plan that makes `target` all that `scope` declares. */
export function planTo(
  tx: DocumentsView,
  scope: Scope,
  target: ReadonlyMap<string, Declared>,
): RollbackPlan {
  const vcluster = vclusterOfNode(tx, scope);
  const below = vcluster === undefined
    ? new Map<string, Declared>()
    : declaredNow(tx, { VCluster: vcluster });
  return { target, delta: inverseDelta(declaredNow(tx, scope), target, below) };
}

/** Whether an entry is a change of what `scope` declares. */
function isTarget(tx: DocumentsView, target: Entry, scope: Scope): boolean {
  const isConfiguration = target.entry_type === "Commit" || target.entry_type === "Rollback";
  return isConfiguration && scopesAbove(tx, scope).includes(scopeText(target.scope));
}

/** The scope itself and, for a node, its vCluster: where a target may lie. */
function scopesAbove(tx: DocumentsView, scope: Scope): string[] {
  const vcluster = vclusterOfNode(tx, scope);
  const own = scopeText(scope);
  return vcluster === undefined ? [own] : [own, scopeText({ VCluster: vcluster })];
}

function vclusterOfNode(tx: DocumentsView, scope: Scope): string | undefined {
  if (scope === "Global" || !("Node" in scope)) return undefined;
  return tx.get("node_assignments", scope.Node)?.vcluster_id;
}
