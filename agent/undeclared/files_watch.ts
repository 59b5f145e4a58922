import type { Dimension, Sighting, Watch } from "../apply/mod.ts";

/** What not everybody may read is a secret, and not kept a second time. */
const READABLE_BY_ALL = 0o004;

/** Undeclared files, by the dimension that manages the declared ones; `look` finds what there is. */
export function filesWatch(files: Dimension, look: () => Sighting): Watch {
  return {
    category: "files",
    followsServices: false,
    look,
    observe: (keys) => files.observe(keys),
    diff: (targets, observed) => files.diff(targets, observed),
    revert: (operations) => files.revert(operations),
    capture: (difference) => files.capture(difference),
    consumers: (operations) => files.consumers(operations),
    keep: async (key, value) => {
      const isPublic = value.kind === "file" && ((value.mode ?? 0) & READABLE_BY_ALL) !== 0;
      if (!isPublic || value.fileType !== undefined) return value;
      const change = { category: "files", key, action: "Modify", actual: value } as const;
      const captured = await files.capture(change);
      if (!captured.ok || captured.value?.kind !== "file") return value;
      const { content } = captured.value;
      return content === undefined ? value : { ...value, content };
    },
  };
}
