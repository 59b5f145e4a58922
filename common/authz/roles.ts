/** A role as its text says, or `unknown` (policy.md section 3). */
export type Role =
  | { readonly kind: "platform-admin" }
  | { readonly kind: "ops" | "viewer" | "regulated"; readonly vclusterId: string }
  | { readonly kind: "service-agent" }
  | { readonly kind: "service-ai" }
  | { readonly kind: "unknown" };

const SCOPED = [
  ["pact-ops-", "ops"],
  ["pact-viewer-", "viewer"],
  ["pact-regulated-", "regulated"],
] as const;

/** Full access role. */
export const PLATFORM_ADMIN = "pact-platform-admin";
/** Machine role of node agents. */
export const SERVICE_AGENT = "pact-service-agent";
/** Machine role of AI assistants. */
export const SERVICE_AI = "pact-service-ai";

/** Reads a role name; everything after the prefix is the vCluster, and it must not be empty (ROL-1). */
export function parseRole(name: string): Role {
  if (name === PLATFORM_ADMIN) return { kind: "platform-admin" };
  if (name === SERVICE_AGENT) return { kind: "service-agent" };
  if (name === SERVICE_AI) return { kind: "service-ai" };
  for (const [prefix, kind] of SCOPED) {
    const vclusterId = name.startsWith(prefix) ? name.slice(prefix.length) : "";
    if (vclusterId !== "") return { kind, vclusterId };
  }
  return { kind: "unknown" };
}

/** Whether a role belongs to a machine, whatever its token claims (ROL-3). */
export function isMachineRole(name: string): boolean {
  return name.startsWith("pact-service-");
}
