import { canonicalJson, type JsonValue } from "../json/mod.ts";
import { GENESIS_HASH, intactHash } from "./link.ts";

/** Where the chain stands: what the next entry must say of itself. */
export interface ChainHead {
  readonly nextSequence: number;
  /** Hash of the entry before it. */
  readonly hash: string;
}

/** The head of an empty log. */
export const CHAIN_START: ChainHead = { nextSequence: 0, hash: GENESIS_HASH };

/**
 * What can be wrong:
 *
 * | problem   | meaning                                                                        |
 * |-----------|--------------------------------------------------------------------------------|
 * | unreadable| it is no entry                                                                 |
 * | unhashed  | it carries no hash                                                             |
 * | changed   | its content is not what its hash was made of                                   |
 * | missing   | it is not there; another one stands in its place, or the log ends before it    |
 * | order     | it stands where a later one belongs: moved, or there a second time             |
 * | replaced  | its successor was written after another entry, or a signature names another one|
 * | signature | the signature over it is not its signer's, or its signer is unknown            |
 */
export type Problem =
  | "unreadable"
  | "unhashed"
  | "changed"
  | "missing"
  | "order"
  | "replaced"
  | "signature";

/** The first entry at which a log is not what it was, and how that shows. */
export interface Finding {
  readonly sequence: number;
  readonly problem: Problem;
  /** For people; begins with the entry. */
  readonly detail: string;
}

/** What one more entry makes of the chain. */
export type Checked = { readonly head: ChainHead } | { readonly finding: Finding };

/**
 * Whether the document of an entry continues the chain at `head`. `canonical` is its canonical JSON,
 * for callers that have it.
 */
export function checkLink(
  head: ChainHead,
  document: JsonValue,
  canonical: string = canonicalJson(document),
): Checked {
  const { nextSequence: expected } = head;
  const { sequence, hash, previous_hash } = isObject(document) ? document : {};
  if (typeof sequence !== "number") return bad(expected, "unreadable", "is no entry of a log");
  if (typeof hash !== "string" || typeof previous_hash !== "string") {
    return bad(expected, "unhashed", "carries no hash");
  }
  if (intactHash(canonical) !== hash) {
    return bad(expected, "changed", "was changed: its content does not have the hash it carries");
  }
  return checkHidden(head, sequence, previous_hash, hash);
}

/** The same for an entry of which no more may be seen than its place in the chain. */
export function checkHidden(
  head: ChainHead,
  sequence: number,
  previousHash: string,
  hash: string,
): Checked {
  const { nextSequence: expected } = head;
  if (sequence > expected) {
    return bad(expected, "missing", `is missing: entry ${sequence} stands in its place`);
  }
  if (sequence < expected) {
    return bad(sequence, "order", `stands where entry ${expected} belongs`);
  }
  if (previousHash === head.hash) return { head: { nextSequence: sequence + 1, hash } };
  if (sequence === 0) {
    return bad(0, "replaced", "is not the first of a log: it names one before it");
  }
  return bad(
    sequence - 1,
    "replaced",
    `is not the one that entry ${sequence} was written after: one of the two was replaced`,
  );
}

function bad(sequence: number, problem: Problem, detail: string): Checked {
  return { finding: { sequence, problem, detail: `entry ${sequence} ${detail}` } };
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue | undefined } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
