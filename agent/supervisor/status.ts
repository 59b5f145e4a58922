import { publishedState, stateReason } from "./service_state.ts";
import type { SupervisedService, SupervisorState } from "./supervisor_state.ts";

/** One service as it is published (SUP-1, SUP-10). */
export interface ServiceStatus {
  readonly name: string;
  readonly state: "Starting" | "Running" | "Stopping" | "Stopped" | "Failed" | "Restarting";
  /** Why, where there is something to say: `waiting: dependency db failed`. */
  readonly reason: string;
  /** 0 without a process. */
  readonly pid: number;
  /** 0 unless Running. */
  readonly uptimeSeconds: number;
  readonly restartCount: number;
  /** What it says of itself by sd_notify(3); empty when nothing. */
  readonly statusText: string;
  readonly health: "unknown" | "healthy" | "failing";
  readonly critical: boolean;
  readonly order: number;
}

export interface SupervisorStatus {
  /** In start order. */
  readonly services: readonly ServiceStatus[];
  readonly declared: number;
  readonly running: number;
  readonly failed: number;
  /** SUP-13: everything runs, or is not critical and has had its chance. */
  readonly settled: boolean;
}

/** What the supervisor says of itself, from memory. */
export function supervisorStatus(state: SupervisorState, nowMs: number): SupervisorStatus {
  const declared = [...state.services.values()].filter(({ removed }) => !removed);
  const services = declared.map((service) => serviceStatus(service, nowMs));
  return {
    services,
    declared: services.length,
    running: services.filter((service) => service.state === "Running").length,
    failed: services.filter((service) => service.state === "Failed").length,
    settled: declared.every(isSettled),
  };
}

function serviceStatus(service: SupervisedService, nowMs: number): ServiceStatus {
  const { declaration, machine } = service;
  const { state } = machine;
  return {
    name: declaration.name,
    state: isGettingReady(service) ? "Starting" : publishedState(machine),
    reason: isGettingReady(service) ? "waiting: its notification" : stateReason(machine),
    statusText: service.readiness?.statusText ?? "",
    pid: state.kind === "Running" || state.kind === "Stopping" ? state.pid ?? 0 : 0,
    uptimeSeconds: state.kind === "Running" ? Math.floor((nowMs - state.sinceMs) / 1000) : 0,
    restartCount: machine.restartCount,
    health: healthText(service),
    critical: declaration.critical,
    order: declaration.order,
  };
}

function healthText({ health }: SupervisedService): ServiceStatus["health"] {
  if (health === null || (!health.passed && health.consecutiveFailures === 0)) return "unknown";
  return health.consecutiveFailures > 0 ? "failing" : "healthy";
}

function isSettled(service: SupervisedService): boolean {
  const { declaration, machine } = service;
  if (isGettingReady(service)) return false;
  if (declaration.desired === "stopped" || machine.state.kind === "Running") return true;
  return !declaration.critical && machine.attempted;
}

/** It runs, and has not said yet that it is ready. */
function isGettingReady({ machine, readiness }: SupervisedService): boolean {
  return machine.state.kind === "Running" && readiness?.ready === false;
}
