/** What rules may read of a role under `data.pact.roles`. */
export interface RoleFacts {
  readonly description: string;
  readonly machine: boolean;
  /** Whether the role's name ends in a vCluster. */
  readonly scoped: boolean;
}

/** The roles as policy.md section 3 names them; scoped ones by their prefix. */
export const ROLE_FACTS: Readonly<Record<string, RoleFacts>> = {
  "pact-platform-admin": { description: "full access", machine: false, scoped: false },
  "pact-ops-": { description: "daily operation of a vCluster", machine: false, scoped: true },
  "pact-viewer-": { description: "reads a vCluster", machine: false, scoped: true },
  "pact-regulated-": {
    description: "operates a vCluster, every change needs a second person",
    machine: false,
    scoped: true,
  },
  "pact-service-agent": { description: "a node's agent", machine: true, scoped: false },
  "pact-service-ai": { description: "AI assistants", machine: true, scoped: false },
};
