import type { Identity } from "../../../common/model/mod.ts";

/** A platform administrator. */
export const ANN: Identity = {
  principal: "ann@example.org",
  principal_type: "Human",
  role: "pact-platform-admin",
};

/** A second person. */
export const BOB: Identity = {
  principal: "bob@example.org",
  principal_type: "Human",
  role: "pact-platform-admin",
};

/** Who operates vCluster `ml`. */
export const OPS: Identity = {
  principal: "olga@example.org",
  principal_type: "Human",
  role: "pact-ops-ml",
};

/** The agent of node `n1`. */
export const AGENT: Identity = {
  principal: "pact-service-agent/n1@default",
  principal_type: "Service",
  role: "pact-service-agent",
};
