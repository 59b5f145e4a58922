import { SupervisorError } from "./errors.ts";
import { beginHealth } from "./health.ts";
import { beginReadiness } from "./readiness.ts";
import { stepMachine } from "./service_machine.ts";
import type { ServiceEvent } from "./service_state.ts";
import type { SupervisedService, SupervisorEffect, SupervisorState } from "./supervisor_state.ts";

/** The state while one event is worked on, and the effects so far. */
export class Turn {
  readonly effects: SupervisorEffect[] = [];
  readonly nowMs: number;
  state: SupervisorState;

  constructor(state: SupervisorState, nowMs: number) {
    this.state = state;
    this.nowMs = nowMs;
  }

  /** @throws {SupervisorError} UNKNOWN_SERVICE */
  service(name: string): SupervisedService {
    const service = this.state.services.get(name);
    if (service === undefined || service.removed) {
      throw new SupervisorError({ code: "UNKNOWN_SERVICE", service: name });
    }
    return service;
  }

  update(name: string, change: Partial<SupervisedService>): void {
    const service = this.state.services.get(name);
    if (service === undefined) return;
    const services = new Map(this.state.services).set(name, { ...service, ...change });
    this.state = { ...this.state, services };
  }

  forget(name: string): void {
    const services = new Map(this.state.services);
    services.delete(name);
    this.state = { ...this.state, services };
  }

  /** Lets the machine of one service take an event, and passes its effects on. */
  feed(name: string, event: ServiceEvent): void {
    const service = this.state.services.get(name);
    if (service === undefined) return;
    const { limits } = this.state;
    const { declaration } = service;
    const { machine, effects } = stepMachine(service.machine, event, {
      declaration,
      limits,
      nowMs: this.nowMs,
    });
    if (machine !== service.machine) {
      const running = machine.state.kind === "Running";
      const health = running
        ? service.health ?? beginHealth(declaration.healthCheck, this.nowMs)
        : null;
      const readiness = running
        ? service.readiness ?? beginReadiness(declaration, this.nowMs)
        : null;
      this.update(name, { machine, health, readiness });
    }
    for (const effect of effects) {
      const subject = { name, run: machine.run };
      this.effects.push(
        effect.kind === "spawn"
          ? { ...subject, ...effect, declaration }
          : { ...subject, ...effect },
      );
    }
  }

  warn(name: string, message: string): void {
    this.effects.push({ kind: "warn", name, run: 0, message });
  }

  /** @throws {SupervisorError} STOPPING */
  assertNotStopping(): void {
    if (this.state.shutdown !== null) throw new SupervisorError({ code: "STOPPING" });
  }
}
