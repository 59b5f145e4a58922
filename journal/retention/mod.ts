/** The leader's duty to let audit records go when nobody has to keep them any longer (AUD-4). */
export { AuditRetention, type AuditRetentionOptions } from "./audit_retention.ts";
