/**
 * Who may write where in the cgroup tree (CG-3 to CG-6, CG-42). Reading is always permitted and
 * needs no guard. Every write of every backend goes through {@linkcode assertWritable} first.
 */
import { CgroupError } from "./error.ts";
import { OWNER_ROOT, SLICE_OWNERS, type SliceOwner, sliceOwner } from "./slices.ts";

/**
 * What is about to be written: making a directory, `cgroup.subtree_control`, `cgroup.freeze`,
 * `cgroup.kill`, or anything else (limits, `cgroup.procs`, removing a directory).
 */
export type CgroupWrite = "CreateDirectory" | "EnableControllers" | "Freeze" | "Kill" | "Other";

/** What an accepted audit event must show before an emergency write (CG-5). */
export interface EmergencyRecord {
  readonly action: string;
  readonly principal: { readonly identity: string };
}

/** CG-5: the right to freeze or kill below workload.slice during an emergency. */
export interface EmergencyOverride {
  readonly emergencySession: string;
  readonly principal: string;
  readonly reason: string;
  /** The event the sink accepted for this write; `null` while there is none. */
  readonly acceptedEvent: EmergencyRecord | null;
}

export interface WriteRequest {
  /** What is written; default `Other`, which no exception covers. */
  readonly write?: CgroupWrite;
  readonly override?: EmergencyOverride | null;
  /** Absolute path of the cgroup root; default `/sys/fs/cgroup`. */
  readonly cgroupRoot?: string;
}

/**
 * The path below the cgroup root, in one form: absolute paths lose the root, and what could name
 * another place (`..`, `.`, empty segments, NUL) is refused with `null`. The root itself is `""`.
 */
export function normaliseCgroupPath(path: string, cgroupRoot = "/sys/fs/cgroup"): string | null {
  let relative = path;
  if (path.startsWith("/")) {
    if (path === cgroupRoot) return "";
    if (!path.startsWith(`${cgroupRoot}/`)) return null;
    relative = path.slice(cgroupRoot.length + 1);
  }
  if (relative.includes("\0")) return null;
  const odd = relative.split("/").some((part) => part === "" || part === "." || part === "..");
  return odd ? null : relative;
}

/**
 * Returns the normalised path when `caller` may write it, and throws otherwise (CG-3, CG-4).
 *
 * The first segment is compared whole, so `pact.slice-evil` is nobody's. Beyond its own subtree
 * a caller may only make the other's empty root (CG-4, CG-42); Pact may also enable controllers
 * there, and with an override whose audit event was accepted freeze or kill (CG-5). Enabling
 * controllers on the cgroup root is open to both: without it neither subtree has any.
 *
 * ```ts
 * import { assertWritable } from "./guard.ts";
 *
 * assertWritable("pact.slice/gpu.slice/nvidia-persistenced.scope", "Pact");
 * try {
 *   assertWritable("workload.slice/alloc-42.scope", "Pact");
 *   throw new Error("not refused");
 * } catch (error) {
 *   const wanted = "permission denied: workload.slice/alloc-42.scope owned by Workload";
 *   if (!(error instanceof Error) || error.message !== wanted) throw error;
 * }
 * ```
 *
 * @throws {CgroupError} `PermissionDenied`, with the owner if the path has one
 */
export function assertWritable(
  path: string,
  caller: SliceOwner,
  request: WriteRequest = {},
): string {
  const normalised = normaliseCgroupPath(path, request.cgroupRoot);
  const write = request.write ?? "Other";
  if (normalised === "" && write === "EnableControllers") return normalised;
  const owner = normalised === null ? null : ownerOf(normalised);
  if (normalised !== null && owner === caller) return normalised;
  if (
    normalised !== null && owner !== null && mayCross(normalised, owner, caller, write, request)
  ) {
    return normalised;
  }
  throw new CgroupError({
    kind: "PermissionDenied",
    path,
    owner: normalised === null ? sliceOwner(path) : owner,
  });
}

function ownerOf(normalised: string): SliceOwner | null {
  const first = normalised.split("/", 1)[0];
  return SLICE_OWNERS.find((owner) => OWNER_ROOT[owner] === first) ?? null;
}

/** The only ways into the other side's subtree. */
function mayCross(
  path: string,
  owner: SliceOwner,
  caller: SliceOwner,
  write: CgroupWrite,
  request: WriteRequest,
): boolean {
  switch (write) {
    case "CreateDirectory":
      return path === OWNER_ROOT[owner];
    case "EnableControllers":
      return caller === "Pact" && path === OWNER_ROOT[owner];
    case "Freeze":
      return caller === "Pact" && unlocks(request.override, "emergency.freeze");
    case "Kill":
      return caller === "Pact" && unlocks(request.override, "emergency.kill");
    case "Other":
      return false;
  }
}

function unlocks(override: EmergencyOverride | null | undefined, action: string): boolean {
  if (!override || override.acceptedEvent === null) return false;
  const complete = override.emergencySession !== "" && override.principal !== "" &&
    override.reason !== "";
  return complete && override.acceptedEvent.action === action &&
    override.acceptedEvent.principal.identity === override.principal;
}
