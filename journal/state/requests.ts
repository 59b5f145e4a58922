import { compositeKey, numberKey, type RequestOutcome } from "./documents.ts";
import type { Command } from "./commands.ts";
import { reject, type Transaction } from "./transaction.ts";

/** Request ids remembered, and for how long (JRN-57). */
const MAX_REQUESTS = 100_000;
export const REQUEST_KEEP_MS = 3_600_000;

/** Most ids one command forgets: more than it adds, few enough to stay quick. */
const MAX_FORGET = 32;

/**
 * The result this actor's request had the first time, if it is still known. One id for two different
 * requests is a mistake of the caller's: the second would seem done and was not.
 */
export function firstResult(
  tx: Transaction,
  key: string | undefined,
  type: Command["type"],
): RequestOutcome | undefined {
  const first = key === undefined ? undefined : tx.get("request_ids", key);
  if (first !== undefined && first.type !== type) {
    reject("CONFLICT", "CONFLICT: this request id was used for another kind of request");
  }
  return first?.result;
}

/** Whether something is known of this actor's request already. */
export function isRemembered(tx: Transaction, key: string | undefined): boolean {
  return key !== undefined && tx.get("request_ids", key) !== undefined;
}

/** Remembers the result under the request id and forgets ids past number or age. */
export function rememberResult(
  tx: Transaction,
  key: string | undefined,
  type: Command["type"],
  result: RequestOutcome,
): void {
  if (key === undefined) return;
  const { request_next: order } = tx.counters;
  tx.put("request_ids", key, { order, type, result });
  tx.put("request_order", numberKey(order), { request_key: key, at: tx.timestamp });
  tx.count().request_next = order + 1;
  forgetRequests(tx, MAX_FORGET);
}

/** Forgets ids past number or age, oldest first and `limit` at most. */
export function forgetRequests(tx: Transaction, limit: number): void {
  const { request_first: before, request_next: next } = tx.counters;
  let first = before;
  for (let forgotten = 0; forgotten < limit && first < next; forgotten++) {
    const oldest = tx.get("request_order", numberKey(first));
    if (oldest === undefined) break;
    const isFull = next - first > MAX_REQUESTS;
    if (!isFull && Date.parse(oldest.at) >= tx.nowMs - REQUEST_KEEP_MS) break;
    tx.delete("request_order", numberKey(first));
    tx.delete("request_ids", oldest.request_key);
    first++;
  }
  if (first !== before) tx.count().request_first = first;
}

/** Ids are scoped to who sent them: nobody gets the result of someone else's request. */
export function requestKey({ requestId, actor }: Transaction): string | undefined {
  return requestId === undefined ? undefined : compositeKey(actor.principal, requestId);
}
