import type { DriftCategory } from "../drift/mod.ts";
import { type Dimension, unavailable } from "./provider.ts";

/**
 * A dimension that this build does not manage: whatever is declared in it is reported as
 * unavailable with the reason, is never drift, and nothing pretends to have been done (CTX-5).
 */
export function unsupportedDimension(category: DriftCategory, reason: string): Dimension {
  const refuse = (keys: Iterable<{ readonly key: string }>) =>
    Promise.resolve(Array.from(keys, ({ key }) => unavailable(key, reason)));
  return {
    category,
    availability: () => ({ available: false, reason }),
    observe: (keys) =>
      Promise.resolve(
        new Map(Array.from(keys, (key) => [key, { state: "unavailable", reason }] as const)),
      ),
    diff: () => Promise.resolve([]),
    apply: refuse,
    revert: refuse,
    release: (operations) =>
      Promise.resolve(operations.map(({ key }) => ({ key, result: "done" }))),
    capture: () => Promise.resolve({ ok: false, reason }),
    consumers: () => Promise.resolve([]),
    limitations: () => Promise.resolve(new Map()),
  };
}
