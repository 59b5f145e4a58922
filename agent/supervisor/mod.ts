/**
 * Keeps the declared services of a node running: order, dependencies, health, restarts, ordered
 * stop and captured output (agent.md 5).
 *
 * @module
 */
export { type Actor, SUPERVISION_LOOP } from "./actor.ts";
export type { ExitStatus } from "./exit_status.ts";
export type { FormerEnds } from "./former_end.ts";
export type { HealthCheck, HealthProbe, RestartPolicy, ServiceDeclaration } from "./declaration.ts";
export type { NodePlace } from "./environment.ts";
export { SupervisorError, type SupervisorFault } from "./errors.ts";
export type { InterfaceNews } from "./interfaces.ts";
export { planStart, type StartPlan } from "./plan.ts";
export { createNetworkProber, type Prober } from "./probes.ts";
export { ServiceLog } from "./service_log.ts";
export type { ReadLogOptions, ServiceLogOptions } from "./service_log.ts";
export { readServiceSpec, resolveSlice } from "./service_spec.ts";
export type { ReportAction, RestartLimits } from "./service_state.ts";
export type { SupervisorSnapshot } from "./snapshot.ts";
export { loadStateFile } from "./state_file.ts";
export type { ServiceStatus, SupervisorStatus } from "./status.ts";
export type { ServiceReport, SupervisorNotice } from "./notices.ts";
export type { ServiceManager, StopOptions } from "./service_manager.ts";
export { Supervisor, type SupervisorOptions } from "./supervisor.ts";
export { serviceAuditEvent } from "./audit.ts";
export { NoticeFeed } from "./notices.ts";
export { InterfacePoll } from "./interface_poll.ts";
export { interfacesUp } from "./interfaces.ts";
export {
  beginHealth,
  type HealthState,
  healthWakeAtMs,
  isGateOverdue,
  isProbeDue,
  probeAnswered,
  probeStarted,
} from "./health.ts";
