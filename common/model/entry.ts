import * as z from "zod";
import { type JsonValue, withoutNulls } from "../json/mod.ts";
import { StateDeltaSchema } from "./delta.ts";
import { CounterSchema, InstantSchema } from "./identifiers.ts";
import { IdentitySchema } from "./identity.ts";
import { ScopeSchema } from "./scope.ts";

/** Entry type names at the index of their wire number; 0 is unspecified (journal.md 2.2, API-20). */
export const ENTRY_TYPES = [
  "Unspecified",
  "Commit",
  "Rollback",
  "AutoConverge",
  "DriftDetected",
  "CapabilityChange",
  "PolicyUpdate",
  "BootConfig",
  "EmergencyStart",
  "EmergencyEnd",
  "ExecLog",
  "ShellSession",
  "ServiceLifecycle",
  "PendingApproval",
  "NodeEnrolled",
  "NodeActivated",
  "NodeDeactivated",
  "NodeDecommissioned",
  "NodeAssigned",
  "NodeUnassigned",
  "CertSigned",
  "CertRevoked",
  "MergeConflict",
  "BlacklistUpdate",
  "LockSet",
  "LockReleased",
] as const;

/** Type of a log entry, as documents spell it. */
export type EntryType = Exclude<(typeof ENTRY_TYPES)[number], "Unspecified">;

const EntryTypeSchema = z.enum(ENTRY_TYPES).exclude(["Unspecified"]);

/** Types a client may append; the others are side effects of journal commands (JRN-14). */
const CLIENT_WRITABLE: ReadonlySet<EntryType> = new Set<EntryType>([
  "Commit",
  "Rollback",
  "AutoConverge",
  "DriftDetected",
  "CapabilityChange",
  "EmergencyStart",
  "EmergencyEnd",
  "ExecLog",
  "ShellSession",
  "ServiceLifecycle",
]);

/** Whether a client may append entries of `type` (JRN-14). */
export function isClientWritable(type: EntryType): boolean {
  return CLIENT_WRITABLE.has(type);
}

/** Limits of the TTL of a node delta, in seconds (ND1, ND2). */
export const TTL_MIN_SECONDS = 900;
export const TTL_MAX_SECONDS = 864_000;

const fields = {
  timestamp: InstantSchema,
  entry_type: EntryTypeSchema,
  scope: ScopeSchema,
  author: IdentitySchema,
  parent: CounterSchema.optional(),
  state_delta: StateDeltaSchema.optional(),
  policy_ref: z.string().max(4096).optional(),
  ttl_seconds: z.number().int().nonnegative().optional(),
  emergency_reason: z.string().max(1024).optional(),
  message: z.string().max(4096).optional(),
  via: z.string().max(1024).optional(),
  request_id: z.string().max(128).optional(),
  received_at: InstantSchema.optional(),
} as const;

/** An entry before the log gave it its sequence number. */
export const EntryDraftSchema = z.object(fields);

/** A SHA-256 in lower-case hex. */
export const Sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * A configuration log entry in document form (JRN-13). The journal gives every entry its hashes, see
 * common/chain; they are absent in what a journal without the chain answers.
 */
export const EntrySchema = z.object({
  sequence: CounterSchema,
  ...fields,
  previous_hash: Sha256Schema.optional(),
  hash: Sha256Schema.optional(),
});

/** An entry before apply assigned its sequence. */
export type EntryDraft = z.infer<typeof EntryDraftSchema>;

/** A log entry. */
export type Entry = z.infer<typeof EntrySchema>;

/** Reads an entry from parsed JSON; null members count as absent, unknown keys are ignored (JRN-13). */
export function parseEntry(json: JsonValue): Entry {
  return EntrySchema.parse(withoutNulls(json));
}
