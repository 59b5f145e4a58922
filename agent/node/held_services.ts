/**
 * Keeps what is declared from starting before the boot has come to services (BTS-1). Until then a
 * declaration is checked and kept, and services of it count as on their way; those that a former agent
 * left running go on and are what they are (BTS-13).
 *
 * | state | declare          | start, stop | release             |
 * | ----- | ---------------- | ----------- | ------------------- |
 * | held  | checked and kept | nothing     | declares it -> open |
 * | open  | passed on        | passed on   | nothing             |
 *
 * @module
 */
import type { agentport } from "../../api/mod.ts";
import type { ServiceCondition, ServiceControl } from "../apply/mod.ts";
import { planStart, readServiceSpec } from "../supervisor/mod.ts";

const NOT_YET: ServiceCondition = {
  state: "changing",
  reason: "the boot has not come to services",
};

/** A {@link ServiceControl} that holds what is declared back until `release`. */
export class HeldServices implements ServiceControl {
  #isOpen = false;
  #kept: readonly agentport.ServiceSpec[] | undefined;

  constructor(private readonly control: ServiceControl) {}

  conditions(): ReadonlyMap<string, ServiceCondition> {
    const conditions = this.control.conditions();
    if (this.#isOpen || this.#kept === undefined) return conditions;
    const all = new Map(conditions);
    for (const { name } of this.#kept) {
      if (all.get(name)?.state !== "running") all.set(name, NOT_YET);
    }
    return all;
  }

  async declare(specs: readonly agentport.ServiceSpec[]): Promise<void> {
    if (this.#isOpen) {
      this.#kept = undefined;
      return await this.control.declare(specs);
    }
    planStart(specs.map((spec) => readServiceSpec(spec)));
    this.#kept = specs;
  }

  async start(name: string): Promise<void> {
    if (this.#isOpen) await this.control.start(name);
  }

  async stop(name: string): Promise<void> {
    if (this.#isOpen) await this.control.stop(name);
  }

  /** From now on what is declared is started, beginning with what was kept; repeatable after a failure. */
  async release(): Promise<void> {
    this.#isOpen = true;
    if (this.#kept === undefined) return;
    const kept = this.#kept;
    await this.control.declare(kept);
    this.#kept = undefined;
    for (const { name, stopped } of kept) {
      // What a former agent left at rest is not started by its declaration alone.
      if (!stopped && this.control.conditions().get(name)?.state !== "running") {
        await this.control.start(name);
      }
    }
  }

  /** Forgets what was kept: the node has left its domain (NEN-7). */
  forget(): void {
    this.#kept = undefined;
  }
}
