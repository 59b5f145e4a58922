import type { Person } from "../../tests/support/site/mod.ts";

/** Runs the platform. */
export const ANA: Person = { name: "ana", role: "pact-platform-admin" };

/** Operates the vCluster `demo`, and nothing else. */
export const BEN: Person = { name: "ben", role: "pact-ops-demo" };

/** An AI assistant, which may look but not change. */
export const ASSISTANT: Person = { name: "assistant", role: "pact-service-ai" };

/** The nodes of the tour. */
export const NODES = ["node-1", "node-2"] as const;
