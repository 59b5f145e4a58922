/** The site's own rules, as a restriction on what roles allow. */
export { decideWithoutEngine, ENGINE_UNAVAILABLE } from "./degraded.ts";
export type { PolicyEngine, Verdict } from "./engine.ts";
export {
  changeFacts,
  isAsked,
  isReadOnly,
  type PolicyInput,
  policyInput,
  type RequestDetails,
} from "./input.ts";
export { openEngine, type OpenEngineOptions, type RunningEngine } from "./open_engine.ts";
export type { EngineOutcome } from "./rego_engine.ts";
