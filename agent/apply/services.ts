import type { agentport } from "../../api/mod.ts";
import type { Difference, Observation, ServiceItemValue, Target } from "../drift/mod.ts";
import {
  type ByKey,
  type Captured,
  differenceOf,
  type Dimension,
  done,
  failed,
  type Operation,
  type Outcome,
} from "./provider.ts";
import { reasonOf } from "./root.ts";

/** What a service does now, in the words of {@link ServiceItemValue}. */
export interface ServiceCondition {
  readonly state: ServiceItemValue["state"];
  /** Why, where there is something to say. */
  readonly reason: string;
}

/** The little of the supervisor that convergence needs. */
export interface ServiceControl {
  /** Every service that the supervisor knows, declared or still stopping. */
  conditions(): ReadonlyMap<string, ServiceCondition>;
  /**
   * Makes this the complete set: starts, stops and restarts what changed (SVC-7). Throws, and leaves
   * the old set running, when the set as a whole is invalid (SVC-1).
   */
  declare(specs: readonly agentport.ServiceSpec[]): Promise<void>;
  /** Starts a declared service; resolves when the start is under way. */
  start(name: string): Promise<void>;
  /** Stops a declared service; resolves when it has stopped. */
  stop(name: string): Promise<void>;
}

/** Declared services against what the supervisor says of them (SUP-10). */
export function servicesDimension(control: ServiceControl): Dimension {
  return new ServicesDimension(control);
}

class ServicesDimension implements Dimension {
  readonly category = "services";
  readonly #control: ServiceControl;
  #declared: ReadonlyMap<string, ServiceItemValue> = new Map();

  constructor(control: ServiceControl) {
    this.#control = control;
  }

  availability() {
    return { available: true } as const;
  }

  observe(keys: Iterable<string>): Promise<ByKey<Observation>> {
    const conditions = this.#control.conditions();
    const observe = (key: string): Observation => {
      const condition = conditions.get(key);
      return condition === undefined
        ? { state: "absent" }
        : { state: "present", value: { kind: "service", state: condition.state } };
    };
    return Promise.resolve(new Map(Array.from(keys, (key) => [key, observe(key)])));
  }

  diff(targets: ByKey<Target>, observed: ByKey<Observation>): Promise<Difference[]> {
    const differences: Difference[] = [];
    for (const [key, target] of targets) {
      const actual = observed.get(key);
      if (actual === undefined || isSame(target, actual)) continue;
      differences.push(differenceOf("services", key, target, actual));
    }
    return Promise.resolve(differences);
  }

  async apply(operations: readonly Operation[]): Promise<Outcome[]> {
    const wanted = new Map(this.#declared);
    for (const { key, target } of operations) {
      if (target.state === "present" && target.value.kind === "service") {
        wanted.set(key, target.value);
      } else wanted.delete(key);
    }
    return await this.#declare(wanted, operations);
  }

  revert(operations: readonly Operation[]): Promise<Outcome[]> {
    return this.apply(operations);
  }

  async release(operations: readonly { key: string }[]): Promise<Outcome[]> {
    const wanted = new Map(this.#declared);
    for (const { key } of operations) wanted.delete(key);
    return await this.#declare(
      wanted,
      operations.map(({ key }) => ({
        key,
        target: { state: "absent" },
      })),
    );
  }

  /** The state alone: the declaration stays what it is. A failure is nothing to declare. */
  capture({ actual }: Difference): Promise<Captured> {
    if (actual?.kind === "service" && actual.state === "failed") {
      return Promise.resolve({
        ok: false,
        reason: "a failed service cannot be committed; start or stop it first",
      });
    }
    const value = actual ?? ({ kind: "service", state: "stopped" } as const);
    return Promise.resolve({ ok: true, value });
  }

  consumers(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  limitations(): Promise<ByKey<string>> {
    return Promise.resolve(new Map());
  }

  async #declare(
    wanted: ReadonlyMap<string, ServiceItemValue>,
    operations: readonly Operation[],
  ): Promise<Outcome[]> {
    if (!sameSpecs(wanted, this.#declared)) {
      try {
        await this.#control.declare([...wanted.values()].flatMap(withDesiredState));
      } catch (error) {
        return operations.map(({ key }) => failed(key, reasonOf(error)));
      }
    }
    this.#declared = wanted;
    const outcomes: Outcome[] = [];
    for (const operation of operations) outcomes.push(await this.#bringAbout(operation));
    return outcomes;
  }

  async #bringAbout({ key, target }: Operation): Promise<Outcome> {
    const observed = (await this.observe([key])).get(key) ?? { state: "absent" };
    if (target.state === "absent" || isSame(target, observed)) return done(key);
    if (target.value.kind !== "service") return failed(key, "not a service");
    try {
      if (target.value.state === "stopped") await this.#control.stop(key);
      else await this.#control.start(key);
      return done(key);
    } catch (error) {
      return failed(key, reasonOf(error));
    }
  }
}

/** The specification as it is declared to the supervisor, the state of this node in it. */
function withDesiredState({ spec, state }: ServiceItemValue): agentport.ServiceSpec[] {
  return spec === undefined ? [] : [{ ...spec, stopped: state === "stopped" }];
}

function sameSpecs(
  a: ReadonlyMap<string, ServiceItemValue>,
  b: ReadonlyMap<string, ServiceItemValue>,
): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other?.specHash !== value.specHash || other?.state !== value.state) return false;
  }
  return true;
}

/** What is on its way is held against nothing, and what ended as it may is neither up nor down. */
function isSame(target: Target, observed: Observation): boolean {
  if (observed.state === "unavailable") return true;
  const actual = observed.state === "present" && observed.value.kind === "service"
    ? observed.value.state
    : undefined;
  if (actual === "changing" || actual === "completed") return true;
  if (target.state === "absent") return actual === undefined || actual === "stopped";
  return target.value.kind === "service" && actual === target.value.state;
}
