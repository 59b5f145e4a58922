import { type Entry, SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import { appendEntry } from "./append_entry.ts";
import type { CommandOf } from "./commands.ts";
import { conflictValueText, followConflicts } from "./conflicts.ts";
import { type Declared, declaredNow, declareExactly, itemKey, PROMOTED } from "./declared.ts";
import type { CommandResult } from "./documents.ts";
import { leaveNotice } from "./notices.ts";
import { followEntry } from "./node_state.ts";
import { planTo } from "./rollback.ts";
import type { Transaction } from "./transaction.ts";

/**
 * Appends the vCluster's Commit and withdraws the node deltas that it takes the place of, each
 * node's by one Rollback entry of the journal's own: from then on those nodes follow their vCluster
 * for these keys (CON-4).
 */
export function promote(
  tx: Transaction,
  { entry, withdraw, check_services }: CommandOf<"Promote">,
): CommandResult {
  const result = appendEntry(tx, { type: "AppendEntry", entry, check_services });
  if (result.kind !== "EntryAppended") return result;
  for (const node of withdraw) withdrawFrom(tx, node, result.sequence);
  return result;
}

function withdrawFrom(
  tx: Transaction,
  { node_id, message, deltas }: CommandOf<"Promote">["withdraw"][number],
  promotedBy: number,
): void {
  const scope = { Node: node_id };
  const target = declaredNow(tx, scope);
  const withdrawn: Declared[] = [];
  for (const { category, key, sequence } of deltas) {
    const id = itemKey(category, key);
    const declared = target.get(id);
    if (declared?.sequence === sequence && target.delete(id)) withdrawn.push(declared);
  }
  if (withdrawn.length === 0) return;
  const { delta } = planTo(tx, scope, target);
  const entry = tx.record({
    entry_type: "Rollback",
    scope,
    author: SYSTEM_IDENTITY,
    parent: promotedBy,
    policy_ref: `${PROMOTED}${promotedBy}`,
    message,
    state_delta: delta,
  });
  declareExactly(tx, scope, target);
  followEntry(tx, entry);
  followConflicts(tx, entry);
  tellAuthors(tx, entry, node_id, withdrawn);
}

/** Whoever else declared what was taken back hears of it (CON-4, CR5). */
function tellAuthors(
  tx: Transaction,
  entry: Entry,
  nodeId: string,
  withdrawn: readonly Declared[],
): void {
  const byAuthor = Map.groupBy(
    withdrawn,
    ({ sequence }) => tx.history.entry(sequence)?.author.principal ?? "",
  );
  for (const [principal, declared] of byAuthor) {
    if (principal === "" || principal === tx.actor.principal) continue;
    const changes = declared.map(({ category, key, absent, value = null }) => {
      const now = entry.state_delta?.[category]?.find((item) => item.key === key)?.value ?? null;
      return `${key} ${conflictValueText(absent === true ? null : value)} → ${
        conflictValueText(now)
      }`;
    });
    leaveNotice(tx, entry, {
      kind: "overwrite",
      principal,
      node_id: nodeId,
      keys: declared.map(({ key }) => key),
      text: `promoted by ${tx.actor.principal}: ${changes.join(", ")}`.slice(0, 4096),
      by: tx.actor.principal,
    });
  }
}
