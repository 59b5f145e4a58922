/**
 * The servers behind the tools: the journal and the agents, and how a call to them fails.
 *
 * @module
 */
export type { AgentClient, Agents } from "./agents.ts";
export { type Backend, createBackend } from "./backend.ts";
export { forEachAtOnce } from "./each.ts";
export { TimedOut, Unreachable, Untrusted } from "./failure.ts";
export type { JournalLink, JournalServices } from "./journal_link.ts";
