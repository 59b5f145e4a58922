import { DRIFT_CATEGORIES, type DriftCategory } from "../../contracts/mod.ts";

export { DRIFT_CATEGORIES, type DriftCategory };

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
