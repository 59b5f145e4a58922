/** What on a node is operational noise, never configuration drift, unless somebody declares it. */

/** Patterns nobody can remove: the runtime folders of pact and of the workload manager (BLK-1). */
export const BUILT_IN_PATTERNS: readonly string[] = ["/run/pact/**", "/run/lattice/**"];

/** The patterns every node begins with (agent.md section 2, CLI-112). */
export const DEFAULT_PATTERNS: readonly string[] = [
  "/tmp/**",
  "/var/log/**",
  "/proc/**",
  "/sys/**",
  "/dev/**",
  "/run/user/**",
  ...BUILT_IN_PATTERNS,
];
