/** The namespace handoff (contracts section 4): types, errors, messages and their framing. */
export * from "./error.ts";
export * from "./frame.ts";
export * from "./message.ts";
export * from "./rules.ts";
export * from "./types.ts";
