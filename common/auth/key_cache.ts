/**
 * When a provider's keys are used, when they are fetched, and when there are none (AUT-7). Times are
 * of a clock that never goes back.
 *
 * | held keys              | kid known                    | kid unknown                            |
 * | ---------------------- | ---------------------------- | -------------------------------------- |
 * | none, or too old       | fetch first, or unavailable soon after a failure          ||
 * | younger than the TTL   | use; late in the TTL fetch behind | fetch first, once in 30 s; else no match |
 * | older than the TTL     | fetch first; after a failure use and fetch behind | the same |
 */

/** What is known of the keys. */
export interface KeyCacheState {
  readonly fetchedAtMs?: number | undefined;
  /** When fetching failed last, if it has since the last success. */
  readonly failedAtMs?: number | undefined;
  /** When an unknown kid made somebody fetch last. */
  readonly forcedAtMs?: number | undefined;
  readonly isFetching: boolean;
}

export type KeyCacheEvent =
  /** A token asks for its key. */
  | { readonly kind: "asked"; readonly isKnown: boolean }
  | { readonly kind: "fetched" }
  | { readonly kind: "failed" };

/** What to do for a token that asks. */
export type KeyCacheAnswer =
  | "use"
  /** Use the key at hand, and fetch for those who come later. */
  | "use-and-fetch"
  /** Fetch, or wait for whoever does, then ask again. */
  | "fetch-first"
  | "no-match"
  | "unavailable";

/** Bounds in milliseconds. */
export interface KeyCacheLimits {
  readonly ttlMs: number;
  /** Age at which keys are not used any more, whatever the provider does. */
  readonly maxStaleMs: number;
}

export const DEFAULT_KEY_LIMITS: KeyCacheLimits = { ttlMs: 3_600_000, maxStaleMs: 86_400_000 };

export const NO_KEYS: KeyCacheState = { isFetching: false };

/** Between two fetches that tokens with unknown kids cause (AUT-7). */
const FORCE_EVERY_MS = 30_000;
/** After a failure with keys at hand. */
const RETRY_MS = 30_000;
/** After a failure without any: nobody can sign in, so it is tried sooner. */
const COLD_RETRY_MS = 5_000;
/** Part of the TTL after which keys are fetched before anybody must wait for it. */
const AHEAD = 0.9;

/** One step; an answer comes with `asked` alone. */
export function stepKeyCache(
  state: KeyCacheState,
  event: KeyCacheEvent,
  nowMs: number,
  limits: KeyCacheLimits = DEFAULT_KEY_LIMITS,
): { readonly state: KeyCacheState; readonly answer?: KeyCacheAnswer } {
  switch (event.kind) {
    case "fetched":
      return {
        state: { ...state, isFetching: false, fetchedAtMs: nowMs, failedAtMs: undefined },
      };
    case "failed":
      return { state: { ...state, isFetching: false, failedAtMs: nowMs } };
    case "asked": {
      const answer = answerTo(state, event.isKnown, nowMs, limits);
      const fetches = answer === "use-and-fetch" || answer === "fetch-first";
      const isHeld = ageOf(state, nowMs) < limits.maxStaleMs;
      const forced = answer === "fetch-first" && isHeld && !event.isKnown && !state.isFetching;
      return {
        answer,
        state: {
          ...state,
          ...(fetches && { isFetching: true }),
          ...(forced && { forcedAtMs: nowMs }),
        },
      };
    }
  }
}

function answerTo(
  state: KeyCacheState,
  isKnown: boolean,
  nowMs: number,
  { ttlMs, maxStaleMs }: KeyCacheLimits,
): KeyCacheAnswer {
  const { failedAtMs, isFetching } = state;
  const isFree = (sinceMs: number | undefined, everyMs: number) =>
    sinceMs === undefined || nowMs - sinceMs >= everyMs;
  const ageMs = ageOf(state, nowMs);
  if (ageMs >= maxStaleMs) {
    return isFetching || isFree(failedAtMs, COLD_RETRY_MS) ? "fetch-first" : "unavailable";
  }
  if (!isKnown) {
    return isFetching || isFree(state.forcedAtMs, FORCE_EVERY_MS) ? "fetch-first" : "no-match";
  }
  if (ageMs < ttlMs * AHEAD) return "use";
  if (ageMs >= ttlMs && failedAtMs === undefined) return "fetch-first";
  return !isFetching && isFree(failedAtMs, RETRY_MS) ? "use-and-fetch" : "use";
}

function ageOf({ fetchedAtMs }: KeyCacheState, nowMs: number): number {
  return fetchedAtMs === undefined ? Infinity : nowMs - fetchedAtMs;
}
