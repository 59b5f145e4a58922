import type { EnforcementMode } from "./window_state.ts";

/** How a node stands to its declaration, as reported (DRIFT-9). */
export type NodeState = "ObserveOnly" | "Committed" | "Drifted" | "Converging" | "Emergency";

/**
 * The reported state (DRIFT-9): Emergency before Converging before Drifted before Committed;
 * ObserveOnly whenever the mode is observe and there is no emergency.
 */
export function nodeState(facts: {
  readonly mode: EnforcementMode;
  readonly emergency: boolean;
  /** Applying, rolling back, or something declared is still to be applied (APL-6). */
  readonly converging: boolean;
  readonly drifted: boolean;
}): NodeState {
  if (facts.emergency) return "Emergency";
  if (facts.mode === "observe") return "ObserveOnly";
  if (facts.converging) return "Converging";
  return facts.drifted ? "Drifted" : "Committed";
}
