/**
 * Life under `pact-init`, PID 1 of a node: beats, how the machine ends, what was missed while no agent
 * was there (agent.md 3.2, 3.3).
 *
 * @module
 */
export { ConsoleLogin, type ConsoleLoginOptions } from "./console_login.ts";
export { type Ending, endingOf, type MachineEnd, STOP_SIGNALS, type StopSignal } from "./ending.ts";
export { BEAT_VARIABLE, type InitFacts, initFacts } from "./facts.ts";
export { InitLink, type InitLinkOptions } from "./init_link.ts";
export { chooseAgent, UpgradeError } from "./upgrade.ts";
export { openReapedRecord, type ReapedRecord } from "./reaped_record.ts";
