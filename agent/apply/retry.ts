/** First delay before an item is tried again (APL-6). */
export const FIRST_RETRY_MS = 5_000;
/** The delay doubles up to this (APL-6). */
export const LONGEST_RETRY_MS = 300_000;

/** An item that could not be brought to its target yet. */
export interface Failure {
  readonly reason: string;
  readonly attempts: number;
  /** When it is tried again, on the monotonic clock. */
  readonly retryAtMs: number;
}

/** The failing items, by item name. */
export type FailureList = ReadonlyMap<string, Failure>;

/** Notes another failed attempt: 5 s, doubling to 300 s (APL-6). */
export function noteFailure(
  list: FailureList,
  name: string,
  reason: string,
  nowMs: number,
): FailureList {
  const attempts = (list.get(name)?.attempts ?? 0) + 1;
  const delayMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 16));
  return new Map(list).set(name, { reason, attempts, retryAtMs: nowMs + delayMs });
}

/** The list without an item. */
export function forgetFailure(list: FailureList, name: string): FailureList {
  if (!list.has(name)) return list;
  const rest = new Map(list);
  rest.delete(name);
  return rest;
}

/** When the first of them is to be tried again; undefined when nothing fails. */
export function nextRetryMs(list: FailureList): number | undefined {
  let next: number | undefined;
  for (const { retryAtMs } of list.values()) next = Math.min(next ?? retryAtMs, retryAtMs);
  return next;
}

/** Names of the items whose time has come. */
export function dueRetries(list: FailureList, nowMs: number): string[] {
  return [...list].filter(([, { retryAtMs }]) => retryAtMs <= nowMs).map(([name]) => name);
}
