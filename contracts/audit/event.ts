/** The audit event (section 7.1): type, builder, JSON form. */
import { encodeJson, JsonError, type JsonObject, type JsonValue } from "../json.ts";
import { JsonReader } from "../json_reader.ts";
import { isAuditAction } from "./actions.ts";
import { cut, redactJson, type Redactor, redactSecrets, replaceControls } from "./redact.ts";

export const PRINCIPAL_TYPES = ["Human", "Agent", "Service", "System"] as const;
/** `Agent` is an AI that acts for someone. */
export type PrincipalType = (typeof PRINCIPAL_TYPES)[number];

export const AUDIT_OUTCOMES = ["Success", "Failure", "Denied"] as const;
/** `Denied` is for authorization alone. */
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

export const AUDIT_SOURCES = [
  "PactAgent",
  "PactJournal",
  "PactCli",
  "LatticeNodeAgent",
  "LatticeQuorum",
  "LatticeCli",
] as const;
export type AuditSource = (typeof AUDIT_SOURCES)[number];

export interface AuditPrincipal {
  readonly identity: string;
  readonly principalType: PrincipalType;
  /** Empty for `System`. */
  readonly role: string;
}

/** What the event is about; `null` parts are left out of the JSON. */
export interface AuditScope {
  readonly nodeId: string | null;
  readonly vclusterId: string | null;
  readonly allocationId: string | null;
}

export interface AuditEvent {
  /** UUID version 4; receivers deduplicate by it (AS-4). */
  readonly id: string;
  /** When it happened: RFC 3339 UTC with microseconds. */
  readonly timestamp: string;
  readonly principal: AuditPrincipal;
  readonly action: string;
  readonly scope: AuditScope;
  readonly outcome: AuditOutcome;
  /** For people; at most {@linkcode MAX_DETAIL_LENGTH} characters, may be empty. */
  readonly detail: string;
  /** At most {@linkcode MAX_METADATA_BYTES} of JSON; `null` when none. */
  readonly metadata: JsonValue;
  readonly source: AuditSource;
}

export const MAX_DETAIL_LENGTH = 4096;
export const MAX_METADATA_BYTES = 16_384;

/** AE-2: something the system did by itself. */
export function systemPrincipal(identity: string): AuditPrincipal {
  return { identity, principalType: "System", role: "" };
}

/** AE-2. */
export function nodeScope(nodeId: string): AuditScope {
  return { nodeId, vclusterId: null, allocationId: null };
}

/** AE-2. */
export function nodeVclusterScope(nodeId: string, vclusterId: string): AuditScope {
  return { nodeId, vclusterId, allocationId: null };
}

/** What an emitter knows about an event; the builder adds the rest. */
export interface AuditEventInput {
  readonly id: string;
  readonly nowUsec: bigint;
  readonly principal: AuditPrincipal;
  readonly action: string;
  readonly scope: AuditScope;
  readonly outcome: AuditOutcome;
  readonly source: AuditSource;
  readonly detail?: string;
  readonly metadata?: JsonValue;
}

/**
 * A well-formed event: secrets redacted (AE-4), control characters replaced (AE-5), sizes
 * bounded. An emitter must never fail, so what is too long is cut, and metadata that is too big
 * or cannot be written is replaced by a note of its size.
 *
 * @param input.id a fresh UUID version 4
 * @param input.nowUsec event time in microseconds since the epoch
 */
export function auditEvent(input: AuditEventInput, redact: Redactor = redactSecrets): AuditEvent {
  return {
    id: input.id,
    timestamp: formatTimestamp(input.nowUsec),
    principal: input.principal,
    action: input.action,
    scope: input.scope,
    outcome: input.outcome,
    detail: cut(replaceControls(redact(input.detail ?? "")), MAX_DETAIL_LENGTH),
    metadata: boundedMetadata(input.metadata ?? null, redact),
    source: input.source,
  };
}

/**
 * AE-3: a human's action relayed by an agent stays the human's; the certificate it came through
 * becomes `metadata.via`.
 */
export function relayedBy(via: string, metadata: JsonObject | null = null): JsonObject {
  return { ...metadata, via };
}

/** RFC 3339 in UTC with microseconds, e.g. `2026-11-21T04:20:16.000123Z`. */
export function formatTimestamp(usec: bigint): string {
  const seconds = new Date(Number(usec / 1000n)).toISOString().slice(0, 19);
  return `${seconds}.${(usec % 1_000_000n).toString().padStart(6, "0")}Z`;
}

/** A gap in the record (AS-3): the count and time range of events that were lost. */
export function gapMetadata(count: number, firstTime: string, lastTime: string): JsonObject {
  return { count, first: firstTime, last: lastTime };
}

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** The JSON form of an event, as `auditEventFromJson` reads it. */
export function auditEventToJson(event: AuditEvent): JsonObject {
  return {
    id: event.id,
    timestamp: event.timestamp,
    principal: {
      identity: event.principal.identity,
      principal_type: event.principal.principalType,
      role: event.principal.role,
    },
    action: event.action,
    scope: scopeToJson(event.scope),
    outcome: event.outcome,
    detail: event.detail,
    metadata: event.metadata,
    source: event.source,
  };
}

/** @throws {JsonError} when a member is missing, malformed or over its bound */
export function auditEventFromJson(value: JsonValue): AuditEvent {
  const reader = new JsonReader(value, "event");
  const principal = reader.object("principal");
  const scope = reader.object("scope");
  const metadata = reader.value("metadata");
  const detail = reader.textOrNull("detail") ?? "";
  if (detail.length > MAX_DETAIL_LENGTH) throw new JsonError("event.detail", "too long");
  if (byteLength(encodeJson(metadata)) > MAX_METADATA_BYTES) {
    throw new JsonError("event.metadata", "too big");
  }
  return {
    id: matching(reader, "id", (id) => UUID_V4.test(id)),
    timestamp: matching(reader, "timestamp", (time) => TIMESTAMP.test(time)),
    principal: {
      identity: principal.textOrNull("identity") ?? "",
      principalType: principal.variant("principal_type", PRINCIPAL_TYPES),
      role: principal.textOrNull("role") ?? "",
    },
    action: matching(reader, "action", isAuditAction),
    scope: {
      nodeId: scope.textOrNull("node_id"),
      vclusterId: scope.textOrNull("vcluster_id"),
      allocationId: scope.textOrNull("allocation_id"),
    },
    outcome: reader.variant("outcome", AUDIT_OUTCOMES),
    detail,
    metadata,
    source: reader.variant("source", AUDIT_SOURCES),
  };
}

function scopeToJson(scope: AuditScope): JsonObject {
  return {
    ...(scope.nodeId === null ? {} : { node_id: scope.nodeId }),
    ...(scope.vclusterId === null ? {} : { vcluster_id: scope.vclusterId }),
    ...(scope.allocationId === null ? {} : { allocation_id: scope.allocationId }),
  };
}

function matching(reader: JsonReader, key: string, isValid: (text: string) => boolean): string {
  const text = reader.text(key);
  if (!isValid(text)) throw new JsonError(`event.${key}`, "malformed");
  return text;
}

function boundedMetadata(metadata: JsonValue, redact: Redactor): JsonValue {
  try {
    const redacted = redactJson(metadata, redact);
    const bytes = byteLength(encodeJson(redacted));
    return bytes <= MAX_METADATA_BYTES ? redacted : { dropped: "metadata too big", bytes };
  } catch {
    return { dropped: "metadata has no JSON form" };
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
