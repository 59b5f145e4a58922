import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Shim } from "../../ffi/mod.ts";
import { type Dimension, MountsDimension, type Watch } from "../apply/mod.ts";
import { openModuleControl } from "../hardware/mod.ts";
import { filesWatch, modulesWatch, mountsWatch } from "../undeclared/mod.ts";
import type { Observation } from "./observation.ts";

/** What the watches of a node work with. */
export interface WatchParts {
  readonly shim: Shim;
  readonly config: agentport.AgentConfig;
  readonly clock: Clock;
  readonly dimensions: readonly Dimension[];
  readonly observation: Pick<Observation, "watched" | "isByHand">;
  /** Undeclared addresses, where the network is pact's. */
  readonly addresses: Watch | undefined;
}

/** Everything that is held against what it was after convergence (OBS-9); nothing unless configured. */
export function nodeWatches(
  { shim, config, clock, dimensions, observation, addresses }: WatchParts,
): readonly Watch[] {
  if (!config.baselineEnabled) return [];
  const isNode = config.root === "" || config.root === "/";
  const mayLoad = isNode && shim.system.ids().effectiveUid === 0;
  return dimensions.flatMap((dimension): readonly Watch[] => {
    if (dimension instanceof MountsDimension) return [mountsWatch(dimension)];
    if (dimension.category === "files") return [filesWatch(dimension, () => observation.watched())];
    if (dimension.category === "network" && addresses !== undefined) return [addresses];
    if (dimension.category !== "kernel" || !mayLoad) return [];
    const modules = openModuleControl(shim, clock);
    return [modulesWatch({ modules, isByHand: (name) => observation.isByHand(name) })];
  });
}
