/** The life of the agent's core process. */
export { type CoreArguments, coreArguments, USAGE } from "./arguments.ts";
export {
  type AgentFailure,
  type AgentProcess,
  type AgentProcessOptions,
  readConfiguration,
  startAgent,
} from "./agent.ts";
export { ConfigurationError } from "./configure.ts";
export { type InitDuties, type InitDutiesOptions, openInitDuties } from "./init_duties.ts";
export { holdNode, type StrandedEnd } from "./stranded.ts";
export { WORKER_PERMISSIONS } from "./worker_permissions.ts";
export { MAX_MISSED, PULSE_MS, WorkerPulse, type WorkerPulseOptions } from "./worker_pulse.ts";
