import {
  DRIFT_CATEGORIES,
  type DriftAction,
  type DriftCategory,
  type ItemValue,
  type Target,
} from "../drift/mod.ts";

/** One item of a state delta in the agent's own terms (JRN-11). */
export interface DeltaItem {
  readonly category: DriftCategory;
  readonly key: string;
  readonly action: DriftAction;
  /** What the key is after the change; absent after Remove. */
  readonly value?: ItemValue;
}

/** What shall be, by dimension and key. */
export type TargetsByCategory = Readonly<Record<DriftCategory, ReadonlyMap<string, Target>>>;

/** Everything declared for this node: the overlay with the node's own deltas on top (APL-1). */
export interface EffectiveState {
  readonly overlayVersion: bigint;
  /** The last entry of the configuration log that is contained here. */
  readonly sequence: bigint;
  readonly vclusterId: string;
  readonly targets: TargetsByCategory;
  /** Patterns of the vCluster's policy (BLK-1). */
  readonly blacklist: readonly string[];
  /** `CATEGORY:KEY` of what is declared but cannot be expressed to this node. */
  readonly unsupported: readonly string[];
}

/** A node for which nothing is declared yet. */
export function emptyEffective(): EffectiveState {
  return {
    overlayVersion: 0n,
    sequence: 0n,
    vclusterId: "",
    targets: emptyTargets(),
    blacklist: [],
    unsupported: [],
  };
}

/** No targets in any dimension, to be filled. */
export function emptyTargets(): Record<DriftCategory, Map<string, Target>> {
  return {
    mounts: new Map(),
    files: new Map(),
    network: new Map(),
    services: new Map(),
    kernel: new Map(),
    packages: new Map(),
    gpu: new Map(),
  };
}

/**
 * The state with one node delta on top. Add and Modify set a key; Remove of a file means that it
 * must not be there, of anything else that it is no longer declared. Pure: folding the same deltas
 * in the same order gives the same state on every node (APL-1, OVL-3).
 */
export function foldDelta(
  state: EffectiveState,
  items: readonly DeltaItem[],
  sequence: bigint = state.sequence,
): EffectiveState {
  const targets = emptyTargets();
  for (const category of DRIFT_CATEGORIES) {
    for (const [key, target] of state.targets[category]) targets[category].set(key, target);
  }
  for (const { category, key, action, value } of items) {
    if (action === "Remove") {
      if (category === "files") targets.files.set(key, { state: "absent" });
      else targets[category].delete(key);
      continue;
    }
    if (value === undefined) continue;
    targets[category].set(key, {
      state: "present",
      value: onTopOf(targets[category].get(key), value),
    });
  }
  return { ...state, targets, sequence: sequence > state.sequence ? sequence : state.sequence };
}

/** A service's new state alone leaves its declaration as it is. */
function onTopOf(before: Target | undefined, value: ItemValue): ItemValue {
  if (value.kind !== "service" || value.spec !== undefined) return value;
  if (before?.state !== "present" || before.value.kind !== "service") return value;
  return { ...before.value, state: value.state };
}
