import { parseFlatKeyed, WORKLOAD_ROOT } from "../../contracts/mod.ts";
import { type Files, isShimError } from "../../ffi/mod.ts";
import type { ControlFileWatch, ControlFileWatcher } from "../isolation/mod.ts";
import type { WorkloadState } from "./pace.ts";

/*
 * Shell: owns the watch of one file, workload.slice/cgroup.events. Ends by `close`.
 */

export interface WorkloadDetectorOptions {
  readonly files: Pick<Files, "readText">;
  readonly watcher: ControlFileWatcher;
  /** Absolute path of the cgroup v2 hierarchy (PATH-16). */
  readonly cgroupRoot: string;
  /** The file changed: the next look may find another state. */
  readonly onChange: () => void;
}

/** Tells whether workload runs on this node, whatever its manager says (CG-41, SUP-32, PS1). */
export interface WorkloadDetector {
  /** Reads the state; `unknown` where there are no cgroups. */
  look(): WorkloadState;
  close(): void;
}

const MAX_BYTES = 4096;

/** A detector that watches from its first look on. */
export function openWorkloadDetector(options: WorkloadDetectorOptions): WorkloadDetector {
  const slice = `${options.cgroupRoot}/${WORKLOAD_ROOT}`;
  const path = `${slice}/cgroup.events`;
  let watch: ControlFileWatch | null = null;

  const read = (file: string): string | null => {
    try {
      return options.files.readText(file, { maxBytes: MAX_BYTES });
    } catch (error) {
      if (isShimError(error)) return null;
      throw error;
    }
  };
  const forget = () => {
    watch?.close();
    watch = null;
  };
  return {
    look: () => {
      // Watched before it is read, so that no change falls between the two.
      if (watch === null) watch = tryWatch(options, path);
      const events = read(path);
      if (events !== null) return parseFlatKeyed(events, "populated") === 1n ? "active" : "idle";
      forget();
      // A hierarchy without the slice has no process in it.
      return read(`${options.cgroupRoot}/cgroup.controllers`) === null ? "unknown" : "idle";
    },
    close: forget,
  };
}

/** Without a watch the looks of the loop have to do. */
function tryWatch(
  { watcher, onChange }: WorkloadDetectorOptions,
  path: string,
): ControlFileWatch | null {
  try {
    return watcher.watch(path, onChange);
  } catch (error) {
    if (isShimError(error)) return null;
    throw error;
  }
}
