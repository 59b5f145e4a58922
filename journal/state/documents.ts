import { z } from "zod";
import { LOCK_KINDS } from "../../common/authz/mod.ts";
import { isErrorCode } from "../../common/errors/mod.ts";
import { CheckpointSchema } from "../../common/chain/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import {
  CounterSchema,
  DELTA_CATEGORIES,
  DRIFT_CATEGORIES,
  IdentitySchema,
  InstantSchema,
  NodeIdSchema,
  PolicySchema,
  ScopeSchema,
  Sha256Schema,
  StateDeltaSchema,
  VClusterIdSchema,
} from "../../common/model/mod.ts";

/** Where a node stands with its configuration (JRN-26). */
export const ConfigStateSchema = z.enum([
  "ObserveOnly",
  "Committed",
  "Drifted",
  "Converging",
  "Emergency",
]);

/** State of an enrollment record (journal.md 9.1). */
export const EnrollmentStateSchema = z.enum(["Registered", "Active", "Inactive", "Revoked"]);

/** Drift per category and in total; absent categories are 0 (VCP-1). */
export const DriftMagnitudeSchema = z.record(z.string().max(32), z.number().nonnegative());

/** Any JSON value; members may be undefined, which JSON leaves out. */
const ValueSchema = z.custom<JsonValue>((value) => z.json().safeParse(value).success, {
  message: "not a JSON value",
});

/** A document another part defines; the state keeps it as it came. */
const OpaqueSchema = z.record(z.string(), ValueSchema);

/** What a node's agent last reported, and the state derived from entries (JRN-26). */
export const NodeStateSchema = z.object({
  state: ConfigStateSchema,
  updated_at: InstantSchema,
  drift: DriftMagnitudeSchema.optional(),
  drift_items: StateDeltaSchema.optional(),
  supervisor: OpaqueSchema.optional(),
  window_deadline: InstantSchema.optional(),
  overlay_version: CounterSchema.optional(),
  applied_sequence: CounterSchema.optional(),
  memory_total: CounterSchema.optional(),
  memory_available: CounterSchema.optional(),
  gpus_total: CounterSchema.optional(),
  gpus_healthy: CounterSchema.optional(),
  gpus_degraded: CounterSchema.optional(),
  emergency_session: z.string().max(128).optional(),
  /** What the node cannot do, each with the reason (CTX-5); a failed boot among it. */
  unavailable: z.array(z.string().max(512)).max(100).optional(),
});

/** Identifiers of a machine as its agent presents them (ENR-10). */
export const HardwareIdentitySchema = z.object({
  mac_address: z.string().max(64).default(""),
  bmc_serial: z.string().max(128).optional(),
  extra: z.record(z.string().max(64), z.string().max(512)).default({}),
});

/** The enrollment record of a node (journal.md 9.1). */
export const EnrollmentSchema = z.object({
  node_id: NodeIdSchema,
  domain_id: z.string().min(1).max(253),
  state: EnrollmentStateSchema,
  hardware_identity: HardwareIdentitySchema,
  hardware_keys: z.array(z.string().min(1).max(512)).max(64),
  vcluster_id: VClusterIdSchema.optional(),
  cert_serial: z.string().max(128).optional(),
  cert_expires_at: InstantSchema.optional(),
  /** By which the node is let in under an SVID; it has shown the registered hardware with it. */
  spiffe_id: z.string().min(1).max(2048).optional(),
  last_seen: InstantSchema.optional(),
  enrolled_at: InstantSchema,
  enrolled_by: z.string().max(1024),
  active_sessions: z.number().int().nonnegative(),
});

/** The newest overlay of a vCluster; `data` is the canonical JSON text (OVL-2, OVL-4). */
export const OverlaySchema = z.object({
  vcluster_id: VClusterIdSchema,
  version: CounterSchema,
  data: z.string(),
  checksum: z.string().regex(/^[0-9a-f]{64}$/),
  built_from_sequence: CounterSchema,
  built_at: InstantSchema,
});

/** An emergency session, open while `ended_at` is absent (EMG-1). */
export const EmergencySchema = z.object({
  id: z.string().max(128),
  scope: ScopeSchema,
  principal: z.string(),
  reason: z.string(),
  started_at: InstantSchema,
  expires_at: InstantSchema,
  ended_at: InstantSchema.optional(),
  ended_by: z.string().optional(),
  forced: z.boolean().optional(),
  /** Since when it is held to be stale: no jobs should be scheduled there (EMG-4). */
  stale_since: InstantSchema.optional(),
  /** Opened on the node alone, which told of it afterwards (EMM-8). */
  opened_on_node: z.boolean().optional(),
});

/** What one administrator's operation did (AUD-1). */
export const AuditRecordSchema = z.object({
  id: z.string().max(128),
  timestamp: InstantSchema,
  actor: IdentitySchema,
  operation_type: z.string().min(1).max(64),
  scope: ScopeSchema,
  outcome: z.enum(["Success", "Failure", "Denied"]),
  detail: z.string().max(65_536),
  source: z.string().max(256),
  metadata: z.record(z.string().max(128), z.string().max(65_536)),
});

/** A value declared for one key of one scope; `absent` marks a node's declared absence. */
export const DeclaredSchema = z.object({
  sequence: CounterSchema,
  category: z.enum(DELTA_CATEGORIES),
  key: z.string(),
  value: ValueSchema.optional(),
  absent: z.boolean().optional(),
});

/** A two-person approval (policy.md 6.2). */
export const ApprovalSchema = z.object({
  approval_id: z.string().regex(/^ap-[0-9a-f]{8}$/, "an approval id is ap- and 8 hex digits"),
  /** What waits, as canonical JSON: see held_request.ts. */
  original_request: z.string().max(1_048_576),
  summary: z.string().max(4096),
  action: z.string().max(64),
  scope: ScopeSchema,
  vcluster: VClusterIdSchema,
  requester: IdentitySchema,
  /** The subject of the requester's token, which names may hide (PAuth5). */
  requester_subject: z.string().max(4096).optional(),
  approver: IdentitySchema.optional(),
  status: z.enum(["Pending", "Approved", "Rejected", "Expired"]),
  reason: z.string().max(4096).optional(),
  created_at: InstantSchema,
  expires_at: InstantSchema,
  decided_at: InstantSchema.optional(),
  executed_sequence: CounterSchema.optional(),
  /** Why the approved request was not carried out (APR-11). */
  execution_error: z.string().max(4096).optional(),
  /** Of an approved action on a node: until when it may be done, and when it was (APR-12). */
  permit: z.object({ expires_at: InstantSchema, used_at: InstantSchema.optional() }).optional(),
});

/**
 * A key that a node changed while the journal, out of its reach, changed it too (journal.md 11.2).
 * A value that is `null` stands for a key that is absent.
 */
export const ConflictSchema = z.object({
  id: z.string().max(128),
  node_id: NodeIdSchema,
  category: z.enum(DRIFT_CATEGORIES),
  key: z.string().min(1).max(4096),
  local: ValueSchema,
  journal: ValueSchema,
  /** Who reported the local value. */
  reported_by: z.string().max(1024),
  state: z.enum(["Open", "ResolvedLocal", "ResolvedJournal", "Overwritten"]),
  detected_at: InstantSchema,
  /** From when on the journal's value wins by itself (CON-2). */
  deadline: InstantSchema,
  closed_at: InstantSchema.optional(),
  closed_by: z.string().max(1024).optional(),
});

/** A POSIX identity, the same on every node (journal.md section 12). */
export const PosixIdentitySchema = z.object({
  org: z.string().min(1).max(253),
  /** What the identity provider calls the person; the key of the map. */
  subject: z.string().min(1).max(1024),
  username: z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/),
  uid: z.number().int().min(1000).max(2 ** 31 - 1),
  gid: z.number().int().min(1000).max(2 ** 31 - 1),
  home: z.string().max(4096),
  shell: z.string().max(4096),
});

/** What a person should hear of who may not be there now (SUB-10, CR5). */
export const NoticeSchema = z.object({
  at: InstantSchema,
  kind: z.literal("overwrite"),
  /** Whose change it was; without, everybody who may see the node. */
  principal: z.string().max(1024).optional(),
  node_id: NodeIdSchema,
  keys: z.array(z.string()).max(10_000),
  text: z.string().max(4096),
  by: z.string().max(1024),
});

/** Who or what is kept out, by whom and why. */
export const LockSchema = z.object({
  kind: z.enum(LOCK_KINDS),
  /** A user in lower case. */
  name: z.string().min(1).max(1024),
  reason: z.string().min(1).max(256),
  locked_by: IdentitySchema,
  locked_at: InstantSchema,
  expires_at: InstantSchema.optional(),
});

/** A member's id in the Raft group (CFG: journal.node_id). */
const MemberIdSchema = z.number().int().min(1).max(2 ** 32 - 1);

/** Who votes and who listens, as the last applied membership entry of the log says (JRN-54). */
export const QuorumMembershipSchema = z.strictObject({
  voters: z.array(MemberIdSchema),
  voters_outgoing: z.array(MemberIdSchema),
  learners: z.array(MemberIdSchema),
  learners_next: z.array(MemberIdSchema),
  auto_leave: z.boolean(),
});

/** Which cluster this is; given once, by its first member. */
export const ClusterIdentitySchema = z.strictObject({
  cluster_id: z.string().min(1).max(64),
  created_at: InstantSchema,
});

/** Where the other members and the clients find a member, as `host:port`. */
export const MemberAddressesSchema = z.object({
  raft_address: z.string().min(1).max(300),
  api_address: z.string().min(1).max(300),
  /** The data directory that the member takes part with, once it is known: with no other. */
  directory_id: z.string().min(1).max(64).optional(),
});

/** What a command did, as a repeated request id gets it again (JRN-57). */
export const CommandResultSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("EntryAppended"), sequence: CounterSchema }),
  z.object({
    kind: z.literal("Ok"),
    /** The last entry this command wrote, if it wrote any. */
    sequence: CounterSchema.optional(),
    /** Sequences of all entries it wrote, for commands that write several. */
    sequences: z.array(CounterSchema).optional(),
    /** Id of the record it made: an audit record, an approval. */
    id: z.string().optional(),
    version: CounterSchema.optional(),
  }),
  z.object({
    kind: z.literal("EnrollmentResult"),
    node_id: NodeIdSchema,
    state: EnrollmentStateSchema,
    vcluster_id: VClusterIdSchema.optional(),
    previous_state: EnrollmentStateSchema.optional(),
    revoked_serial: z.string().optional(),
    sessions_terminated: z.number().int().nonnegative().optional(),
    sequence: CounterSchema.optional(),
  }),
  z.object({ kind: z.literal("UidAssigned"), identity: PosixIdentitySchema }),
]);

/** What a request came to: its result or why it was refused; both are final (JRN-57). */
export const RequestOutcomeSchema = z.union([
  CommandResultSchema,
  z.object({
    kind: z.literal("Rejected"),
    rejection: z.object({
      code: z.string().refine(isErrorCode, "unknown error code"),
      message: z.string(),
    }),
  }),
]);

/**
 * The collections of the replicated state (journal.md 2.3) with the schema of their documents. Keys
 * are texts; a key made of parts joins them with a line feed, which no part may contain.
 */
export const COLLECTIONS = {
  /** The one document `counters`: sequences and bounds of this state. */
  settings: z.object({
    next_sequence: CounterSchema,
    audit_first: CounterSchema,
    audit_next: CounterSchema,
    /** The oldest audit record that a member's archive may still hold (AUD-4). */
    audit_kept_from: CounterSchema.optional(),
    request_first: CounterSchema,
    request_next: CounterSchema,
    /** Hash of the newest entry; of none, 64 zeros. */
    head_hash: Sha256Schema,
  }),
  /** vCluster id: its policy; at most one each (J6). */
  policies: PolicySchema,
  /** vCluster id: its newest overlay. */
  overlays: OverlaySchema,
  /** node id: derived and reported state. */
  node_states: NodeStateSchema,
  /** node id: its vCluster. */
  node_assignments: z.object({ vcluster_id: VClusterIdSchema }),
  /** node id: enrollment record. */
  enrollments: EnrollmentSchema,
  /** hardware key: the node that registered it. */
  hw_index: z.object({ node_id: NodeIdSchema }),
  /** certificate serial: when and whose. */
  revoked_serials: z.object({
    node_id: NodeIdSchema,
    revoked_at: InstantSchema,
    not_after: InstantSchema,
    /** From when it is refused; absent: from the beginning. */
    effective_from: InstantSchema.optional(),
  }),
  /** vCluster id: ordered unique globs. */
  blacklists: z.object({ patterns: z.array(z.string().min(1).max(512)).max(1000) }),
  /** session id: emergency session, open or closed. */
  emergencies: EmergencySchema,
  /** scope text: session id of the open emergency there. */
  open_emergencies: z.object({ session_id: z.string() }),
  /** node id: last capability report. */
  capabilities: z.object({ reported_at: InstantSchema, report: OpaqueSchema }),
  /** journal node id: its issuing CA certificate. */
  ca_bundle: z.object({
    certificate_pem: z.string().max(65_536),
    not_after: InstantSchema,
    remove_after: InstantSchema.optional(),
  }),
  /** principal and request id: the first result (JRN-57). */
  request_ids: z.object({
    order: CounterSchema,
    /** Type of the command. */
    type: z.string().max(64),
    result: RequestOutcomeSchema,
  }),
  /** zero-padded order: the request remembered then, oldest first. */
  request_order: z.object({ request_key: z.string(), at: InstantSchema }),
  /** scope text, category, key: what is declared now. */
  declared: DeclaredSchema,
  /** scope text: newest sequences there (JRN-25, OVL-7). */
  scope_heads: z.object({
    newest: CounterSchema,
    state_changing: CounterSchema.optional(),
    overlay_affecting: CounterSchema.optional(),
  }),
  /** zero-padded sequence: a node delta that expires (JRN-31). */
  ttls: z.object({ sequence: CounterSchema, node_id: NodeIdSchema, expires_at: InstantSchema }),
  /** zero-padded number: audit record, newest 100000 (AUD-3). */
  audit: AuditRecordSchema,
  /** approval id: approval. */
  approvals: ApprovalSchema,
  /** conflict id: a conflict, open or closed. */
  conflicts: ConflictSchema,
  /** node id, category, key: id of the open conflict there. */
  open_conflicts: z.object({ conflict_id: z.string() }),
  /** zero-padded sequence of the entry it is about, recipient: a notice. */
  notices: NoticeSchema,
  /** kind and name with a colon between: the lock. */
  locks: LockSchema,
  /** zero-padded sequence: the signature over the log up to that entry. */
  checkpoints: CheckpointSchema,
  /** fingerprint: the certificate of a signer of checkpoints, kept when its CA is long gone. */
  checkpoint_signers: z.object({ certificate_pem: z.string().max(65_536) }),
  /** organisation: which range of ids is its own, and how many of it are given out (UID-1, UID-2). */
  orgs: z.object({ index: CounterSchema, assigned: CounterSchema }),
  /** organisation, subject: POSIX identity. */
  uid_map: PosixIdentitySchema,
  /** The one document `current`: goes up with every change of the map (IDM-5). */
  uid_map_version: z.object({ version: CounterSchema }),
  /** `membership`: who votes. `cluster`: which cluster it is. Read by the functions of quorum.ts. */
  quorum: z.union([QuorumMembershipSchema, ClusterIdentitySchema]),
  /** decimal member id: where the member is. */
  members: MemberAddressesSchema,
} as const;

/** Name of a collection. */
export type CollectionName = keyof typeof COLLECTIONS;

/** Every collection, in the order of the canonical export. */
export const COLLECTION_NAMES: readonly CollectionName[] = Object.keys(COLLECTIONS)
  .sort()
  .filter(isCollectionName);

/** The document type of collection `C`. */
export type Doc<C extends CollectionName> = z.infer<(typeof COLLECTIONS)[C]>;

/** Where a node stands with its configuration. */
export type ConfigState = z.infer<typeof ConfigStateSchema>;
/** State of an enrollment record. */
export type EnrollmentState = z.infer<typeof EnrollmentStateSchema>;
/** The enrollment record of a node. */
export type Enrollment = z.infer<typeof EnrollmentSchema>;
/** What is known of a node's state. */
export type NodeState = z.infer<typeof NodeStateSchema>;
/** The newest overlay of a vCluster. */
export type Overlay = z.infer<typeof OverlaySchema>;
/** An audit record. */
export type AuditRecord = z.infer<typeof AuditRecordSchema>;
/** An emergency session. */
export type Emergency = z.infer<typeof EmergencySchema>;
/** A two-person approval. */
export type Approval = z.infer<typeof ApprovalSchema>;
/** Who votes and who listens. */
export type QuorumMembership = z.infer<typeof QuorumMembershipSchema>;
/** Which cluster this is. */
export type ClusterIdentity = z.infer<typeof ClusterIdentitySchema>;
/** Where a member is. */
export type MemberAddresses = z.infer<typeof MemberAddressesSchema>;
/** A key that node and journal changed apart from each other. */
export type Conflict = z.infer<typeof ConflictSchema>;
/** A POSIX identity. */
export type PosixIdentity = z.infer<typeof PosixIdentitySchema>;
/** Who or what is kept out. */
export type LockDocument = z.infer<typeof LockSchema>;
/** What a person should hear of. */
export type Notice = z.infer<typeof NoticeSchema>;
/** What a command did. */
export type CommandResult = z.infer<typeof CommandResultSchema>;

/** What a request came to, as it is remembered. */
export type RequestOutcome = z.infer<typeof RequestOutcomeSchema>;

/** The single key of the `settings` collection. */
export const COUNTERS_KEY = "counters";

/** Joins the parts of a composite key. */
export function compositeKey(first: string, ...others: readonly string[]): string {
  let key = first;
  for (const part of others) key += `\n${part}`;
  return key;
}

const KEY_DIGITS = 16;

/** By the number of digits a number has: the zeros before it. */
const ZEROS = Array.from({ length: KEY_DIGITS }, (_, digits) => "0".repeat(KEY_DIGITS - digits));

/** A number as a key that sorts like the number. */
export function numberKey(value: number): string {
  const digits = String(value);
  return `${ZEROS[digits.length] ?? ""}${digits}`;
}

/** Whether `name` is a collection of this schema version. */
export function isCollectionName(name: string): name is CollectionName {
  return Object.hasOwn(COLLECTIONS, name);
}
