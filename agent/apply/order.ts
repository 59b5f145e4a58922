import type { DriftCategory } from "../drift/mod.ts";

/** The order in which dimensions are applied; reverted and released in reverse (APL-2, RBK-2). */
export const APPLY_ORDER: readonly DriftCategory[] = [
  "kernel",
  "files",
  "mounts",
  "network",
  "gpu",
  "packages",
  "services",
];
