/**
 * Helpers for tests of the journal's state: people, commands, a state in memory.
 *
 * @module
 */
export { changedBackup, packedBackup, readBackup, signedBackup, streamOf } from "./backups.ts";
export { append, commit, hold, holdAction, kernel, register, rollback } from "./commands.ts";
export { declareSwappiness } from "./declare.ts";
export { feedHistory } from "./feed_history.ts";
export { AGENT, ANN, BOB, OPS } from "./identities.ts";
export { type RandomStep, randomSteps } from "./random_commands.ts";
export { type SendOptions, TestState } from "./test_state.ts";
export { all, refusalOf } from "./refusal.ts";
export {
  agentName,
  type JournalClients,
  type JournalSite,
  type JournalSiteOptions,
  macOf,
  openJournalSite,
  type SiteNode,
  type TokenClaims,
} from "./site.ts";
export { randomMessageBytes } from "./random_message.ts";
export { framed, rawCall } from "./raw_call.ts";
export { memberAddress, MemoryQuorum, openMemoryQuorum } from "./memory_quorum.ts";
export { METRICS } from "./metrics.ts";
export { auditRecord, SCOPES } from "./samples.ts";
export { TO_SCHEMA_2, TO_SCHEMA_3, TO_SCHEMA_4, TO_SCHEMA_5 } from "./old_schemas.ts";
