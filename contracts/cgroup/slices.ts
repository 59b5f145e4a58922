/** The slices of a node and who owns them (CG-1, CG-2). Paths are below the cgroup root. */

/** Everything pact supervises. */
export const PACT_ROOT = "pact.slice";
/** chronyd, dbus-daemon, rasdaemon. */
export const PACT_INFRA = "pact.slice/infra.slice";
/** cxi_rh, one instance per NIC. */
export const PACT_NETWORK = "pact.slice/network.slice";
/** nvidia-persistenced, nv-hostengine. */
export const PACT_GPU = "pact.slice/gpu.slice";
/** auditd and audit-forwarder, on regulated vClusters. */
export const PACT_AUDIT = "pact.slice/audit.slice";
/** Allocations; lattice owns it. */
export const WORKLOAD_ROOT = "workload.slice";

/** The five slices of pact, parents first. */
export const PACT_SLICES: readonly string[] = [
  PACT_ROOT,
  PACT_INFRA,
  PACT_NETWORK,
  PACT_GPU,
  PACT_AUDIT,
];

/** All slices `create_hierarchy` makes, parents first. */
export const ALL_SLICES: readonly string[] = [...PACT_SLICES, WORKLOAD_ROOT];

/** Controllers wanted on every level (CG-20). */
export const WANTED_CONTROLLERS: readonly string[] = ["memory", "cpu", "io", "pids"];

/** CG-28: where a process found directly in a slice directory is moved. */
export const STRAYS_SCOPE = "pact.slice/strays.scope";

export const SLICE_OWNERS = ["Pact", "Workload"] as const;

/** Who may write a subtree. */
export type SliceOwner = (typeof SLICE_OWNERS)[number];

/** The root of each owner's subtree. */
export const OWNER_ROOT: Readonly<Record<SliceOwner, string>> = {
  Pact: PACT_ROOT,
  Workload: WORKLOAD_ROOT,
};

/**
 * Classifies a path by plain text prefix (CG-2); `null` for one that belongs to neither.
 *
 * For display and sorting only: `pact.slice-evil` is classified `Pact`. What may be written is
 * decided by {@linkcode import("./guard.ts").assertWritable}.
 *
 * ```ts
 * import { sliceOwner } from "./slices.ts";
 *
 * if (sliceOwner("pact.slice/infra.slice/chronyd.scope") !== "Pact") throw new Error();
 * if (sliceOwner("workload.slice-extra") !== "Workload") throw new Error();
 * if (sliceOwner("system.slice") !== null) throw new Error();
 * ```
 */
export function sliceOwner(path: string): SliceOwner | null {
  return SLICE_OWNERS.find((owner) => path.startsWith(OWNER_ROOT[owner])) ?? null;
}
