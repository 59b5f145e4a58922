/** The seven dimensions in which a node can drift, in canonical order (JRN-11, DRIFT-1, D2). */
export const DRIFT_CATEGORIES = [
  "mounts",
  "files",
  "network",
  "services",
  "kernel",
  "packages",
  "gpu",
] as const;

/** One of the seven dimensions. */
export type DriftCategory = (typeof DRIFT_CATEGORIES)[number];
