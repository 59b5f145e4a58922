import { createHash } from "node:crypto";
import { canonicalJson } from "../../common/json/mod.ts";
import {
  countItems,
  DELTA_CATEGORIES,
  type Entry,
  StateDeltaSchema,
} from "../../common/model/mod.ts";
import { countersOf, type Declared, declaredAsOf, type StateView } from "../state/mod.ts";

/** Phase 2 of the boot stream (BOOT-3). */
export interface NodeDelta {
  /** Highest sequence included. */
  readonly version: number;
  /** Canonical JSON array of the entries. */
  readonly data: string;
  /** SHA-256 of `data`, lower-case hex. */
  readonly checksum: string;
}

/**
 * The entries that make up what a node declares beyond its vCluster, in sequence order: Commits of
 * its own scope that are neither expired at `nowMs`, nor rolled back, nor superseded in all their
 * keys (BOOT-3), each with the keys that still come from it. Folding them over the overlay gives the
 * node's effective configuration: Add and Modify set a key, Remove declares it absent on this node.
 */
export function liveNodeDeltas(view: StateView, nodeId: string, nowMs: number): Entry[] {
  const newest = countersOf(view).next_sequence - 1;
  const declared = declaredAsOf(view.history, { Node: nodeId }, newest, nowMs);
  const bySequence = Map.groupBy(declared.values(), ({ sequence }) => sequence);
  return [...bySequence].sort(([a], [b]) => a - b).flatMap(([sequence, live]) => {
    const entry = view.history.entry(sequence);
    return entry === undefined ? [] : [withOnly(entry, live)];
  });
}

/** The entry without the items that something later superseded or withdrew. */
function withOnly(entry: Entry, live: readonly Declared[]): Entry {
  const { state_delta = {} } = entry;
  if (countItems(state_delta) === live.length) return entry;
  const kept = Object.fromEntries(
    DELTA_CATEGORIES.flatMap((category) => {
      const keys = new Set(live.filter((each) => each.category === category).map(({ key }) => key));
      const items = state_delta[category]?.filter(({ key }) => keys.has(key)) ?? [];
      return items.length === 0 ? [] : [[category, items]];
    }),
  );
  return { ...entry, state_delta: StateDeltaSchema.parse(kept) };
}

/** Phase 2 for a node; undefined when it declares nothing of its own. */
export function nodeDelta(view: StateView, nodeId: string, nowMs: number): NodeDelta | undefined {
  const entries = liveNodeDeltas(view, nodeId, nowMs);
  const version = entries.at(-1)?.sequence;
  if (version === undefined) return undefined;
  const data = canonicalJson(entries);
  return { version, data, checksum: createHash("sha256").update(data, "utf8").digest("hex") };
}
