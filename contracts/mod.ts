/**
 * The contracts that pact and the workload manager share on a node: types, constants and pure
 * functions without input, output, timers or Linux (NC-1).
 */
export * from "./audit/mod.ts";
export * from "./blacklist.ts";
export * from "./cgroup/mod.ts";
export * from "./drift_category.ts";
export * from "./error.ts";
export * from "./identifiers.ts";
export * from "./identity/mod.ts";
export * from "./json.ts";
export * from "./json_reader.ts";
export * from "./mount/mod.ts";
export * from "./namespace/mod.ts";
export * from "./paths.ts";
export * from "./readiness.ts";
export * from "./version.ts";
