import { canonicalJson } from "../../common/json/mod.ts";
import { deltaItems, scopeText } from "../../common/model/mod.ts";
import type { CommandOf } from "./commands.ts";
import { compositeKey } from "./documents.ts";
import { reject, type Transaction } from "./transaction.ts";

/**
 * Refuses a promotion that was decided on before other nodes of the vCluster declared values of their
 * own for its keys: nobody has said what should become of those (CON-4, APR-11). `decided` are the
 * scopes of the nodes that somebody has decided about.
 */
export function refuseNewClashes(
  tx: Transaction,
  { entry }: CommandOf<"Promote">,
  decided: ReadonlySet<string>,
): void {
  const { scope, state_delta } = entry;
  if (scope === "Global" || !("VCluster" in scope) || state_delta === undefined) return;
  const promoted = [...deltaItems(state_delta)];
  for (const [nodeId, { vcluster_id }] of tx.list("node_assignments")) {
    const node = scopeText({ Node: nodeId });
    if (vcluster_id !== scope.VCluster || decided.has(node)) continue;
    for (const [category, { key, value, action }] of promoted) {
      const local = tx.get("declared", compositeKey(node, category, key));
      if (local === undefined) continue;
      const isSame = action === "Remove" ? local.absent === true : local.absent !== true &&
        canonicalJson(local.value ?? null) === canonicalJson(value ?? null);
      if (isSame) continue;
      reject(
        "PROMOTE_CONFLICT",
        `PROMOTE_CONFLICT: decide overwrite or keep for ${category}:${key} on ${nodeId}`,
      );
    }
  }
}
