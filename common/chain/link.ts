import { hash } from "node:crypto";
import { canonicalJson } from "../json/mod.ts";
import type { Entry } from "../model/mod.ts";

/** What the first entry names as the hash of the one before it. */
export const GENESIS_HASH = "0".repeat(64);

/** An entry that is part of the chain. */
export type LinkedEntry = Entry & { readonly previous_hash: string; readonly hash: string };

/** An entry of the chain beside its canonical JSON, which is made only once. */
export interface Link {
  readonly entry: LinkedEntry;
  /** The canonical JSON of `entry`, hash included: what is stored. */
  readonly json: string;
}

/**
 * Joins an entry to the chain: `hash` is the SHA-256, in lower-case hex, over the canonical JSON of
 * the entry without that member, so it covers every field, the sequence and the predecessor's hash.
 *
 * @example
 * ```ts
 * import { GENESIS_HASH, intactHash, linkEntry } from "./link.ts";
 * import assert from "node:assert/strict";
 *
 * const { entry, json } = linkEntry({
 *   sequence: 0,
 *   timestamp: "2026-01-31T12:00:00.000Z",
 *   entry_type: "Commit",
 *   scope: "Global",
 *   author: { principal: "ann", principal_type: "Human", role: "pact-platform-admin" },
 * }, GENESIS_HASH);
 * assert.equal(intactHash(json), entry.hash);
 * assert.equal(intactHash(json.replace("ann", "bob")), undefined);
 * ```
 */
export function linkEntry(
  entry: Omit<Entry, "previous_hash" | "hash">,
  previousHash: string,
): Link {
  const open = inKeyOrder(entry, previousHash);
  const text = canonicalJson(open);
  const hash = sha256(text);
  const at = text.indexOf('"', text.indexOf(ENTRY_TYPE) + ENTRY_TYPE.length) + 1;
  return {
    entry: { ...open, hash },
    json: `${text.slice(0, at)},"hash":"${hash}"${text.slice(at)}`,
  };
}

/**
 * The entry with its members in the order of canonical JSON, which is written at once then instead of
 * member by member. The type says when one is missing here.
 */
function inKeyOrder(entry: Omit<Entry, "previous_hash" | "hash">, previousHash: string) {
  return {
    author: entry.author,
    emergency_reason: entry.emergency_reason,
    entry_type: entry.entry_type,
    message: entry.message,
    parent: entry.parent,
    policy_ref: entry.policy_ref,
    previous_hash: previousHash,
    received_at: entry.received_at,
    request_id: entry.request_id,
    scope: entry.scope,
    sequence: entry.sequence,
    state_delta: entry.state_delta,
    timestamp: entry.timestamp,
    ttl_seconds: entry.ttl_seconds,
    via: entry.via,
  } satisfies { [Member in Exclude<keyof Entry, "hash">]-?: Entry[Member] | undefined };
}

/** Stands before the one place for `hash` in the sorted keys of an entry. */
const ENTRY_TYPE = '"entry_type":"';

const HASH_MEMBER = ',"hash":"';
const HASH_DIGITS = 64;

/**
 * The hash in the canonical JSON of an entry, if it is the one of the text around it. Inside of a
 * string no quote stands without a backslash, and no member that sorts before has a `hash` of its
 * own, so the first match is the entry's. Text that was made up could have one all the same: compare
 * the result with the member `hash` of the parsed document.
 */
export function intactHash(json: string): string | undefined {
  const at = json.indexOf(HASH_MEMBER);
  if (at < 0) return undefined;
  const end = at + HASH_MEMBER.length + HASH_DIGITS;
  const hash = json.slice(at + HASH_MEMBER.length, end);
  const isOfText = json[end] === '"' && sha256(json.slice(0, at) + json.slice(end + 1)) === hash;
  return isOfText ? hash : undefined;
}

function sha256(text: string): string {
  return hash("sha256", text, "hex");
}
