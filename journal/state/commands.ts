import { z } from "zod";
import { CheckpointSchema } from "../../common/chain/mod.ts";
import {
  CounterSchema,
  DELTA_CATEGORIES,
  EntryDraftSchema,
  IdentitySchema,
  InstantSchema,
  MAX_DELTA_ITEMS,
  NodeIdSchema,
  PolicySettingsSchema,
  ScopeSchema,
  VClusterIdSchema,
} from "../../common/model/mod.ts";
import {
  ApprovalSchema,
  AuditRecordSchema,
  HardwareIdentitySchema,
  LockSchema,
  NodeStateSchema,
  OverlaySchema,
  PosixIdentitySchema,
} from "./documents.ts";
import { NodeActionSchema } from "./node_action.ts";

const HardwareKeysSchema = z.array(z.string().min(1).max(512)).min(1).max(64);

/** Without a timestamp the command's own is used (JRN-23); replays carry theirs (JRN-24). */
const AppendedEntrySchema = z.object({
  ...EntryDraftSchema.shape,
  timestamp: InstantSchema.optional(),
});

/**
 * A change that leaves services that cannot start is refused (SVC-1). What was written to the log
 * before there was this check is without it, and replays to what it was.
 */
const CheckServicesSchema = z.boolean().optional();

const OrgSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/);

const COMMANDS = [
  /** Appends an entry; the only command clients reach with a payload of their own. */
  z.object({
    type: z.literal("AppendEntry"),
    entry: AppendedEntrySchema,
    expected_head: CounterSchema.optional(),
    /** The opener's Commit or Rollback also ends the emergency of its scope (EMG-3). */
    end_emergency: z.boolean().optional(),
    /** For EmergencyEnd by someone else than the opener. */
    force: z.boolean().optional(),
    check_services: CheckServicesSchema,
    /** The approval whose permit an agent's entry uses up, and what it permits (APR-12). */
    permit: z.object({
      approval_id: ApprovalSchema.shape.approval_id,
      action: z.string().max(64),
      subject: z.string().max(4096).optional(),
    }).optional(),
  }),
  /** Appends a vCluster's Commit and takes the deltas it supersedes off their nodes (CON-4). */
  z.object({
    type: z.literal("Promote"),
    entry: AppendedEntrySchema,
    check_services: CheckServicesSchema,
    withdraw: z.array(z.object({
      node_id: NodeIdSchema,
      message: z.string().max(4096),
      /** Each key with the entry it was declared by: what was declared again since stays. */
      deltas: z.array(z.object({
        category: z.enum(DELTA_CATEGORIES),
        key: z.string().min(1).max(4096),
        sequence: CounterSchema,
      })).max(MAX_DELTA_ITEMS),
    })).max(10_000),
  }),
  /** What a node's agent reports of itself. */
  z.object({
    type: z.literal("UpdateNodeState"),
    node_id: NodeIdSchema,
    report: NodeStateSchema.omit({ updated_at: true, emergency_session: true }),
    /** Commands and shells that run there now (ENR-42). */
    active_sessions: z.number().int().nonnegative().max(2 ** 32 - 1).optional(),
  }),
  z.object({
    type: z.literal("SetPolicy"),
    vcluster_id: VClusterIdSchema,
    settings: PolicySettingsSchema,
    message: z.string().max(4096).optional(),
    policy_ref: z.string().max(4096).optional(),
  }),
  z.object({
    type: z.literal("SetOverlay"),
    overlay: OverlaySchema.omit({ built_at: true }).extend({ checksum: z.string().max(128) }),
  }),
  /** `id` and `timestamp` are assigned at apply; `timestamp` may be given by an agent's replay. */
  z.object({
    type: z.literal("RecordOperation"),
    operation: AuditRecordSchema.omit({ id: true, timestamp: true }).extend({
      timestamp: InstantSchema.optional(),
    }),
  }),
  /** Sets `node_assignments` alone; kept so that old logs replay. */
  z.object({
    type: z.literal("AssignNode"),
    node_id: NodeIdSchema,
    vcluster_id: VClusterIdSchema,
  }),
  z.object({
    type: z.literal("RegisterNode"),
    node_id: NodeIdSchema,
    domain_id: z.string().min(1).max(253),
    hardware_identity: HardwareIdentitySchema,
    /** Canonical identifiers (ENR-10), each owned by one record at most (ENR-12). */
    hardware_keys: HardwareKeysSchema,
    vcluster_id: VClusterIdSchema.optional(),
  }),
  z.object({
    type: z.literal("ActivateNode"),
    node_id: NodeIdSchema,
    /** An Active node is activated again only if it was last seen before this (journal.md 9.1). */
    gone_since: InstantSchema.optional(),
    /** Nor is the lock one for whom it was found gone, as long as nobody has seen it since this. */
    found_gone_at: InstantSchema.optional(),
    cert_serial: z.string().min(1).max(128).optional(),
    cert_expires_at: InstantSchema.optional(),
    /** The SPIFFE ID that the node has proven: its trust domain says who holds it (CRT-3). */
    spiffe_id: z.string().min(1).max(2048).optional(),
  }),
  z.object({
    type: z.literal("DeactivateNode"),
    node_id: NodeIdSchema,
    /** Skipped when the node was seen at or after this instant (HB-3). */
    unseen_since: InstantSchema.optional(),
    /** Registered only undoes an activation whose certificate could not be signed (ENR-22). */
    to: z.enum(["Inactive", "Registered"]).default("Inactive"),
    reason: z.string().max(1024).optional(),
  }),
  z.object({
    type: z.literal("RevokeNode"),
    node_id: NodeIdSchema,
    force: z.boolean().default(false),
    reason: z.string().max(1024).optional(),
  }),
  z.object({
    type: z.literal("AssignNodeToVCluster"),
    node_id: NodeIdSchema,
    vcluster_id: VClusterIdSchema,
    /** Refused when the node is in another vCluster by now: taking it from there is a move. */
    if_unassigned: z.boolean().optional(),
  }),
  z.object({ type: z.literal("UnassignNode"), node_id: NodeIdSchema }),
  z.object({
    type: z.literal("MoveNodeVCluster"),
    node_id: NodeIdSchema,
    /** Refused when the node is elsewhere by now. */
    from_vcluster_id: VClusterIdSchema.optional(),
    to_vcluster_id: VClusterIdSchema,
  }),
  z.object({
    type: z.literal("UpdateNodeLastSeen"),
    nodes: z.array(z.object({ node_id: NodeIdSchema, last_seen: InstantSchema })).max(20_000),
  }),
  z.object({
    type: z.literal("UpdateNodeCert"),
    node_id: NodeIdSchema,
    cert_serial: z.string().min(1).max(128),
    cert_expires_at: InstantSchema,
    /** Refused when the record holds another serial: two renewals cannot both win. */
    expected_serial: z.string().max(128).optional(),
    /** Puts the replaced serial on the revocation registry (ENR-2). */
    revoke_previous: z.boolean().default(false),
    /** From when that serial is refused; absent: at once. */
    revoked_from: InstantSchema.optional(),
  }),
  z.object({
    type: z.literal("SetBlacklist"),
    vcluster_id: VClusterIdSchema,
    add: z.array(z.string().min(1).max(512)).max(1000).default([]),
    remove: z.array(z.string().min(1).max(512)).max(1000).default([]),
  }),
  /** An EmergencyStart of the actor's; AppendEntry does the same (EMG-1). */
  z.object({
    type: z.literal("OpenEmergency"),
    scope: ScopeSchema,
    reason: z.string().max(1024),
    policy_ref: z.string().max(4096).optional(),
  }),
  /** An EmergencyEnd of the actor's for the session, wherever it is open (EMG-3). */
  z.object({
    type: z.literal("CloseEmergency"),
    session_id: z.string().min(1).max(128),
    force: z.boolean().default(false),
    policy_ref: z.string().max(4096).optional(),
  }),
  /** The leader's sweep: sessions past their end are held to be stale from now on (EMG-4). */
  z.object({
    type: z.literal("MarkEmergenciesStale"),
    session_ids: z.array(z.string().min(1).max(128)).min(1).max(1000),
  }),
  /** The leader's: the oldest audit records, each past the retention of its vCluster (AUD-4). */
  z.object({
    type: z.literal("PurgeAudit"),
    /** Number of the last record that goes. */
    through: CounterSchema,
    /** Of the records that go the newest of each vCluster. */
    newest: z.array(z.object({ vcluster_id: z.string().min(1).max(64), at: InstantSchema })).min(1)
      .max(1000),
  }),
  /** Ends a conflict; `expired` is the leader's, once the grace period is over (CON-2). */
  z.object({
    type: z.literal("ResolveConflict"),
    conflict_id: z.string().min(1).max(128),
    accept: z.enum(["local", "journal", "expired"]),
    message: z.string().max(4096).optional(),
  }),
  z.object({
    type: z.literal("AssignUid"),
    org: OrgSchema,
    subject: z.string().min(1).max(1024).regex(/^[^\n]+$/),
    username: PosixIdentitySchema.shape.username,
  }),
  z.object({ type: z.literal("JoinOrg"), org: OrgSchema }),
  z.object({ type: z.literal("LeaveOrg"), org: OrgSchema }),
  /** The actor has read these notices of theirs (SUB-10). */
  z.object({
    type: z.literal("DropNotices"),
    keys: z.array(z.string().min(1).max(2048)).min(1).max(1024),
  }),
  /** The leader's sweep: forgets what has outlived its keeping, so much at a time (HB-5). */
  z.object({ type: z.literal("PurgeExpired") }),
  z.object({
    type: z.literal("ReportCapability"),
    node_id: NodeIdSchema,
    report: z.record(z.string(), z.json()),
  }),
  z.object({
    type: z.literal("PublishCa"),
    journal_node_id: z.string().min(1).max(64),
    certificate_pem: z.string().min(1).max(65_536),
    not_after: InstantSchema,
  }),
  /** The leader's sweep: each expired delta is withdrawn by a Rollback entry (JRN-32). */
  z.object({
    type: z.literal("ExpireTtl"),
    sequences: z.array(CounterSchema).min(1).max(1000),
  }),
  /** Keeps a user, a role, a node or a vCluster out. */
  z.object({
    type: z.literal("SetLock"),
    kind: LockSchema.shape.kind,
    name: LockSchema.shape.name,
    reason: LockSchema.shape.reason,
    /** At most a year; absent: until it is released. */
    ttl_seconds: z.number().int().min(1).max(31_536_000).optional(),
  }),
  z.object({
    type: z.literal("ReleaseLock"),
    kind: LockSchema.shape.kind,
    name: LockSchema.shape.name,
    reason: LockSchema.shape.reason.optional(),
  }),
  /** The leader's sweep: locks past their end are removed. */
  z.object({
    type: z.literal("ExpireLocks"),
    keys: z.array(z.string().min(1).max(1100)).min(1).max(1000),
  }),
  /** The leader's signature over the log up to an entry. */
  z.object({ type: z.literal("RecordCheckpoint"), checkpoint: CheckpointSchema }),
  /** Files a request of the actor's; when it expires is the policy's to say (APR-10). */
  z.object({
    type: z.literal("CreateApproval"),
    approval: ApprovalSchema.pick({
      approval_id: true,
      original_request: true,
      summary: true,
      action: true,
      scope: true,
      vcluster: true,
      requester_subject: true,
    }),
    /** The agent that asked for the actor. */
    via: z.string().max(1024).optional(),
  }),
  z.object({
    type: z.literal("DecideApproval"),
    approval_id: ApprovalSchema.shape.approval_id,
    decision: z.enum(["Approved", "Rejected", "Expired"]),
    reason: z.string().max(4096).optional(),
    /** Subject of the decider's token (PAuth5). */
    subject: z.string().max(4096).optional(),
    /** Why what apply cannot ask, such as the policy engine, would refuse the request now. */
    denial: z.string().max(4096).optional(),
  }),
  /** A node's agent uses the permit of an approved action (APR-12). */
  z.object({
    type: z.literal("RedeemPermit"),
    approval_id: ApprovalSchema.shape.approval_id,
    requester: IdentitySchema,
    subject: z.string().max(4096).optional(),
    action: NodeActionSchema,
  }),
] as const;

/** A command of the replicated state machine (journal.md section 3), in document form. */
export const CommandSchema = z.discriminatedUnion("type", COMMANDS);

/** A command, defaults filled in. */
export type Command = z.infer<typeof CommandSchema>;

/** A command as a caller writes it: what has a default may be left out. */
export type CommandInput = z.input<typeof CommandSchema>;

/** The command of type `T`. */
export type CommandOf<T extends Command["type"]> = Extract<Command, { type: T }>;

/** What is put on record beside actor and time; `outcome` is Success unless it says otherwise. */
export const AuditNoteSchema = AuditRecordSchema.omit({
  id: true,
  timestamp: true,
  actor: true,
}).partial({
  outcome: true,
});

/**
 * What one log record carries: the command, who sent it and when the leader took it. Apply reads
 * the time from here and nowhere else (JRN-20).
 */
export const EnvelopeSchema = z.object({
  format: z.literal(1),
  /** Set by the proposing process to recognise its own proposals when they come back. */
  proposal: z.string().max(64),
  timestamp: InstantSchema,
  actor: IdentitySchema,
  request_id: z.string().min(1).max(128).optional(),
  /** Recorded as the actor's in the same apply: no change without its record (AUD-5). */
  audit: AuditNoteSchema.optional(),
  command: CommandSchema,
});

const COMMAND_TYPES: ReadonlySet<unknown> = new Set(COMMANDS.map(({ shape }) => shape.type.value));

/**
 * Reads a record of the log that its leader took at `timestamp`. What it carries was checked in full
 * when it was proposed, by the edge that took it; here every member would repeat that for every
 * record. What is looked at again is whether this program knows the format and the command, which a
 * newer one may have written.
 *
 * @throws {TypeError} when it does not.
 */
export function readEnvelope(json: unknown, timestamp: string): Envelope {
  if (!isKnown(json)) throw new TypeError("no envelope of a known command");
  const { format, proposal, actor, request_id, audit, command } = json;
  return { format, proposal, timestamp, actor, request_id, audit, command };
}

function isKnown(json: unknown): json is Omit<Envelope, "timestamp"> {
  if (!isObject(json) || json["format"] !== 1) return false;
  const { proposal, actor, command } = json;
  return typeof proposal === "string" && isObject(actor) && isObject(command) &&
    COMMAND_TYPES.has(command["type"]);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** What is put on record beside the actor and the time. */
export type AuditNote = z.infer<typeof AuditNoteSchema>;

/** One log record, decoded. */
export type Envelope = z.infer<typeof EnvelopeSchema>;
