/** The cgroup contract (contracts section 3): slices and owners, the write guard, scopes, limits. */
export * from "./error.ts";
export * from "./guard.ts";
export * from "./limits.ts";
export * from "./manager.ts";
export * from "./metrics.ts";
export * from "./scope.ts";
export * from "./slices.ts";
