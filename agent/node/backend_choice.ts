/**
 * Which backend runs the services of this node (CTX-7). Pure.
 *
 * @module
 */

export type Backend = "pact" | "systemd";

/** What the choice depends on. */
export interface BackendFacts {
  /** What this boot of the node has decided already; null when nothing. */
  readonly recorded: Backend | null;
  /** The vCluster's policy; null while it is not known. */
  readonly declared: Backend | null;
  readonly configured: Backend;
  /** systemd is the node's first program. */
  readonly isSystemdRunning: boolean;
}

/** `open`: the policy will say. */
export type BackendChoice =
  | { readonly kind: "chosen"; readonly backend: Backend }
  | { readonly kind: "open" }
  | { readonly kind: "impossible"; readonly reason: string };

/**
 * Decides once per boot. A policy known in time wins over the configuration (ACF-3), but cannot make a
 * first program of systemd where there is another one: that takes another `init=`.
 */
export function chooseBackend(facts: BackendFacts): BackendChoice {
  const { recorded, declared, configured, isSystemdRunning } = facts;
  if (recorded !== null && (recorded === "pact" || isSystemdRunning)) {
    return { kind: "chosen", backend: recorded };
  }
  if (isSystemdRunning) {
    return declared === null ? { kind: "open" } : { kind: "chosen", backend: declared };
  }
  // SYD-8: whoever configured this node for systemd has to boot it so.
  if (configured === "systemd" && declared !== "pact") {
    return { kind: "impossible", reason: "systemd is not running" };
  }
  return { kind: "chosen", backend: "pact" };
}

/** What status shows of a backend that is wanted and is not the one at work; null when it is. */
export function pendingText(
  inUse: Backend,
  { declared, configured, isSystemdRunning }: Omit<BackendFacts, "recorded">,
): string | null {
  const wanted = declared ?? configured;
  if (wanted === inUse) return null;
  const hint = wanted === "systemd" && !isSystemdRunning
    ? "; boot it with systemd as its first program"
    : "";
  return `backend change pending reboot: ${wanted} is declared, ${inUse} runs the services${hint}`;
}

/** Reads a backend's name; null for what is none, or empty. */
export function backendNamed(text: string | undefined): Backend | null {
  return text === "pact" || text === "systemd" ? text : null;
}
