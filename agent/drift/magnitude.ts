import { DRIFT_CATEGORIES, type DriftCategory, type PerCategory, perCategory } from "./category.ts";
import { DEFAULT_SEVERITY, severity, type SeverityTable } from "./severity.ts";

/** A dimension never counts for more than this (DRIFT-3). */
export const MAX_DIMENSION = 10;

/** The published weights (DRIFT-4). */
export const DEFAULT_WEIGHTS: PerCategory = { ...perCategory(1), kernel: 2, gpu: 2 };

/** How far a node is from what was declared: by dimension, and as one number. */
export interface DriftMagnitude {
  readonly perCategory: PerCategory;
  readonly total: number;
}

/**
 * Sums the severities of the items by dimension (DRIFT-3): `min(10, sum)`, 0 without items.
 */
export function dimensionValues(
  items: Iterable<{ readonly category: DriftCategory; readonly key: string }>,
  table: SeverityTable = DEFAULT_SEVERITY,
): PerCategory {
  const values = perCategory(0);
  for (const item of items) {
    values[item.category] = Math.min(
      MAX_DIMENSION,
      values[item.category] + severity(item, table),
    );
  }
  return values;
}

/**
 * `sqrt(Σ w·d²)` over the dimensions (DRIFT-4, D4). A weight of 0 ignores its dimension.
 *
 * @example
 * ```ts
 * import { magnitude } from "./magnitude.ts";
 * import assert from "node:assert/strict";
 *
 * const oneFile = { mounts: 0, files: 0.15, network: 0, services: 0, kernel: 0, packages: 0, gpu: 0 };
 * assert.equal(magnitude(oneFile), 0.15);
 * ```
 */
export function magnitude(values: PerCategory, weights: PerCategory = DEFAULT_WEIGHTS): number {
  let sum = 0;
  for (const category of DRIFT_CATEGORIES) {
    const value = Math.max(0, values[category]);
    sum += Math.max(0, weights[category]) * value * value;
  }
  return Math.sqrt(sum);
}

/** The magnitude of a set of drifted items. */
export function magnitudeOf(
  items: Iterable<{ readonly category: DriftCategory; readonly key: string }>,
  weights: PerCategory = DEFAULT_WEIGHTS,
  table: SeverityTable = DEFAULT_SEVERITY,
): DriftMagnitude {
  const values = dimensionValues(items, table);
  return { perCategory: values, total: magnitude(values, weights) };
}
