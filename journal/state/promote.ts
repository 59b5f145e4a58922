import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import { appendEntry } from "./append_entry.ts";
import type { CommandOf } from "./commands.ts";
import { declaredNow, declareExactly, itemKey, PROMOTED } from "./declared.ts";
import type { CommandResult } from "./documents.ts";
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
  { entry, withdraw }: CommandOf<"Promote">,
): CommandResult {
  const result = appendEntry(tx, { type: "AppendEntry", entry });
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
  let count = 0;
  for (const { category, key, sequence } of deltas) {
    const id = itemKey(category, key);
    if (target.get(id)?.sequence === sequence && target.delete(id)) count++;
  }
  if (count === 0) return;
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
}
