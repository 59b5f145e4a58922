import { create } from "@bufbuild/protobuf";
import { config, durationFromMs } from "../../api/mod.ts";
import { PactError } from "../errors/mod.ts";
import { canonicalJson } from "../json/mod.ts";
import { type Entry, ENTRY_TYPES, type EntryDraft, type EntryType } from "../model/mod.ts";
import { deltaFromWire, deltaToWire } from "./delta.ts";
import { identityFromWire, identityToWire, scopeFromWire, scopeToWire } from "./identity.ts";
import { counterFromWire, instantFromWire, instantToWire, present } from "./scalars.ts";

/** Wire number of an entry type (API-20). */
export function entryTypeToWire(type: EntryType): config.EntryType {
  return ENTRY_TYPES.indexOf(type);
}

/** Entry type of a wire number; undefined for 0 and for numbers this build does not know. */
export function entryTypeFromWire(number: number): EntryType | undefined {
  const name = ENTRY_TYPES[number];
  return name === undefined || name === "Unspecified" ? undefined : name;
}

/** Protobuf form of a log entry. */
export function entryToWire(entry: Entry): config.ConfigEntry {
  return create(config.ConfigEntrySchema, {
    sequence: BigInt(entry.sequence),
    timestamp: instantToWire(entry.timestamp),
    entryType: entryTypeToWire(entry.entry_type),
    scope: scopeToWire(entry.scope),
    author: identityToWire(entry.author),
    policyRef: entry.policy_ref ?? "",
    message: entry.message ?? "",
    via: entry.via ?? "",
    requestId: entry.request_id ?? "",
    previousHash: entry.previous_hash ?? "",
    hash: entry.hash ?? "",
    ...present("parent", entry.parent === undefined ? undefined : BigInt(entry.parent)),
    ...present("stateDelta", entry.state_delta && deltaToWire(entry.state_delta)),
    ...present("ttl", entry.ttl_seconds ? durationFromMs(entry.ttl_seconds * 1000) : undefined),
    ...present("emergencyReason", entry.emergency_reason),
    ...present(
      "receivedAt",
      entry.received_at === undefined ? undefined : instantToWire(entry.received_at),
    ),
  });
}

/** The same, with the document that the entry's hash was made of. */
export function documentedEntryToWire(entry: Entry): config.ConfigEntry {
  return { ...entryToWire(entry), document: canonicalJson(entry) };
}

/** An entry of which only its place in the hash chain may be seen. */
export function hiddenEntryToWire(
  { sequence, previous_hash = "", hash = "" }: Entry,
): config.ConfigEntry {
  return create(config.ConfigEntrySchema, {
    sequence: BigInt(sequence),
    previousHash: previous_hash,
    hash,
  });
}

/** What a client's entry says, before the server adds author, time and sequence. */
export type SubmittedEntry = Omit<EntryDraft, "author" | "timestamp"> & {
  readonly author?: EntryDraft["author"];
  readonly timestamp?: string;
};

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/**
 * A submitted entry from the wire. The sequence is ignored (JRN-23); a message that older clients
 * put into policy_ref is copied to `message` (API-23).
 *
 * @throws {PactError} INVALID_ARGUMENT with the texts of API-32.
 */
export function entryFromWire(message: config.ConfigEntry | undefined): SubmittedEntry {
  if (message === undefined) throw new PactError("INVALID_ARGUMENT", "entry required");
  const type = entryTypeFromWire(message.entryType);
  if (type === undefined) throw new PactError("INVALID_ARGUMENT", "unknown entry type");
  // Field by field, because most entries have few and every write passes here.
  const entry: Writable<SubmittedEntry> = { entry_type: type, scope: scopeFromWire(message.scope) };
  if (message.author !== undefined) entry.author = identityFromWire(message.author);
  if (message.timestamp !== undefined) entry.timestamp = instantFromWire(message.timestamp);
  if (message.parent !== undefined) entry.parent = counterFromWire(message.parent);
  if (message.stateDelta !== undefined) entry.state_delta = deltaFromWire(message.stateDelta);
  if (message.ttl !== undefined) entry.ttl_seconds = counterFromWire(message.ttl.seconds);
  if (message.emergencyReason !== undefined) entry.emergency_reason = message.emergencyReason;
  const policyRef = bounded("policy_ref", message.policyRef);
  if (policyRef !== undefined) entry.policy_ref = policyRef;
  const text = bounded("message", messageOf(message));
  if (text !== undefined) entry.message = text;
  const via = bounded("via", message.via);
  if (via !== undefined) entry.via = via;
  return entry;
}

/** A stored entry as a client reads it from the wire. */
export function storedEntryFromWire(message: config.ConfigEntry): Entry {
  const submitted = entryFromWire(message);
  if (submitted.author === undefined || submitted.timestamp === undefined) {
    throw new PactError("DATA_CORRUPT", `entry ${message.sequence} lacks its author or time`);
  }
  return {
    ...submitted,
    sequence: counterFromWire(message.sequence),
    author: submitted.author,
    timestamp: submitted.timestamp,
    ...present("request_id", message.requestId === "" ? undefined : message.requestId),
    ...present("previous_hash", message.previousHash === "" ? undefined : message.previousHash),
    ...present("hash", message.hash === "" ? undefined : message.hash),
    ...present("received_at", message.receivedAt && instantFromWire(message.receivedAt)),
  };
}

const POLICY_TAG =
  /^(rbac|opa|degraded|delegate|apply|emergency|promote|blacklist|local-changes|ttl-expired):/;

function messageOf(message: config.ConfigEntry): string {
  if (message.message !== "") return message.message;
  return POLICY_TAG.test(message.policyRef) ? "" : message.policyRef;
}

function bounded(field: string, text: string): string | undefined {
  if (text.length > 4096) {
    throw new PactError("INVALID_ARGUMENT", `${field} longer than 4096 characters`);
  }
  return text === "" ? undefined : text;
}
