import { type DriftItem, itemName } from "../drift/mod.ts";
import type { NamedReason } from "./convergence_types.ts";

/** What of the reverted items differs all the same, each with what went wrong (RBK-6). */
export function stillDiffering(
  reverted: readonly DriftItem[],
  left: readonly DriftItem[],
  problems: readonly NamedReason[],
): NamedReason[] {
  const names = new Set(reverted.map(itemName));
  const reasons = new Map(problems.map(({ name, reason }) => [name, reason]));
  return left.map(itemName).filter((name) => names.has(name))
    .map((name) => ({ name, reason: reasons.get(name) ?? "still differs" }));
}
