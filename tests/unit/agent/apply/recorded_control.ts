import type { agentport } from "../../../../api/mod.ts";
import type { ServiceCondition, ServiceControl } from "../../../../agent/apply/mod.ts";

/** A supervisor reduced to its states; the real one is tested with real processes. */
export class RecordedControl implements ServiceControl {
  readonly states = new Map<string, ServiceCondition>();
  readonly calls: string[] = [];
  refusal: string | undefined;

  conditions() {
    return this.states;
  }

  declare(specs: readonly agentport.ServiceSpec[]): Promise<void> {
    if (this.refusal !== undefined) return Promise.reject(new Error(this.refusal));
    this.calls.push(`declare ${specs.map(({ name, stopped }) => stopped ? `(${name})` : name)}`);
    for (const { name, stopped } of specs) {
      this.states.set(name, { state: stopped ? "stopped" : "running", reason: "" });
    }
    for (const name of [...this.states.keys()]) {
      if (!specs.some((spec) => spec.name === name)) this.states.delete(name);
    }
    return Promise.resolve();
  }

  start(name: string): Promise<void> {
    this.calls.push(`start ${name}`);
    this.states.set(name, { state: "running", reason: "" });
    return Promise.resolve();
  }

  stop(name: string): Promise<void> {
    this.calls.push(`stop ${name}`);
    this.states.set(name, { state: "stopped", reason: "" });
    return Promise.resolve();
  }
}
