/**
 * A short form of the envelopes that most records of a log carry: an entry that somebody appends,
 * with the note of it for the audit trail. Who it is, where and by which rule stand in both, and in
 * the short form once; members are told by their place in a list instead of by name.
 *
 * | place  | what                                                                       |
 * |--------|----------------------------------------------------------------------------|
 * | 0      | proposal                                                                   |
 * | 1      | request_id; null when it is the proposal                                   |
 * | 2 to 4 | principal, principal_type and role of the actor, who is the entry's author |
 * | 5 to 7 | operation_type, detail and source of the note                              |
 * | 8      | metadata of the note; null when it is the entry's policy_ref alone         |
 * | 9, 10  | entry_type and scope of the entry; the note's scope is the same            |
 * | 11, 12 | message and policy_ref of the entry; null where it has none                |
 * | 13     | check_services of the command; null where it has none                      |
 * | 14     | what else the entry has; null for nothing                                  |
 * | 15     | what else the command has; null for nothing                                |
 *
 * What does not fit is written as it is, so every envelope has a form, and each reads back the same.
 *
 * @module
 */
import { type Identity, type Scope, scopeText } from "../../common/model/mod.ts";
import type { AuditNote, CommandOf, Envelope } from "./commands.ts";

/** How many places there are. */
const PLACES = 16;

type Entry = CommandOf<"AppendEntry">["entry"];

type RestOfEntry = Omit<Entry, "author" | "entry_type" | "scope" | "message" | "policy_ref">;
type RestOfCommand = Omit<CommandOf<"AppendEntry">, "type" | "entry" | "check_services">;

type Packed = readonly [
  proposal: string,
  requestId: string | null,
  principal: string,
  principalType: Identity["principal_type"],
  role: string,
  operationType: string,
  detail: string,
  source: string,
  metadata: AuditNote["metadata"] | null,
  entryType: Entry["entry_type"],
  scope: Scope,
  message: string | null,
  policyRef: string | null,
  checkServices: boolean | null,
  restOfEntry: RestOfEntry | null,
  restOfCommand: RestOfCommand | null,
];

/** The short form of `envelope`; undefined when it has none. */
export function packEnvelope(envelope: Omit<Envelope, "timestamp">): Packed | undefined {
  const { proposal, request_id, actor, audit, command } = envelope;
  if (command.type !== "AppendEntry" || audit === undefined || request_id === undefined) {
    return undefined;
  }
  const { type: _type, entry, check_services = null, ...restOfCommand } = command;
  const { author, entry_type, scope, message = null, policy_ref = null, ...restOfEntry } = entry;
  const { operation_type, detail, source, metadata, outcome } = audit;
  const isTwice = isSame(author, actor) && scopeText(audit.scope) === scopeText(scope);
  if (!isTwice || outcome !== undefined) return undefined;
  return [
    proposal,
    request_id === proposal ? null : request_id,
    actor.principal,
    actor.principal_type,
    actor.role,
    operation_type,
    detail,
    source,
    isOnly(metadata, policy_ref) ? null : metadata,
    entry_type,
    scope,
    message,
    policy_ref,
    check_services,
    orNull(restOfEntry),
    orNull(restOfCommand),
  ];
}

/**
 * The envelope that was packed, as its leader took it at `timestamp`.
 *
 * @throws {TypeError} when it is none of this form.
 */
export function unpackEnvelope(json: unknown, timestamp: string): Envelope {
  if (!isPacked(json)) throw new TypeError("no packed envelope");
  const [
    proposal,
    requestId,
    principal,
    principal_type,
    role,
    operation_type,
    detail,
    source,
    metadata,
    entry_type,
    scope,
    message,
    policy_ref,
    check_services,
    restOfEntry,
    restOfCommand,
  ] = json;
  const actor = { principal, principal_type, role };
  return {
    format: 1,
    proposal,
    timestamp,
    actor,
    request_id: requestId ?? proposal,
    audit: {
      operation_type,
      scope,
      detail,
      source,
      metadata: metadata ?? (policy_ref === null ? {} : { policy_ref }),
    },
    command: {
      type: "AppendEntry",
      entry: {
        entry_type,
        scope,
        author: actor,
        message: message ?? undefined,
        policy_ref: policy_ref ?? undefined,
        ...restOfEntry,
      },
      check_services: check_services ?? undefined,
      ...restOfCommand,
    },
  };
}

function isPacked(json: unknown): json is Packed {
  return Array.isArray(json) && json.length === PLACES && typeof json[0] === "string";
}

function isSame(one: Identity, other: Identity): boolean {
  return one === other || one.principal === other.principal &&
      one.principal_type === other.principal_type && one.role === other.role;
}

/** Whether metadata says no more than what decided. */
function isOnly(metadata: AuditNote["metadata"], policyRef: string | null): boolean {
  for (const name in metadata) if (name !== "policy_ref") return false;
  return policyRef !== null && metadata["policy_ref"] === policyRef;
}

function orNull<Rest extends object>(rest: Rest): Rest | null {
  for (const _name in rest) return rest;
  return null;
}
