/**
 * What the state forgets after a while. The leader looks whether there is any and proposes
 * PurgeExpired; apply looks again, by the time in the command, so members agree (HB-5, JRN-20).
 *
 * @module
 */
import { type CollectionName, type CommandResult, type Doc, numberKey } from "./documents.ts";
import { NOTICE_KEEP_MS } from "./notices.ts";
import { forgetRequests, REQUEST_KEEP_MS } from "./requests.ts";
import { countersOf, type Transaction } from "./transaction.ts";
import type { DocumentsView } from "./view.ts";

/** Most documents of one collection that one command forgets. */
const MAX_PURGED = 1000;

/** A revoked serial is remembered for a day beyond its certificate's end (CRT-6). */
const REVOKED_KEEP_MS = 24 * 3_600_000;

/** How long what is closed stays for listing (APR-15). */
const CLOSED_KEEP_MS = 90 * 24 * 3_600_000;

/** For each collection: until when a document is kept; undefined for as long as it takes. */
const KEPT_UNTIL: { readonly [C in CollectionName]?: (document: Doc<C>) => number | undefined } = {
  revoked_serials: ({ not_after }) => Date.parse(not_after) + REVOKED_KEEP_MS,
  ca_bundle: ({ not_after, remove_after }) =>
    Math.min(
      Date.parse(not_after),
      remove_after === undefined ? Infinity : Date.parse(remove_after),
    ),
  approvals: ({ decided_at }) => after(decided_at, CLOSED_KEEP_MS),
  conflicts: ({ closed_at }) => after(closed_at, CLOSED_KEEP_MS),
  notices: ({ at }) => after(at, NOTICE_KEEP_MS),
  emergencies: ({ ended_at }) => after(ended_at, CLOSED_KEEP_MS),
};

const PURGED: readonly (keyof typeof KEPT_UNTIL)[] = [
  "approvals",
  "ca_bundle",
  "conflicts",
  "emergencies",
  "notices",
  "revoked_serials",
];

/** Whether PurgeExpired would forget anything at `nowMs`. */
export function isPurgeDue(view: DocumentsView, nowMs: number): boolean {
  if (PURGED.some((collection) => expiredKeys(view, collection, nowMs, 1).length > 0)) return true;
  const oldest = view.get("request_order", numberKey(countersOf(view).request_first));
  return oldest !== undefined && Date.parse(oldest.at) + REQUEST_KEEP_MS < nowMs;
}

/** Forgets what has outlived its keeping. */
export function purgeExpired(tx: Transaction): CommandResult {
  for (const collection of PURGED) {
    for (const key of expiredKeys(tx, collection, tx.nowMs, MAX_PURGED)) tx.delete(collection, key);
  }
  forgetRequests(tx, MAX_PURGED);
  return { kind: "Ok" };
}

function expiredKeys<C extends CollectionName>(
  view: DocumentsView,
  collection: C,
  nowMs: number,
  limit: number,
): string[] {
  const keptUntil = KEPT_UNTIL[collection];
  const keys: string[] = [];
  if (keptUntil === undefined) return keys;
  for (const [key, document] of view.list(collection)) {
    if ((keptUntil(document) ?? Infinity) >= nowMs) continue;
    keys.push(key);
    if (keys.length === limit) break;
  }
  return keys;
}

function after(instant: string | undefined, keepMs: number): number | undefined {
  return instant === undefined ? undefined : Date.parse(instant) + keepMs;
}
