/** The engine `opa`: a server beside the journal, asked over REST. */
export { OpaEvaluator, type OpaEvaluatorOptions } from "./opa_evaluator.ts";
