import { SUPERVISION_LOOP } from "../../../../agent/supervisor/actor.ts";
import type { ServiceDeclaration } from "../../../../agent/supervisor/declaration.ts";
import type { ExitStatus } from "../../../../agent/supervisor/exit_status.ts";
import type { RestartLimits } from "../../../../agent/supervisor/service_state.ts";
import { type ServiceStatus, supervisorStatus } from "../../../../agent/supervisor/status.ts";
import {
  isAllDown,
  nextWakeMs,
  stepSupervisor,
} from "../../../../agent/supervisor/supervisor_core.ts";
import {
  newSupervisor,
  type ProcessEvent,
  type SupervisorEffect,
  type SupervisorEvent,
  type SupervisorState,
} from "../../../../agent/supervisor/supervisor_state.ts";

export const LIMITS: RestartLimits = {
  backoffMaxSeconds: 60,
  resetAfterMs: 60_000,
  maxRestarts: 0,
};

export const ADMIN = { identity: "ana", principalType: "Human", role: "pact-ops-ml" } as const;

type ProcessFact = ProcessEvent extends infer E
  ? E extends ProcessEvent ? Omit<E, "name" | "run"> : never
  : never;

/** The core with a clock of its own and a log of what it asked for. */
export class SupervisorRig {
  state: SupervisorState;
  nowMs = 0;
  readonly effects: SupervisorEffect[] = [];
  /** What happened, as `spawn chronyd`, `signal chronyd SIGTERM`, ... */
  readonly log: string[] = [];

  constructor(limits: Partial<RestartLimits> = {}) {
    this.state = newSupervisor({ ...LIMITS, ...limits });
  }

  send(event: SupervisorEvent): readonly SupervisorEffect[] {
    const step = stepSupervisor(this.state, event, this.nowMs);
    this.state = step.state;
    this.effects.push(...step.effects);
    for (const effect of step.effects) {
      if (effect.kind === "report") this.log.push(`${effect.action} ${effect.name}`);
      else if (effect.kind === "signal") this.log.push(`signal ${effect.name} ${effect.signal}`);
      else if (effect.kind !== "warn") this.log.push(`${effect.kind} ${effect.name}`);
    }
    return step.effects;
  }

  declare(...declarations: ServiceDeclaration[]): void {
    this.send({ kind: "declare", declarations, by: SUPERVISION_LOOP });
  }

  /** A report of the present run of a service. */
  tell(name: string, event: ProcessFact): void {
    const run = this.state.services.get(name)?.machine.run ?? 0;
    this.send({ ...event, name, run } as ProcessEvent);
  }

  spawned(...names: string[]): void {
    for (const name of names) this.tell(name, { kind: "spawned", pid: 1000 + this.log.length });
  }

  /** The main process ends, and its scope with it. */
  dies(name: string, status: ExitStatus = { kind: "code", code: 1 }): void {
    this.tell(name, { kind: "exited", status });
    this.tell(name, { kind: "scopeCleared" });
  }

  /** Lets time pass, with a tick whenever the core asked to be woken. */
  pass(ms: number): void {
    const targetMs = this.nowMs + ms;
    for (let wake = nextWakeMs(this.state); wake !== null && wake <= targetMs;) {
      this.nowMs = Math.max(this.nowMs, wake);
      this.send({ kind: "tick" });
      wake = nextWakeMs(this.state);
    }
    this.nowMs = targetMs;
  }

  /** What was logged since the last call. */
  news(): string[] {
    return this.log.splice(0);
  }

  /** SUP-13. */
  get settled(): boolean {
    return supervisorStatus(this.state, this.nowMs).settled;
  }

  status(name: string): ServiceStatus {
    const found = supervisorStatus(this.state, this.nowMs).services
      .find((status) => status.name === name);
    if (found === undefined) throw new Error(`no service ${name}`);
    return found;
  }

  /** `Starting (waiting: dependency db)`. */
  text(name: string): string {
    const { state, reason } = this.status(name);
    return reason === "" ? state : `${state} (${reason})`;
  }

  get allDown(): boolean {
    return isAllDown(this.state);
  }
}
