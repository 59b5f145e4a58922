/** The engine `embedded`: Rego compiled to WebAssembly, evaluated inside the journal. */
export { BundleError, readBundle } from "../../../common/rego/mod.ts";
export { EmbeddedPolicy, type EmbeddedPolicyOptions } from "./embedded_policy.ts";
export { shippedBundle } from "./shipped_bundle.ts";
