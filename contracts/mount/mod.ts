/** Mount sharing (contracts section 5): handles, the state machine of a mount, reconstruction. */
export * from "./error.ts";
export * from "./handle.ts";
export * from "./machine.ts";
export * from "./manager.ts";
export * from "./reconstruct.ts";
