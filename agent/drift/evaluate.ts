import type { Blacklist } from "./blacklist.ts";
import {
  type Attribution,
  compareItems,
  type Difference,
  type DriftItem,
  type DriftSource,
  fingerprint,
  itemName,
} from "./item.ts";
import { isVolatileSysctl } from "./volatile.ts";

/** So long the news of who changed something may come after the change itself. */
const CAUSE_MS = 5_000;

/** What is remembered of an item from one evaluation to the next. */
export interface KnownItem {
  readonly firstSeenMs: number;
  /** Equal exactly while the item has the same action and actual value. */
  readonly mark: string;
  readonly attribution?: Attribution;
  readonly cause?: string;
}

/** What the next evaluation has to know of the items of this one. */
export function knownItems(items: readonly DriftItem[]): ReadonlyMap<string, KnownItem> {
  return new Map(items.map((item) => {
    const { firstSeenMs, attribution, cause } = item;
    return [itemName(item), {
      firstSeenMs,
      mark: markOf(item),
      ...(attribution && { attribution }),
      ...(cause !== undefined && { cause }),
    }];
  }));
}

/** What an evaluation starts from. */
export interface EvaluationInput {
  /** How actual state differs from the targets, as the dimensions tell it. */
  readonly differences: readonly (Difference & { readonly source: DriftSource })[];
  readonly blacklist: Blacklist;
  /** The items of the evaluation before, by name: {@link knownItems} of them. */
  readonly before: ReadonlyMap<string, KnownItem>;
  /** Wall clock. */
  readonly nowMs: number;
  /** Who is known to have changed a key, by item name; only asked for items that are new. */
  readonly attribution?: (name: string) => Attribution | undefined;
  /** Which process is known to have changed it, in one line; asked for as `attribution` is. */
  readonly cause?: (name: string) => string | undefined;
}

/** What differs now, and how that compares with the evaluation before. */
export interface Evaluation {
  /** In canonical order. */
  readonly items: readonly DriftItem[];
  /** The set of items, or an actual value, is not what it was. */
  readonly changed: boolean;
  /** An item is new or has taken another value: somebody changed more, nobody only less. */
  readonly grew: boolean;
  /** Names of declared items that the blacklist lists: declaring wins, said once (BLK-3). */
  readonly declaredThoughListed: readonly string[];
}

/**
 * The drift of a node as the difference of two states (DRIFT-1): an item is in the result exactly
 * when it differs now. Undeclared noise is left out (BLK-1, OBS-8); a declared item never is.
 */
export function evaluateDrift(input: EvaluationInput): Evaluation {
  const items: DriftItem[] = [];
  const declaredThoughListed: string[] = [];
  let grew = false;
  for (const difference of input.differences) {
    const name = itemName(difference);
    const listed = isNoise(difference, input.blacklist);
    if (listed && difference.source === "baseline") continue;
    if (listed) declaredThoughListed.push(name);
    const known = input.before.get(name);
    const same = known?.mark === markOf(difference);
    grew ||= !same;
    const attribution = same ? known?.attribution : input.attribution?.(name) ?? known?.attribution;
    const firstSeenMs = known?.firstSeenMs ?? input.nowMs;
    const cause = causeOf(input, name, same ? known : undefined);
    items.push({
      ...difference,
      firstSeenMs,
      ...(attribution && { attribution }),
      ...(cause !== undefined && { cause }),
    });
  }
  items.sort(compareItems);
  const changed = grew || items.length !== input.before.size;
  return { items, changed, grew, declaredThoughListed };
}

/**
 * The process behind a value. That of a former value has nothing to do with this one; and a scan may have
 * been faster than the news of who it was, so that it is asked for again, for a while.
 */
function causeOf(
  { cause, nowMs }: EvaluationInput,
  name: string,
  same: KnownItem | undefined,
): string | undefined {
  if (same?.cause !== undefined) return same.cause;
  if (same !== undefined && nowMs - same.firstSeenMs > CAUSE_MS) return undefined;
  return cause?.(name);
}

function isNoise(difference: Difference, blacklist: Blacklist): boolean {
  if (difference.category === "kernel" && isVolatileSysctl(difference.key)) return true;
  return blacklist.matchesItem(difference.category, difference.key);
}

function markOf(difference: Difference): string {
  return `${difference.action} ${fingerprint(difference.actual)}`;
}
