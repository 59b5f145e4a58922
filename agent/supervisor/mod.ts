/**
 * Keeps the declared services of a node running: order, dependencies, health, restarts, ordered
 * stop and captured output (agent.md 5).
 *
 * @module
 */
export type { Actor } from "./actor.ts";
export { SUPERVISION_LOOP } from "./actor.ts";
export type { HealthCheck, HealthProbe, RestartPolicy, ServiceDeclaration } from "./declaration.ts";
export { SupervisorError, type SupervisorFault } from "./errors.ts";
export { readServiceSpec } from "./service_spec.ts";
export { planStart, type StartPlan } from "./plan.ts";
export type { ServiceStatus, SupervisorStatus } from "./status.ts";
