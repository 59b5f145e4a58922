/**
 * The apply-spec: TOML text into checked changes, those reduced to what is news, and changes back
 * into TOML.
 *
 * @module
 */
export { type Acknowledgement, acknowledgementLine, type Decision } from "./acknowledgement.ts";
export { type EffectiveChanges, effectiveChanges } from "./changes.ts";
export { fragmentToml } from "./fragment.ts";
export { parseSpec, type ReadContent, type VClusterChanges } from "./parse.ts";
export { readSpecText, type SpecSource } from "./source.ts";
