/** The hash chain over audit lines (AS-10): one changed, lost or swapped line breaks it. */
import { createHash } from "node:crypto";
import { canonicalJson, decodeJson, encodeJson } from "../json.ts";
import { JsonReader } from "../json_reader.ts";
import { type AuditEvent, auditEventFromJson, auditEventToJson } from "./event.ts";

/** Where the next line joins the chain. */
export interface ChainHead {
  /** Sequence number of the next line, from 1. */
  readonly nextSeq: number;
  /** Hash of the line before. */
  readonly prev: string;
}

/** The head of an empty chain. */
export const CHAIN_START: ChainHead = { nextSeq: 1, prev: "0".repeat(64) };

/** AS-10: SHA-256 over prev, a newline and the event's canonical JSON, in hex. */
export function chainHash(prev: string, event: AuditEvent): string {
  const canonical = canonicalJson(auditEventToJson(event));
  return createHash("sha256").update(`${prev}\n${canonical}`).digest("hex");
}

/**
 * The line for an event, newline included, and the head after it.
 *
 * ```ts
 * import { appendToChain, CHAIN_START, readChainLine } from "./chain.ts";
 * import { auditEvent, nodeScope, systemPrincipal } from "./event.ts";
 *
 * const event = auditEvent({
 *   id: "4c0ec64c-44f1-4ba4-b5a1-6ae3a6b5e14e",
 *   nowUsec: 0n,
 *   principal: systemPrincipal("pact-agent"),
 *   action: "boot.ready",
 *   scope: nodeScope("n1"),
 *   outcome: "Success",
 *   source: "PactAgent",
 * });
 * const { line, head } = appendToChain(CHAIN_START, event);
 * const read = readChainLine(CHAIN_START, line);
 * if (read.result !== "Intact" || read.head.prev !== head.prev) throw new Error();
 * ```
 */
export function appendToChain(
  head: ChainHead,
  event: AuditEvent,
): { readonly line: string; readonly head: ChainHead } {
  const hash = chainHash(head.prev, event);
  const json = { ...auditEventToJson(event), seq: head.nextSeq, prev: head.prev, hash };
  return {
    line: `${encodeJson(json)}\n`,
    head: { nextSeq: head.nextSeq + 1, prev: hash },
  };
}

/** A line read back: part of the chain, cut off in the middle, or not what was written. */
export type ChainLine =
  | { readonly result: "Intact"; readonly event: AuditEvent; readonly head: ChainHead }
  | { readonly result: "Torn" }
  | { readonly result: "Broken"; readonly reason: string };

/**
 * Checks one line, newline included, against the head before it (AS-12). Only a line without its
 * newline is torn; only the last line of a file can be.
 */
export function readChainLine(head: ChainHead, line: string): ChainLine {
  if (!line.endsWith("\n")) return { result: "Torn" };
  try {
    const json = decodeJson(line);
    const reader = new JsonReader(json, "line");
    const event = auditEventFromJson(json);
    if (reader.whole("seq") !== head.nextSeq) {
      return { result: "Broken", reason: `expected seq ${head.nextSeq}` };
    }
    if (reader.text("prev") !== head.prev) return { result: "Broken", reason: "prev differs" };
    const hash = chainHash(head.prev, event);
    if (reader.text("hash") !== hash) return { result: "Broken", reason: "hash differs" };
    return { result: "Intact", event, head: { nextSeq: head.nextSeq + 1, prev: hash } };
  } catch (error) {
    return { result: "Broken", reason: error instanceof Error ? error.message : "unreadable" };
  }
}
