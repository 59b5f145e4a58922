/**
 * How long audit records stay (AUD-4). Records leave in the order they came: the oldest ones go as
 * far as each of them is past the retention of its vCluster. The leader looks at the records, which
 * apply cannot read (JRN-20): the command says up to which one, and how old the newest of each
 * vCluster among them is; apply judges that by the policies of its own moment.
 *
 * @module
 */
import { DOMAIN_VCLUSTER, type Scope } from "../../common/model/mod.ts";
import type { CommandOf } from "./commands.ts";
import { policyIn, vclusterOfScope } from "./decision_policy.ts";
import { type CommandResult, numberKey } from "./documents.ts";
import { recordOperation } from "./operations.ts";
import { reject, type Transaction } from "./transaction.ts";
import type { DocumentsView } from "./view.ts";

const DAY_MS = 86_400_000;

/** Most records that one command takes out of the replicated state. */
export const MAX_PURGED_RECORDS = 1000;

/** By whose policy the records of a scope are kept: what is nobody's goes by the domain's. */
export function retentionOwner(view: DocumentsView, scope: Scope): string {
  return vclusterOfScope(view, scope) ?? DOMAIN_VCLUSTER;
}

/** Until when a record of `at` is kept, in milliseconds since the epoch. */
export function keptUntilMs(view: DocumentsView, vclusterId: string, at: string): number {
  return Date.parse(at) + policyIn(view, vclusterId).audit_retention_days * DAY_MS;
}

/** Takes out records past retention, here and in every member's archive; a record says so. */
export function purgeAudit(tx: Transaction, command: CommandOf<"PurgeAudit">): CommandResult {
  const { through, newest } = command;
  const { audit_first, audit_next, audit_kept_from = 0 } = tx.counters;
  if (through < audit_kept_from) return { kind: "Ok" };
  if (through >= audit_next || through - audit_first >= MAX_PURGED_RECORDS) {
    reject("PRECONDITION", `audit records up to op-${through} cannot be removed at once`);
  }
  for (const { vcluster_id, at } of newest) {
    if (keptUntilMs(tx, vcluster_id, at) <= tx.nowMs) continue;
    reject("PRECONDITION", `an audit record of ${vcluster_id} of ${at} is within its retention`);
  }
  for (let number = audit_first; number <= through; number++) {
    tx.delete("audit", numberKey(number));
  }
  const counters = tx.count();
  counters.audit_first = Math.max(audit_first, through + 1);
  counters.audit_kept_from = through + 1;
  recordOperation(tx, {
    type: "RecordOperation",
    operation: {
      actor: tx.actor,
      operation_type: "AuditPurge",
      scope: "Global",
      outcome: "Success",
      detail: `audit records up to op-${through} are past retention and were removed`,
      source: "journal",
      metadata: Object.fromEntries(newest.map(({ vcluster_id, at }) => [vcluster_id, at])),
    },
  });
  return { kind: "Ok" };
}
