import type { ConvergenceEvent } from "./convergence_types.ts";
import type { WindowEffect } from "./window_state.ts";

/** What is told of an effect of the window. */
export function windowNotice(
  effect: Exclude<WindowEffect, { kind: "rollBack" }>,
  remainingSeconds: number,
): ConvergenceEvent {
  switch (effect.kind) {
    case "opened":
      return { kind: "windowOpened", remainingSeconds };
    case "deadlineMoved":
      return { kind: "deadlineMoved", remainingSeconds };
    case "closed":
      return { kind: "windowClosed", reason: effect.reason };
    case "alert":
      return { kind: "alert", text: effect.text };
  }
}
