import type { Clock } from "../../common/clock/mod.ts";
import {
  beginHealth,
  type HealthState,
  healthWakeAtMs,
  isGateOverdue,
  isProbeDue,
  probeAnswered,
  type Prober,
  probeStarted,
  type ServiceDeclaration,
  type ServiceStatus,
} from "../supervisor/mod.ts";
import type { UnitStatus } from "./unit_status.ts";

/*
 * Shell: the Http and Tcp checks of services that systemd runs (SYD-6). Owns the answers; nothing of it
 * goes on after the last probe has answered.
 */

interface Checked {
  readonly pid: number;
  readonly health: HealthState;
  /** Its dependents have waited as long as they may (HLT-4). */
  readonly isLate: boolean;
}

/** What becomes of probes. */
export interface HealthListener {
  /** Three failures in a row. */
  onUnhealthy(declaration: ServiceDeclaration, detail: string): void;
  /** There was no success in the time that dependents wait for it (HLT-4). */
  onLate(declaration: ServiceDeclaration): void;
  /** There is a time for the next one again. */
  onAnswered(): void;
}

export class UnitHealth {
  /** Factor on the intervals: 2 while workload runs (HLT-2). */
  stretch = 1;
  readonly #clock: Clock;
  readonly #prober: Prober;
  readonly #checked = new Map<string, Checked>();

  constructor(clock: Clock, prober: Prober) {
    this.#clock = clock;
    this.#prober = prober;
  }

  /**
   * Starts the probes that are due.
   *
   * @param seenStart whether processes that are new here have just been started; those that a former
   * agent left have no limit to become healthy in
   */
  check(
    declarations: readonly ServiceDeclaration[],
    units: ReadonlyMap<string, UnitStatus>,
    listener: HealthListener,
    seenStart: boolean,
  ): void {
    const declared = new Set(declarations.map(({ name }) => name));
    for (const name of this.#checked.keys()) if (!declared.has(name)) this.#checked.delete(name);
    for (const declaration of declarations) {
      const { name, healthCheck } = declaration;
      const unit = units.get(name);
      if (unit?.state !== "Running" || healthCheck.probe.kind === "Process") {
        this.#checked.delete(name);
        continue;
      }
      const nowMs = this.#clock.monotonicMs();
      const found = this.#checked.get(name);
      const checked = found?.pid === unit.pid ? found : begin(declaration, unit.pid, {
        nowMs,
        seenStart,
      });
      const isOverdue = isGateOverdue(checked.health, nowMs);
      // Told once; checks go on all the same.
      const health = isOverdue ? { ...checked.health, gateUntilMs: null } : checked.health;
      const isDue = isProbeDue(health, nowMs);
      this.#checked.set(name, {
        pid: unit.pid,
        health: isDue ? probeStarted(health) : health,
        isLate: checked.isLate || isOverdue,
      });
      if (isOverdue) listener.onLate(declaration);
      if (isDue) this.#probe(declaration, unit.pid, listener);
    }
  }

  /** Whether a check of the service's process has succeeded. */
  hasPassed(name: string): boolean {
    return this.#checked.get(name)?.health.passed ?? false;
  }

  /** Whether it has had no success in time. */
  isLate(name: string): boolean {
    return this.#checked.get(name)?.isLate ?? false;
  }

  /** How long until a probe is due, at most `limitMs`. */
  nextInMs(limitMs: number): number {
    const nowMs = this.#clock.monotonicMs();
    const due = [...this.#checked.values()].map(({ health }) => healthWakeAtMs(health) ?? Infinity);
    return Math.max(0, Math.min(limitMs, ...due.map((atMs) => atMs - nowMs)));
  }

  wordFor(name: string): ServiceStatus["health"] {
    const health = this.#checked.get(name)?.health;
    if (health === undefined || (!health.passed && health.consecutiveFailures === 0)) {
      return "unknown";
    }
    return health.consecutiveFailures > 0 ? "failing" : "healthy";
  }

  async #probe(
    declaration: ServiceDeclaration,
    pid: number,
    listener: HealthListener,
  ): Promise<void> {
    const { name, healthCheck } = declaration;
    const answer = await this.#prober(healthCheck.probe);
    const known = this.#checked.get(name);
    if (known?.pid !== pid) return;
    const nowMs = this.#clock.monotonicMs();
    const { health, verdict } = probeAnswered(known.health, answer, healthCheck, {
      nowMs,
      stretch: this.stretch,
    });
    const isUnhealthy = verdict === "unhealthy";
    // Told once; then the count begins anew.
    const kept = isUnhealthy ? { ...health, consecutiveFailures: 1 } : health;
    this.#checked.set(name, { pid, health: kept, isLate: known.isLate && !health.passed });
    if (isUnhealthy) listener.onUnhealthy(declaration, answer.detail);
    listener.onAnswered();
  }
}

function begin(
  { healthCheck }: ServiceDeclaration,
  pid: number,
  { nowMs, seenStart }: { readonly nowMs: number; readonly seenStart: boolean },
): Checked {
  const health = beginHealth(healthCheck, nowMs);
  return { pid, health: seenStart ? health : { ...health, gateUntilMs: null }, isLate: false };
}
