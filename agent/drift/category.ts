/** The seven dimensions in which a node can drift, in canonical order (DRIFT-1, D2). */
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

/** One number per dimension. */
export type PerCategory = Readonly<Record<DriftCategory, number>>;

/** A record that holds `value` for every dimension. */
export function perCategory(value: number): Record<DriftCategory, number> {
  return {
    mounts: value,
    files: value,
    network: value,
    services: value,
    kernel: value,
    packages: value,
    gpu: value,
  };
}
