/** Errors of the cgroup contract, and the errno table that leads to them (CG-30). */
import { ContractError } from "../error.ts";
import type { SliceOwner } from "./slices.ts";

export type CgroupFault =
  | { readonly kind: "CreationFailed"; readonly reason: string }
  | { readonly kind: "KillFailed"; readonly path: string; readonly reason: string }
  | { readonly kind: "NotFound"; readonly path: string }
  /** `owner` is `null` for a path that belongs to neither side. */
  | {
    readonly kind: "PermissionDenied";
    readonly path: string;
    readonly owner: SliceOwner | null;
  }
  | { readonly kind: "Io"; readonly cause: string };

/** What a cgroup operation fails with. */
export class CgroupError extends ContractError<CgroupFault> {
  constructor(fault: CgroupFault, options?: ErrorOptions) {
    super("CgroupError", messageOf(fault), fault, options);
  }
}

function messageOf(fault: CgroupFault): string {
  switch (fault.kind) {
    case "CreationFailed":
      return `cgroup creation failed: ${fault.reason}`;
    case "KillFailed":
      return `cgroup.kill failed for ${fault.path}: ${fault.reason}`;
    case "NotFound":
      return `cgroup path not found: ${fault.path}`;
    case "PermissionDenied":
      return `permission denied: ${fault.path} owned by ${fault.owner ?? "none"}`;
    case "Io":
      return `cgroup I/O error: ${fault.cause}`;
  }
}

/**
 * The error for an errno name met at `path` (CG-30). EACCES and its kin are I/O errors:
 * PermissionDenied speaks of ownership alone.
 */
export function cgroupErrorFromErrno(errno: string, path: string): CgroupError {
  switch (errno) {
    case "ENOENT":
      return new CgroupError({ kind: "NotFound", path });
    case "ENOSPC":
    case "EMFILE":
      return new CgroupError({ kind: "CreationFailed", reason: `${errno}: ${path}` });
    default:
      return new CgroupError({ kind: "Io", cause: `${errno}: ${path}` });
  }
}

/** A process that outlived `destroy_scope`. */
export interface SurvivingProcess {
  readonly pid: number;
  /** One letter of /proc/PID/stat, e.g. `D`. */
  readonly state: string;
  readonly comm: string;
}

/** How many survivors a KillFailed names. */
export const MAX_LISTED_SURVIVORS = 20;

/** CG-25: the error for a scope that still has processes after the kill limit. */
export function killFailed(path: string, survivors: readonly SurvivingProcess[]): CgroupError {
  const listed = survivors.slice(0, MAX_LISTED_SURVIVORS)
    .map(({ pid, state, comm }) => `${pid}(${state},${comm})`);
  return new CgroupError({
    kind: "KillFailed",
    path,
    reason: `processes still alive: ${listed.join(",")}`,
  });
}
