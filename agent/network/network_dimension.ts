/**
 * The network as a dimension of the node's state: interfaces by name, their specifications as text
 * (agent.md section 8). It owns nothing; the manager keeps the interfaces.
 */

import {
  type Availability,
  type ByKey,
  captureActual,
  differenceOf,
  type Dimension,
  done,
  failed,
  type Operation,
  type Outcome,
  unavailable,
} from "../apply/mod.ts";
import type { Difference, Observation, Target } from "../drift/mod.ts";
import { isShimError } from "../../ffi/mod.ts";
import {
  type InterfaceSpec,
  InterfaceSpecError,
  interfaceSpecOfText,
  textOfInterfaceSpec,
} from "../interfaces/mod.ts";
import type { ConfirmedChange } from "./confirmed_change.ts";
import { describeInterface } from "./describe.ts";
import { type ResolvedSpec, withLease } from "./lease.ts";
import { NetworkError, type NetworkManager } from "./manager.ts";
import { conditionOf, planInterface } from "./plan.ts";
import { linkNamed, type NetworkSnapshot } from "./snapshot.ts";

/** What the dimension stands on, once there is a network. */
export interface NetworkDimensionParts {
  readonly manager: NetworkManager;
  readonly changes: ConfirmedChange;
  /** Whether a journal can be reached at all now, to confirm a change. */
  readonly isConnected: () => boolean;
  /** Interfaces that the boot brought up or found: they carry the management network. */
  readonly isManagement: (name: string) => boolean;
  /** A journal was reached over the interface as it is declared. */
  readonly onConfirmed: (name: string, text: string) => void;
}

/** The network dimension; `parts` are undefined until the boot has brought up a network. */
export function networkDimension(parts: () => NetworkDimensionParts | undefined): Dimension {
  return new NetworkDimension(parts);
}

class NetworkDimension implements Dimension {
  readonly category = "network";
  /** Specifications that were changed back, with the reason: tried again only when they change. */
  readonly #reverted = new Map<string, { readonly text: string; readonly reason: string }>();

  constructor(private readonly parts: () => NetworkDimensionParts | undefined) {}

  availability(): Availability {
    return this.parts() === undefined
      ? { available: false, reason: "the network is not up yet" }
      : { available: true };
  }

  observe(keys: Iterable<string>): Promise<ByKey<Observation>> {
    const snapshot = this.parts()?.manager.snapshot();
    return Promise.resolve(
      new Map(Array.from(keys, (key) => [key, observationOf(key, snapshot)])),
    );
  }

  diff(targets: ByKey<Target>, observed: ByKey<Observation>): Promise<Difference[]> {
    const differences: Difference[] = [];
    const parts = this.parts();
    if (parts === undefined) return Promise.resolve([]);
    const snapshot = parts.manager.snapshot();
    for (const [key, target] of targets) {
      const actual = observed.get(key);
      if (actual === undefined || actual.state === "unavailable") continue;
      if (!isAsDeclared(parts.manager, key, target, snapshot)) {
        differences.push(differenceOf("network", key, target, actual));
      }
    }
    return Promise.resolve(differences);
  }

  async apply(operations: readonly Operation[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const operation of operations) outcomes.push(await this.#bringAbout(operation));
    return outcomes;
  }

  revert(operations: readonly Operation[]): Promise<Outcome[]> {
    return this.apply(operations);
  }

  /** What is no longer declared stays as it is: to take an address away would cut somebody off. */
  release(operations: readonly { readonly key: string }[]): Promise<Outcome[]> {
    for (const { key } of operations) {
      this.#reverted.delete(key);
      this.parts()?.manager.expectNot(key);
    }
    return Promise.resolve(operations.map(({ key }) => done(key)));
  }

  capture(difference: Difference) {
    return captureActual(difference);
  }

  consumers(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  limitations(): Promise<ByKey<string>> {
    return Promise.resolve(new Map());
  }

  async #bringAbout({ key, target }: Operation): Promise<Outcome> {
    const parts = this.parts();
    if (parts === undefined) return failed(key, "the network is not up yet");
    if (target.state === "absent") return done(key);
    if (target.value.kind !== "text") return failed(key, "not a specification of an interface");
    const { text } = target.value;
    const before = this.#reverted.get(key);
    if (before?.text === text) return failed(key, `${before.reason}; waiting for another one`);
    try {
      return await this.#configure(parts, key, interfaceSpecOfText(key, text));
    } catch (error) {
      if (error instanceof InterfaceSpecError) return unavailable(key, error.message);
      if (error instanceof NetworkError) return failed(key, error.reason);
      if (isShimError(error)) return failed(key, error.message);
      const reason = error instanceof Error ? error.message : String(error);
      // A retry would cut the node off again and again.
      this.#reverted.set(key, { text, reason });
      return failed(key, reason);
    }
  }

  async #configure(
    { manager, changes, isConnected, isManagement, onConfirmed }: NetworkDimensionParts,
    key: string,
    spec: InterfaceSpec,
  ): Promise<Outcome> {
    this.#reverted.delete(key);
    const snapshot = manager.snapshot();
    const link = linkNamed(snapshot, key);
    if (link === undefined) {
      manager.expect(spec);
      return spec.isOptional ? done(key) : failed(key, "no such interface");
    }
    const text = textOfInterfaceSpec(spec);
    const target: Target = { state: "present", value: { kind: "text", text } };
    const carriesManagement = spec.role === "management" || isManagement(key);
    if (!carriesManagement || isAsDeclared(manager, key, target, snapshot)) {
      await manager.configure(spec);
      if (carriesManagement && isConnected()) onConfirmed(key, text);
      return done(key);
    }
    if (!isConnected()) return failed(key, "no journal can be reached to confirm the change");
    await changes.change(spec);
    return done(key);
  }
}

function observationOf(key: string, snapshot: NetworkSnapshot | undefined): Observation {
  if (snapshot === undefined) return { state: "unavailable", reason: "the network is not up yet" };
  const link = linkNamed(snapshot, key);
  if (link === undefined) return { state: "absent" };
  const text = textOfInterfaceSpec(describeInterface(link, snapshot));
  return { state: "present", value: { kind: "text", text } };
}

function isAsDeclared(
  manager: NetworkManager,
  key: string,
  target: Target,
  snapshot: NetworkSnapshot,
): boolean {
  if (target.state === "absent" || target.value.kind !== "text") return true;
  let spec: InterfaceSpec;
  try {
    spec = interfaceSpecOfText(key, target.value.text);
  } catch (error) {
    if (error instanceof InterfaceSpecError) return true;
    throw error;
  }
  const link = linkNamed(snapshot, key);
  if (link === undefined) return spec.isOptional;
  // What is done to it now is the agent's own doing (NET-7).
  if (manager.isArriving(key)) return true;
  if (spec.state === "down") return !link.isUp;
  // The loss of a carrier has its own event and is nobody's change (NET-10).
  if (!link.hasCarrier && link.isUp) return true;
  const resolved = resolvedOf(manager, spec);
  if (resolved === undefined) return false;
  // An address that is still being checked is there; one that somebody else has is not.
  return planInterface(resolved, link, snapshot).length === 0 &&
    conditionOf(resolved, link, snapshot).state !== "Down";
}

/** The specification with the lease that the interface has; undefined while it has none. */
function resolvedOf(manager: NetworkManager, spec: InterfaceSpec): ResolvedSpec | undefined {
  const { addresses } = spec;
  if (addresses !== "dhcp") return { ...spec, addresses };
  const lease = manager.leaseOf(spec.name);
  return lease && withLease(spec, lease);
}
