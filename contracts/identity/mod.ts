/** Workload identity (contracts section 8): the identity, its validity, and the cascade. */
export * from "./cascade.ts";
export * from "./config.ts";
export * from "./error.ts";
export * from "./identity.ts";
export * from "./private_key.ts";
