import type { WindowRules, WindowState } from "./window_state.ts";

/** What `pact extend` adds when it is not told (WIN-5). */
export const DEFAULT_EXTENSION_MINUTES = 15;
const MAX_EXTENSION_MINUTES = 1440;

/** Whether a window may be extended, and by how much. */
export type ExtensionDecision =
  | { readonly ok: true; readonly additionalMs: number }
  | {
    readonly ok: false;
    readonly code: "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "WINDOW_EXPIRED";
    readonly reason: string;
  };

/**
 * Decides an extension (WIN-5): 1 to 1440 minutes, of an open window, all extensions together no
 * longer than the emergency window.
 */
export function decideExtension(
  state: WindowState,
  minutes: number,
  nowMs: number,
  rules: WindowRules,
): ExtensionDecision {
  if (!(minutes > 0)) return refuse("INVALID_ARGUMENT", "additional_minutes must be > 0");
  if (!Number.isInteger(minutes) || minutes > MAX_EXTENSION_MINUTES) {
    return refuse(
      "INVALID_ARGUMENT",
      `additional_minutes must be a whole number <= ${MAX_EXTENSION_MINUTES}`,
    );
  }
  if (state.kind === "Idle" || state.kind === "Suspended") {
    return refuse("FAILED_PRECONDITION", "no active commit window");
  }
  if (state.kind !== "Open" || state.awaiting !== undefined || nowMs >= state.window.deadlineMs) {
    return refuse("WINDOW_EXPIRED", "commit window expired");
  }
  const additionalMs = minutes * 60_000;
  const limitMs = rules.emergencyWindowSeconds * 1000;
  if (state.window.extendedMs + additionalMs > limitMs) {
    const left = Math.max(0, Math.floor((limitMs - state.window.extendedMs) / 60_000));
    return refuse(
      "FAILED_PRECONDITION",
      `extensions of one window may add up to ${limitMs / 60_000} minutes; ${left} are left`,
    );
  }
  return { ok: true, additionalMs };
}

function refuse(
  code: Extract<ExtensionDecision, { ok: false }>["code"],
  reason: string,
): ExtensionDecision {
  return { ok: false, code, reason };
}
