import type { Difference, DriftCategory, ItemValue, Observation, Target } from "../drift/mod.ts";

/** Whether a dimension works on this node at all. */
export type Availability =
  | { readonly available: true }
  | { readonly available: false; readonly reason: string };

/** One key to be brought to its target. */
export interface Operation {
  readonly key: string;
  readonly target: Target;
}

/** What became of one operation, after reading back (APL-3). */
export type Outcome =
  | { readonly key: string; readonly result: "done"; readonly backup?: string }
  /** Went wrong; worth another try (APL-6). */
  | { readonly key: string; readonly result: "failed"; readonly reason: string }
  /** This profile cannot; trying again would change nothing (CTX-5). */
  | { readonly key: string; readonly result: "unavailable"; readonly reason: string };

/** A drifted value as it can be declared from now on, or why it cannot. */
export type Captured =
  | { readonly ok: true; readonly value: ItemValue | undefined }
  | { readonly ok: false; readonly reason: string };

/** Targets or observations of one dimension, by key. */
export type ByKey<Value> = ReadonlyMap<string, Value>;

/**
 * One dimension of the node's state. The same provider observes, compares, applies and reverts, so
 * that what is compared is what was written. Operations are idempotent, never throw for a single
 * key, and a failing one does not stop the others (APL-6).
 */
export interface Dimension {
  readonly category: DriftCategory;
  /** Told once at start and in every status. */
  availability(): Availability;
  /** What is there now, for each of the keys. */
  observe(keys: Iterable<string>): Promise<ByKey<Observation>>;
  /** The keys that are not as they shall be. What cannot be observed does not differ. */
  diff(targets: ByKey<Target>, observed: ByKey<Observation>): Promise<Difference[]>;
  /** Brings keys to their targets, in order, and reads back. */
  apply(operations: readonly Operation[]): Promise<Outcome[]>;
  /** As apply, over somebody's change: what is overwritten is kept first (RBK-2). */
  revert(operations: readonly Operation[]): Promise<Outcome[]>;
  /**
   * Takes keys that are no longer declared out of management (APL-2); `original` is what was there
   * before, where that is known.
   */
  release(operations: readonly { key: string; original: Target | undefined }[]): Promise<Outcome[]>;
  /** The actual value of a drifted key, complete enough to bring it about elsewhere (WIN-6). */
  capture(difference: Difference): Promise<Captured>;
  /** Lines `ITEM: pid PID (COMM) by USER` that stand against a rollback (RBK-3). */
  consumers(operations: readonly Operation[]): Promise<readonly string[]>;
  /** Parts of declared items that this profile cannot bring about, by key (CTX-5). */
  limitations(targets: ByKey<Target>): Promise<ByKey<string>>;
}

/** The outcome of an operation that this profile cannot do. */
export function unavailable(key: string, reason: string): Outcome {
  return { key, result: "unavailable", reason };
}

/** The outcome of an operation that went wrong. */
export function failed(key: string, reason: string): Outcome {
  return { key, result: "failed", reason };
}

/** The outcome of an operation that is as it shall be. */
export function done(key: string): Outcome {
  return { key, result: "done" };
}

/** The difference between a target and what is there, when `same` cannot tell them apart. */
export function differenceOf(
  category: DriftCategory,
  key: string,
  target: Target,
  observed: Observation,
): Difference {
  const declared = target.state === "present" ? target.value : undefined;
  const actual = observed.state === "present" ? observed.value : undefined;
  const action = declared === undefined ? "Add" : actual === undefined ? "Remove" : "Modify";
  return {
    category,
    key,
    action,
    ...(declared && { declared }),
    ...(actual && { actual }),
  };
}

/** What most dimensions capture: the value as it was seen. */
export function captureActual({ actual }: Difference): Promise<Captured> {
  return Promise.resolve({ ok: true, value: actual });
}
