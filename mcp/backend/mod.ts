/**
 * The servers behind the tools: the journal and the agents, and how a call to them fails.
 *
 * @module
 */
export type { AgentClient } from "./agents.ts";
export { type Backend, createBackend } from "./backend.ts";
export { forEachAtOnce } from "./each.ts";
export { TimedOut, Unreachable, Untrusted } from "./failure.ts";
