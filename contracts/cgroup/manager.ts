/** What every cgroup backend offers (section 3.3). */
import type { ResourceLimits } from "./limits.ts";
import type { CgroupMetrics } from "./metrics.ts";
import type { CgroupHandle } from "./scope.ts";

/**
 * A backend of the cgroup tree: Linux, a file tree that imitates it, or memory. All of them pass
 * one conformance suite (NC-2). Every operation takes paths relative to the cgroup root or
 * absolute below it, and fails with `CgroupError`.
 */
export interface CgroupManager {
  /** Makes both roots and pact's slices and enables controllers top-down. Idempotent. */
  createHierarchy(): Promise<void>;
  /** Makes a scope with its limits; nothing is left behind on failure (CG-21). */
  createScope(parent: string, name: string, limits: ResourceLimits): Promise<CgroupHandle>;
  /** Kills every process of the subtree, then removes it (CG-24). */
  destroyScope(handle: CgroupHandle): Promise<void>;
  /** Reads any slice or scope. */
  readMetrics(path: string): Promise<CgroupMetrics>;
  /** True when no process exists in the scope or below it. */
  isScopeEmpty(handle: CgroupHandle): Promise<boolean>;
}
