/** Compiles the shipped Rego, and says whether what is checked in is what it compiles to. */
export {
  type CompiledWasm,
  compileShippedPolicy,
  isShippedPolicyCurrent,
  SHIPPED_FILE,
} from "./shipped_policy.ts";
