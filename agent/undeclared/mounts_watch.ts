import type { MountsDimension, Watch } from "../apply/mod.ts";
import { chosenMountPoints } from "../drift/mod.ts";

/** Most mounts held against what they were. */
const MAX_MOUNTS = 4_096;

/** Undeclared mounts of the agent's own namespace, without those that come and go by themselves. */
export function mountsWatch(mounts: MountsDimension): Watch {
  return {
    category: "mounts",
    followsServices: true,
    look: () => {
      const keys = chosenMountPoints(mounts.table());
      return { keys: keys.slice(0, MAX_MOUNTS), isCut: keys.length > MAX_MOUNTS };
    },
    observe: (keys) => mounts.observe(keys),
    diff: (targets, observed) => mounts.diffStrictly(targets, observed),
    revert: (operations) => mounts.revertStrictly(operations),
    capture: (difference) => mounts.capture(difference),
    consumers: (operations) => mounts.consumers(operations),
  };
}
