import { dirname } from "node:path";

/** What to watch for the declared files: their directories, and the names in each that matter. */
export type WatchPlan = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The directories of `paths`. A directory is watched rather than the file in it, because editors
 * replace files: the file's own watch would follow the old one (OBS-4).
 */
export function watchPlan(paths: Iterable<string>): WatchPlan {
  const plan = new Map<string, Set<string>>();
  for (const path of paths) {
    const directory = dirname(path);
    const names = plan.get(directory) ?? new Set<string>();
    names.add(path.slice(directory === "/" ? 1 : directory.length + 1));
    plan.set(directory, names);
  }
  return plan;
}
