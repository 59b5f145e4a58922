/** Audit (contracts section 7): events, actions, redaction, the line chain, compliance, sinks. */
export * from "./actions.ts";
export * from "./chain.ts";
export * from "./event.ts";
export * from "./policy.ts";
export * from "./redact.ts";
export * from "./sink.ts";
