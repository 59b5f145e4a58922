/**
 * What rules in Rego are asked about a request, and what their answers mean: the same for the engines
 * of the journal and for whoever tries rules out. What evaluates compiled rules is in `compiled/`.
 */
export { BundleError, type PolicyBundle, readBundle, readBundleFrom } from "./bundle.ts";
export {
  EngineUnavailable,
  packageOf,
  type RegoDocuments,
  type RegoEvaluator,
  type RegoQuestion,
} from "./evaluator.ts";
export {
  type ChangeFacts,
  changeFacts,
  type InputFacts,
  isAsked,
  isReadOnly,
  type PolicyInput,
  policyInput,
  type RequestDetails,
} from "./input.ts";
export { questionsOf } from "./questions.ts";
export { ROLE_FACTS, type RoleFacts } from "./roles.ts";
export { strictest, type Verdict, verdictOf } from "./verdict.ts";
