import type { Scope } from "../../../common/model/mod.ts";
import type { AuditRecord } from "../../../journal/state/mod.ts";
import { ANN } from "./identities.ts";

/** Scopes of every kind, some of them more than one. */
export const SCOPES: readonly Scope[] = [
  "Global",
  { VCluster: "ml" },
  { VCluster: "sim" },
  { Node: "n1" },
  { Node: "n2" },
];

/** An audit record with its number in id and time. */
export function auditRecord(number: number, operation_type = "exec"): AuditRecord {
  return {
    id: `op-${number}`,
    timestamp: new Date(Date.UTC(2026, 0, 1) + number).toISOString(),
    operation_type,
    actor: ANN,
    scope: "Global",
    outcome: "Success",
    detail: "",
    source: "cli",
    metadata: {},
  };
}
