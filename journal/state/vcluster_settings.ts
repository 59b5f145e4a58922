import type { CommandOf } from "./commands.ts";
import type { CommandResult } from "./documents.ts";
import { reject, type Transaction } from "./transaction.ts";

/** Most drift blacklist patterns of one vCluster (journal.md section 16). */
const MAX_PATTERNS = 1000;

/** Replaces the policy of a vCluster; its version goes up by one (J6). */
export function setPolicy(tx: Transaction, command: CommandOf<"SetPolicy">): CommandResult {
  const { vcluster_id, settings } = command;
  const former = tx.get("policies", vcluster_id);
  const version = (former?.version ?? 0) + 1;
  tx.put("policies", vcluster_id, {
    ...settings,
    vcluster_id,
    policy_id: former?.policy_id ?? `policy-${vcluster_id}`,
    version,
    updated_at: tx.timestamp,
  });
  const entry = tx.record({
    entry_type: "PolicyUpdate",
    scope: { VCluster: vcluster_id },
    message: command.message ?? `policy version ${version}`,
    policy_ref: command.policy_ref,
  });
  return { kind: "Ok", sequence: entry.sequence, version };
}

/** Adds and removes drift blacklist patterns; order of first mention, each once. */
export function setBlacklist(tx: Transaction, command: CommandOf<"SetBlacklist">): CommandResult {
  const { vcluster_id, add, remove } = command;
  const former = tx.get("blacklists", vcluster_id)?.patterns ?? [];
  const dropped = new Set(remove);
  const patterns = [...new Set([...former, ...add])].filter((pattern) => !dropped.has(pattern));
  if (patterns.length > MAX_PATTERNS) {
    reject("INVALID_ARGUMENT", `more than ${MAX_PATTERNS} blacklist patterns`);
  }
  tx.put("blacklists", vcluster_id, { patterns });
  const entry = tx.record({
    entry_type: "BlacklistUpdate",
    scope: { VCluster: vcluster_id },
    message: summary(add, remove),
  });
  return { kind: "Ok", sequence: entry.sequence };
}

function summary(add: readonly string[], remove: readonly string[]): string {
  const parts = [...add.map((pattern) => `+${pattern}`), ...remove.map((pattern) => `-${pattern}`)];
  return parts.join(" ").slice(0, 4096);
}
