import type { PolicyInput } from "../../../common/rego/mod.ts";

/** The input of a commit in vCluster `ml`, with what a test changes of it. */
export function exampleInput(changes: Partial<PolicyInput> = {}): PolicyInput {
  return {
    identity: {
      principal: "bo",
      role: "pact-ops-ml",
      roles: ["pact-ops-ml"],
      principal_type: "Human",
    },
    action: "commit",
    scope: { vcluster: "ml", node: null, global: false },
    role: "pact-ops-ml",
    principal: "bo",
    vcluster: "ml",
    emergency_mode: false,
    policy: { regulated: false, two_person_approval: false, enforcement_mode: "observe" },
    time: "2026-03-14T12:00:00.000Z",
    source: "127.0.0.1",
    ...changes,
  };
}
