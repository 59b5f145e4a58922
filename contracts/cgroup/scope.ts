/** Where scopes lie (CG-11, CG-21, CG-22, CG-40). */
import { checkAllocationId, isUnitName } from "../identifiers.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { JsonReader } from "../json_reader.ts";
import { CgroupError } from "./error.ts";
import { normaliseCgroupPath } from "./guard.ts";
import { PACT_ROOT, PACT_SLICES, WORKLOAD_ROOT } from "./slices.ts";

/** A scope, named by its path below the cgroup root. */
export interface CgroupHandle {
  readonly path: string;
}

/** A scope gets this long to die before `destroy_scope` gives up (CG-24). */
export const DESTROY_LIMIT_MS = 10_000;

/** CG-29: the host has no unified hierarchy. */
export const UNIFIED_REQUIRED = "cgroup v2 unified hierarchy required";

/** CG-21: whether `path` is one of pact's five slices, which are parents without being looked up. */
export function isPactSlice(path: string): boolean {
  return PACT_SLICES.includes(path);
}

/**
 * The path of a scope relative to the cgroup root (CG-11).
 *
 * ```ts
 * import { scopePath } from "./scope.ts";
 * import { PACT_GPU } from "./slices.ts";
 *
 * const path = scopePath(PACT_GPU, "nvidia-persistenced");
 * if (path !== "pact.slice/gpu.slice/nvidia-persistenced.scope") throw new Error(path);
 * ```
 *
 * @param parent a slice, relative or absolute below `cgroupRoot`
 * @throws {CgroupError} `CreationFailed`: the name is outside its grammar (NC-8), or the parent
 * is below neither pact.slice nor workload.slice (`unknown slice: X`)
 */
export function scopePath(parent: string, name: string, cgroupRoot?: string): string {
  if (!isUnitName(name)) throw creationFailed(`invalid scope name: ${JSON.stringify(name)}`);
  const slice = normaliseCgroupPath(parent, cgroupRoot);
  const first = slice?.split("/", 1)[0];
  if (slice === null || (first !== PACT_ROOT && first !== WORKLOAD_ROOT)) {
    throw creationFailed(`unknown slice: ${parent}`);
  }
  return `${slice}/${name}.scope`;
}

/** CG-22: the name tried after `round` zombies of the same name; the plain name for round 0. */
export function scopeNameAfterZombies(name: string, round: number): string {
  return round === 0 ? name : `${name}.${round}`;
}

/** CG-22: the scope exists and has processes in it. */
export function scopeInUse(name: string, processes: number): CgroupError {
  return creationFailed(`scope ${name} already in use (${processes} processes)`);
}

/** CG-40: the scope lattice makes for an allocation. @throws {IdentifierError} */
export function allocationScopePath(allocationId: string): string {
  return `${WORKLOAD_ROOT}/alloc-${checkAllocationId(allocationId)}.scope`;
}

/** The JSON form of a handle, with the names of the contract. */
export function cgroupHandleToJson(handle: CgroupHandle): JsonObject {
  return { path: handle.path };
}

/** @throws {JsonError} when the path is missing */
export function cgroupHandleFromJson(value: JsonValue): CgroupHandle {
  return { path: new JsonReader(value, "handle").text("path") };
}

function creationFailed(reason: string): CgroupError {
  return new CgroupError({ kind: "CreationFailed", reason });
}
