/** The site's own rules, as a restriction on what roles allow. */
export { ROLE_FACTS } from "../../common/rego/mod.ts";
export { decideWithoutEngine, ENGINE_UNAVAILABLE } from "./degraded.ts";
export type { PolicyEngine } from "./engine.ts";
export type { Verdict } from "../../common/rego/mod.ts";
export {
  changeFacts,
  isAsked,
  isReadOnly,
  type PolicyInput,
  policyInput,
  type RequestDetails,
} from "../../common/rego/mod.ts";
export { openEngine, type OpenEngineOptions, type RunningEngine } from "./open_engine.ts";
export { EmbeddedPolicy } from "./embedded/mod.ts";
export { OpaEvaluator } from "./opa/mod.ts";
export { type EngineOutcome, RegoEngine } from "./rego_engine.ts";
