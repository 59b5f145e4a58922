import type { Logger } from "../../common/log/mod.ts";
import type { Shim } from "../../ffi/mod.ts";
import type { Housekeeping, Isolation } from "../isolation/mod.ts";
import type { Supervisor } from "../supervisor/mod.ts";
import type { Inspection } from "../workload/mod.ts";

/** What inspections look at. */
export interface InspectionParts {
  readonly shim: Shim;
  readonly log: Logger;
  readonly isolation: Isolation;
  readonly supervisor: Pick<Supervisor, "renewDiskLimits">;
}

const BLOCK_DEVICES = "/sys/block";

/** What is put right on a node with cgroups while it is idle (SUP-31). */
export function idleInspections(parts: InspectionParts): readonly Inspection[] {
  const { housekeeping } = parts.isolation;
  if (housekeeping === null) return [];
  return [
    { name: "zombie scopes", everyMs: 10_000, run: () => housekeeping.retryZombies() },
    { name: "strays", everyMs: 5_000, run: () => moveStrays(housekeeping, parts) },
    { name: "disks", everyMs: 30_000, run: watchDisks(parts) },
  ];
}

function moveStrays(housekeeping: Housekeeping, { log }: InspectionParts): void {
  for (const { pid, comm, slice } of housekeeping.moveStrays()) {
    log.warn("process outside of every scope, moved to the strays", { pid, comm, slice });
  }
}

/** io.max names its disks: one that has come is limited too (CG-27). */
function watchDisks({ shim, supervisor }: InspectionParts): () => void {
  const namesNow = () => shim.files.list(BLOCK_DEVICES).map(({ name }) => name).join();
  let known = namesNow();
  return () => {
    const names = namesNow();
    if (names === known) return;
    known = names;
    supervisor.renewDiskLimits();
  };
}
