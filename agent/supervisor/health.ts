/**
 * When to look whether a service is healthy, and what the answers mean (HLT-1 to HLT-4). Pure;
 * `probing` until {@link probeAnswered} is what keeps checks of one service from overlapping.
 *
 * @module
 */
import type { HealthCheck } from "./declaration.ts";

export interface HealthState {
  /** Absent while a probe is under way, and for a Process check, which needs none. */
  readonly nextAtMs: number | null;
  readonly probing: boolean;
  readonly consecutiveFailures: number;
  /** There was a success since the start. */
  readonly passed: boolean;
  /** When a gate that is still shut makes the service fail; absent without one. */
  readonly gateUntilMs: number | null;
  /** The last answer, for people. */
  readonly detail: string;
}

export type HealthVerdict = "healthy" | "failing" | "unhealthy";

/** Failures in a row that make a service unhealthy. */
const FAILURE_LIMIT = 3;
const FIRST_PROBE_MS = 5_000;
const GATE_LIMIT_MS = 30_000;

/** Health of a service that has just been started. */
export function beginHealth(check: HealthCheck, nowMs: number): HealthState {
  const needsProbe = check.probe.kind !== "Process";
  return {
    nextAtMs: needsProbe ? nowMs + firstProbeMs(check) : null,
    probing: false,
    consecutiveFailures: 0,
    passed: !needsProbe,
    gateUntilMs: needsProbe && check.gate ? nowMs + GATE_LIMIT_MS : null,
    detail: "",
  };
}

/** Whether a probe is to be started now; never beside one that is still out. */
export function isProbeDue(health: HealthState, nowMs: number): boolean {
  return !health.probing && health.nextAtMs !== null && nowMs >= health.nextAtMs;
}

/** Whether the time in which the health gate had to open is over. */
export function isGateOverdue(health: HealthState, nowMs: number): boolean {
  return health.gateUntilMs !== null && nowMs >= health.gateUntilMs;
}

/** When there is something to do again; null when only an answer can bring it. */
export function healthWakeAtMs(health: HealthState): number | null {
  if (health.gateUntilMs === null) return health.nextAtMs;
  return Math.min(health.gateUntilMs, health.nextAtMs ?? Infinity);
}

/** The state while a probe is out: none is due before its answer. */
export function probeStarted(health: HealthState): HealthState {
  return { ...health, probing: true, nextAtMs: null };
}

/**
 * The answer of a probe. While a gate is shut, failures do not count towards unhealthy and probes
 * come at the pace of the first one: the gate has a limit of its own.
 *
 * @param stretch factor on the interval, 2 while workload runs on the node (HLT-2)
 */
export function probeAnswered(
  health: HealthState,
  answer: { readonly ok: boolean; readonly detail: string },
  check: HealthCheck,
  { nowMs, stretch }: { readonly nowMs: number; readonly stretch: number },
): { readonly health: HealthState; readonly verdict: HealthVerdict } {
  const gateShut = !answer.ok && health.gateUntilMs !== null;
  const failures = answer.ok || gateShut ? 0 : health.consecutiveFailures + 1;
  const pauseMs = gateShut ? firstProbeMs(check) : check.intervalSeconds * 1000 * stretch;
  return {
    verdict: answer.ok ? "healthy" : failures >= FAILURE_LIMIT ? "unhealthy" : "failing",
    health: {
      nextAtMs: nowMs + pauseMs,
      probing: false,
      consecutiveFailures: failures,
      passed: health.passed || answer.ok,
      gateUntilMs: answer.ok ? null : health.gateUntilMs,
      detail: answer.detail,
    },
  };
}

function firstProbeMs(check: HealthCheck): number {
  return Math.min(check.intervalSeconds * 1000, FIRST_PROBE_MS);
}
