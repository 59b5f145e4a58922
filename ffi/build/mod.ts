/**
 * Building the native library from its C sources. For tools and tests; the agent never builds.
 *
 * @module
 */
export { buildSanitized } from "./build_sanitized.ts";
export { buildShim, type BuiltShim, shimSources } from "./build_shim.ts";
export { type Compiler, findCompiler, ShimBuildError } from "./compiler.ts";
