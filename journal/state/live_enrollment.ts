import type { Enrollment } from "./documents.ts";
import { reject, type Transaction } from "./transaction.ts";

/** The record of a node that may still act; rejects unknown and revoked ones (JRN-22). */
export function liveEnrollment(tx: Transaction, nodeId: string): Enrollment {
  const record = tx.get("enrollments", nodeId);
  if (record === undefined) reject("NODE_NOT_ENROLLED", `NODE_NOT_ENROLLED: ${nodeId}`);
  if (record.state === "Revoked") reject("NODE_REVOKED", `NODE_REVOKED: ${nodeId}`);
  return record;
}
