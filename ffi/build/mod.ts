/**
 * Building the native libraries and programs from their C sources. For tools and tests; the agent never builds.
 *
 * @module
 */
export { buildInit, buildTestInit, INIT_SOURCES } from "./build_init.ts";
export type { BuildOptions, BuiltLibrary } from "./build_library.ts";
export { buildNamespaces } from "./build_namespaces.ts";
export { buildNss, NSS_SOURCES } from "./build_nss.ts";
export { buildProbe, TRACEFS_SOURCES } from "./build_probe.ts";
export { buildSanitized, type SanitizedPlan } from "./build_sanitized.ts";
export { buildShim, SHIM_SOURCES, shimSources } from "./build_shim.ts";
export { type Compiler, findCompiler, ShimBuildError } from "./compiler.ts";
