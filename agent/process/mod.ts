/** The life of the agent's core process. */
export type { AgentProcessOptions } from "./agent.ts";
export { type InitDuties, type InitDutiesOptions, openInitDuties } from "./init_duties.ts";
export { runAgent } from "./program.ts";
export { MAX_MISSED, PULSE_MS, WorkerPulse, type WorkerPulseOptions } from "./worker_pulse.ts";
