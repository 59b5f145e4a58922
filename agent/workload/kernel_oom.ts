import { PACT_ROOT, parseFlatKeyed, WORKLOAD_ROOT } from "../../contracts/mod.ts";
import { type Files, isShimError } from "../../ffi/mod.ts";

/** Counts processes that the kernel ended for want of memory where nobody else does (OOM-3). */
export interface KernelOomWatch {
  /** How many since the last look that were in no service and in no workload. */
  look(): bigint;
}

const VMSTAT = "/proc/vmstat";
const MAX_BYTES = 64 * 1024;

/** A watch that begins now: what was before is of no interest. */
export function openKernelOomWatch(
  files: Pick<Files, "readText">,
  cgroupRoot: string,
): KernelOomWatch {
  const killsIn = (path: string): bigint => {
    try {
      return parseFlatKeyed(files.readText(path, { maxBytes: MAX_BYTES }), "oom_kill") ?? 0n;
    } catch (error) {
      if (isShimError(error)) return 0n;
      throw error;
    }
  };
  const slices = [PACT_ROOT, WORKLOAD_ROOT].map((slice) =>
    new GrowingCount(() => killsIn(`${cgroupRoot}/${slice}/memory.events`))
  );
  const outside = () => killsIn(VMSTAT) - slices.reduce((sum, slice) => sum + slice.read(), 0n);
  let last = outside();
  let told = last;
  return {
    look: () => {
      // The counters are not changed at once: only what two looks agree on is so.
      const now = outside();
      const steady = now < last ? now : last;
      last = now;
      if (steady <= told) return 0n;
      const news = steady - told;
      told = steady;
      return news;
    },
  };
}

/** A counter that begins anew with its cgroup, and is added up over all of them. */
class GrowingCount {
  #past = 0n;
  #last = 0n;

  constructor(private readonly count: () => bigint) {}

  read(): bigint {
    const now = this.count();
    if (now < this.#last) this.#past += this.#last;
    this.#last = now;
    return this.#past + now;
  }
}
