/**
 * Derived node states (JRN-26).
 *
 * | event at node scope                     | new state                                |
 * |-----------------------------------------|------------------------------------------|
 * | node registered                         | ObserveOnly                              |
 * | DriftDetected, policy observe           | ObserveOnly                              |
 * | DriftDetected otherwise                 | Drifted                                  |
 * | Commit, Rollback, AutoConverge          | Converging                               |
 * | EmergencyStart                          | Emergency                                |
 * | EmergencyEnd                            | Committed                                |
 * | agent's report (UpdateNodeState)        | as reported; Emergency neither way       |
 *
 * Emergency is left by EmergencyEnd alone. A session of the vCluster is not written into every
 * member: {@link nodeStateOf} sees it.
 *
 * @module
 */
import { defaultPolicy, type Entry, scopeText } from "../../common/model/mod.ts";
import type { CommandOf } from "./commands.ts";
import type { CommandResult, ConfigState, NodeState } from "./documents.ts";
import { reject, type Transaction } from "./transaction.ts";
import type { DocumentsView } from "./view.ts";

/** The open emergency that covers a node: its own, else its vCluster's. */
export function emergencyOf(view: DocumentsView, nodeId: string): string | undefined {
  const own = view.get("open_emergencies", scopeText({ Node: nodeId }));
  if (own !== undefined) return own.session_id;
  const vcluster = view.get("node_assignments", nodeId)?.vcluster_id;
  if (vcluster === undefined) return undefined;
  return view.get("open_emergencies", scopeText({ VCluster: vcluster }))?.session_id;
}

/**
 * What is known of a node: its stored state, ObserveOnly when there is none yet, Emergency while a
 * session covers it. Undefined for a node nobody registered or assigned (JRN-28).
 */
export function nodeStateOf(view: DocumentsView, nodeId: string): NodeState | undefined {
  const stored = view.get("node_states", nodeId);
  const enrollment = view.get("enrollments", nodeId);
  const known = stored ?? enrollment ?? view.get("node_assignments", nodeId);
  if (known === undefined) return undefined;
  const state = stored ?? {
    state: "ObserveOnly",
    updated_at: enrollment?.enrolled_at ?? "1970-01-01T00:00:00.000Z",
  };
  const session = emergencyOf(view, nodeId);
  return session === undefined
    ? state
    : { ...state, state: "Emergency", emergency_session: session };
}

/** Takes over what an agent reports of its node. */
export function updateNodeState(
  tx: Transaction,
  { node_id, report, active_sessions }: CommandOf<"UpdateNodeState">,
): CommandResult {
  if (nodeStateOf(tx, node_id) === undefined) reject("NOT_FOUND", "node ID not found");
  const before = tx.get("node_states", node_id);
  const inEmergency = before?.state === "Emergency";
  const reported = report.state === "Emergency" ? before?.state ?? "ObserveOnly" : report.state;
  tx.put("node_states", node_id, {
    ...report,
    state: inEmergency ? "Emergency" : reported,
    updated_at: tx.timestamp,
    ...(inEmergency ? { emergency_session: before.emergency_session } : {}),
  });
  noteSessions(tx, node_id, active_sessions);
  return { kind: "Ok" };
}

/** What runs on a node stands in the way of decommissioning it (ENR-40, ENR-42). */
function noteSessions(tx: Transaction, nodeId: string, sessions: number | undefined): void {
  const record = tx.get("enrollments", nodeId);
  if (sessions === undefined || record?.state !== "Active") return;
  if (record.active_sessions === sessions) return;
  tx.put("enrollments", nodeId, { ...record, active_sessions: sessions });
}

/** Moves the state of the entry's node on, as the table above says. */
export function followEntry(tx: Transaction, entry: Entry): void {
  if (entry.scope === "Global" || !("Node" in entry.scope)) return;
  const nodeId = entry.scope.Node;
  const next = stateAfter(tx, entry, nodeId);
  if (next === undefined) return;
  const before = tx.get("node_states", nodeId);
  const leaves = entry.entry_type === "EmergencyEnd";
  if (before?.state === "Emergency" && !leaves) return;
  const { emergency_session: _ended, ...kept } = before ?? {};
  tx.put("node_states", nodeId, {
    ...kept,
    state: next,
    updated_at: tx.timestamp,
    ...(entry.entry_type === "DriftDetected" ? { drift_items: entry.state_delta } : {}),
    ...(next === "Emergency" ? { emergency_session: emergencyOf(tx, nodeId) } : {}),
  });
}

function stateAfter(tx: Transaction, entry: Entry, nodeId: string): ConfigState | undefined {
  switch (entry.entry_type) {
    case "NodeEnrolled":
      return "ObserveOnly";
    case "DriftDetected":
      return enforcementOf(tx, nodeId) === "observe" ? "ObserveOnly" : "Drifted";
    case "Commit":
    case "Rollback":
    case "AutoConverge":
      return "Converging";
    case "EmergencyStart":
      return "Emergency";
    case "EmergencyEnd":
      return "Committed";
    default:
      return undefined;
  }
}

function enforcementOf(tx: Transaction, nodeId: string): string {
  const vcluster = tx.get("node_assignments", nodeId)?.vcluster_id ?? "_domain";
  return (tx.get("policies", vcluster) ?? defaultPolicy(vcluster)).enforcement_mode;
}
