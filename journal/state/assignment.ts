import type { CommandOf } from "./commands.ts";
import type { CommandResult } from "./documents.ts";
import { liveEnrollment } from "./live_enrollment.ts";
import { reject, type Transaction } from "./transaction.ts";

/** Sets the map alone, as old logs did. */
export function assignNode(
  tx: Transaction,
  { node_id, vcluster_id }: CommandOf<"AssignNode">,
): CommandResult {
  tx.put("node_assignments", node_id, { vcluster_id });
  return { kind: "Ok" };
}

/** Puts a node into a vCluster, out of maintenance or out of another one. */
export function assignToVCluster(
  tx: Transaction,
  { node_id, vcluster_id, if_unassigned }: CommandOf<"AssignNodeToVCluster">,
): CommandResult {
  const { vcluster_id: current } = liveEnrollment(tx, node_id);
  if (if_unassigned === true && current !== undefined && current !== vcluster_id) {
    reject("PRECONDITION", `node ${node_id} is in ${current} already`);
  }
  return { kind: "Ok", sequence: assignRecorded(tx, node_id, vcluster_id) };
}

/** Moves a node from one vCluster to another; its certificate stays (CRT-7). */
export function moveNode(
  tx: Transaction,
  { node_id, from_vcluster_id, to_vcluster_id }: CommandOf<"MoveNodeVCluster">,
): CommandResult {
  const { vcluster_id } = liveEnrollment(tx, node_id);
  if (from_vcluster_id !== undefined && vcluster_id !== from_vcluster_id) {
    reject(
      "PRECONDITION",
      `node ${node_id} is in ${vcluster_id ?? "no vCluster"}, not in ${from_vcluster_id}`,
    );
  }
  return { kind: "Ok", sequence: assignRecorded(tx, node_id, to_vcluster_id) };
}

/** Takes a node out of its vCluster; without one nothing happens. */
export function unassignNode(
  tx: Transaction,
  { node_id }: CommandOf<"UnassignNode">,
): CommandResult {
  const { vcluster_id: former, ...kept } = liveEnrollment(tx, node_id);
  if (former === undefined) return { kind: "Ok" };
  // The entry comes first, so that it still counts as one of the vCluster it leaves.
  const entry = tx.record({
    entry_type: "NodeUnassigned",
    scope: { Node: node_id },
    message: `from ${former}`,
  });
  tx.put("enrollments", node_id, kept);
  tx.delete("node_assignments", node_id);
  return { kind: "Ok", sequence: entry.sequence };
}

/** Sets a node's vCluster in record and map and tells of it. */
export function assignRecorded(tx: Transaction, nodeId: string, vclusterId: string): number {
  const record = liveEnrollment(tx, nodeId);
  const former = record.vcluster_id;
  tx.put("enrollments", nodeId, { ...record, vcluster_id: vclusterId });
  tx.put("node_assignments", nodeId, { vcluster_id: vclusterId });
  const entry = tx.record({
    entry_type: "NodeAssigned",
    scope: { Node: nodeId },
    message: former === undefined ? `to ${vclusterId}` : `from ${former} to ${vclusterId}`,
  });
  return entry.sequence;
}
