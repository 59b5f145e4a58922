import { type DriftCategory, type DriftItem, itemName } from "../drift/mod.ts";

/** So many reversions of one key within the period mean that somebody fights back (DRIFT-10). */
export const FLAPPING_REVERSIONS = 3;
/** The period over which reversions are counted. */
export const FLAPPING_PERIOD_MS = 600_000;

/** When each item was reverted by itself, by item name. */
export type ReversionHistory = ReadonlyMap<string, readonly number[]>;

/** Which of the drifted items are reverted without a window. */
export interface AutoConvergeDecision {
  readonly revert: readonly DriftItem[];
  /** Names of items that would be reverted, had they not been too often. */
  readonly flapping: readonly string[];
}

/**
 * Picks the unattributed items of the categories that converge by themselves; what an administrator
 * did is never undone without a window, and a key reverted three times in ten minutes is left to the
 * window (DRIFT-10).
 */
export function decideAutoConverge(
  items: readonly DriftItem[],
  categories: ReadonlySet<DriftCategory>,
  history: ReversionHistory,
  nowMs: number,
): AutoConvergeDecision {
  const revert: DriftItem[] = [];
  const flapping: string[] = [];
  for (const item of items) {
    if (!categories.has(item.category) || item.attribution !== undefined) continue;
    const name = itemName(item);
    const recent = (history.get(name) ?? []).filter((at) => at > nowMs - FLAPPING_PERIOD_MS);
    if (recent.length >= FLAPPING_REVERSIONS) flapping.push(name);
    else revert.push(item);
  }
  return { revert, flapping };
}

/** The history with these reversions added and what is too old to count left out. */
export function noteReversions(
  history: ReversionHistory,
  names: readonly string[],
  nowMs: number,
): ReversionHistory {
  const noted = new Map<string, readonly number[]>();
  for (const [name, times] of history) {
    const recent = times.filter((at) => at > nowMs - FLAPPING_PERIOD_MS);
    if (recent.length > 0) noted.set(name, recent);
  }
  for (const name of names) noted.set(name, [...(noted.get(name) ?? []), nowMs]);
  return noted;
}
