/**
 * Undeclared addresses by interface, held against those that were there after convergence (OBS-9). It owns
 * nothing; mtu, state and routes of such an interface are shown and committed with it, and never drift.
 */

import {
  captureActual,
  differenceOf,
  done,
  failed,
  type Operation,
  type Outcome,
  type Watch,
} from "../apply/mod.ts";
import type { ItemValue, Observation, Target } from "../drift/mod.ts";
import { type Files, isShimError } from "../../ffi/mod.ts";
import {
  type Cidr,
  formatIp,
  type InterfaceSpec,
  InterfaceSpecError,
  interfaceSpecOfText,
  parseCidr,
  textOfInterfaceSpec,
} from "../interfaces/mod.ts";
import { socketsOn } from "./address_users.ts";
import type { NetworkManager } from "./manager.ts";
import { planInterface } from "./plan.ts";
import { linkNamed, type NetworkSnapshot } from "./snapshot.ts";
import {
  type AddressChange,
  addressChange,
  chosenInterface,
  isOfContainers,
} from "./undeclared_addresses.ts";

/** Most interfaces looked at. */
const MAX_INTERFACES = 1_024;
const NOT_UP = "the network is not up yet";

/** The watch; `manager` answers undefined until the boot has brought up a network. */
export function addressWatch(
  manager: () => NetworkManager | undefined,
  files: Pick<Files, "readText">,
): Watch {
  return new AddressWatch(manager, files);
}

class AddressWatch implements Watch {
  readonly category = "network";
  readonly followsServices = true;

  constructor(
    private readonly manager: () => NetworkManager | undefined,
    private readonly files: Pick<Files, "readText">,
  ) {}

  /** Interfaces without an address have nothing that could drift but by getting one. */
  look() {
    const manager = this.manager();
    if (manager === undefined) return undefined;
    const snapshot = manager.snapshot();
    const keys = snapshot.links.filter((link) =>
      !isOfContainers(link.name) && !manager.isArriving(link.name) &&
      chosenInterface(link, snapshot, manager.leaseOf(link.name)).addresses.length > 0
    ).map(({ name }) => name);
    return { keys: keys.slice(0, MAX_INTERFACES), isCut: keys.length > MAX_INTERFACES };
  }

  observe(keys: Iterable<string>): Promise<ReadonlyMap<string, Observation>> {
    const manager = this.manager();
    const snapshot = manager?.snapshot();
    return Promise.resolve(
      new Map(Array.from(keys, (key) => [key, observationOf(key, manager, snapshot)] as const)),
    );
  }

  diff(targets: ReadonlyMap<string, Target>, observed: ReadonlyMap<string, Observation>) {
    const manager = this.manager();
    const differences = [...targets].flatMap(([key, target]) => {
      const actual = observed.get(key);
      if (actual === undefined || actual.state === "unavailable") return [];
      if (manager === undefined || manager.isArriving(key)) return [];
      const { extra, missing } = changeOf(manager, key, target, actual);
      if (extra.length === 0 && missing.length === 0) return [];
      return differenceOf("network", key, target, actual);
    });
    return Promise.resolve(differences);
  }

  /** Takes away what came and gives back what went, with the routes that went with it. */
  async revert(operations: readonly Operation[]): Promise<Outcome[]> {
    const observed = await this.observe(operations.map(({ key }) => key));
    return operations.map(({ key, target }) => {
      const manager = this.manager();
      const actual = observed.get(key);
      if (manager === undefined || actual === undefined) return failed(key, NOT_UP);
      if (actual.state === "unavailable") return failed(key, actual.reason);
      try {
        return restore(manager, key, target, changeOf(manager, key, target, actual));
      } catch (error) {
        if (!isShimError(error)) throw error;
        return failed(key, error.message);
      }
    });
  }

  /** A declaration says all addresses of an interface, or that they come by DHCP. */
  capture(difference: Parameters<Watch["capture"]>[0]) {
    const { key, actual } = difference;
    const spec = actual === undefined ? undefined : specOf(key, { value: actual });
    const reason = this.manager()?.leaseOf(key) === undefined
      ? typeof spec === "string" ? spec : undefined
      : "its other address is by DHCP, beside which no address can be declared";
    if (reason === undefined) return captureActual(difference);
    return Promise.resolve({ ok: false, reason } as const);
  }

  async consumers(operations: readonly Operation[]): Promise<readonly string[]> {
    const manager = this.manager();
    if (manager === undefined) return [];
    const observed = await this.observe(operations.map(({ key }) => key));
    return operations.flatMap(({ key, target }) => {
      const actual = observed.get(key);
      if (actual?.state !== "present") return [];
      return changeOf(manager, key, target, actual).extra.flatMap(({ address }) => {
        const count = socketsOn(this.files, address);
        return count === 0 ? [] : [`network:${key}: ${count} sockets on ${formatIp(address)}`];
      });
    });
  }
}

function observationOf(
  key: string,
  manager: NetworkManager | undefined,
  snapshot: NetworkSnapshot | undefined,
): Observation {
  if (manager === undefined || snapshot === undefined) {
    return { state: "unavailable", reason: NOT_UP };
  }
  const link = linkNamed(snapshot, key);
  if (link === undefined) return { state: "absent" };
  const text = textOfInterfaceSpec(chosenInterface(link, snapshot, manager.leaseOf(key)));
  return { state: "present", value: { kind: "text", text } };
}

function changeOf(
  manager: NetworkManager,
  key: string,
  target: Target,
  actual: Observation,
): AddressChange {
  const granted = manager.specOf(key)?.addresses;
  return addressChange(
    target.state === "present" ? addressesIn(target) : [],
    actual.state === "present" ? addressesIn(actual) : [],
    typeof granted === "string" ? [] : granted,
  );
}

function restore(
  manager: NetworkManager,
  key: string,
  target: Target,
  { extra, missing }: AddressChange,
): Outcome {
  const { rtnetlink } = manager;
  const link = linkNamed(manager.snapshot(), key);
  if (link === undefined) {
    return missing.length === 0 ? done(key) : failed(key, "no such interface");
  }
  for (const cidr of extra) rtnetlink.removeAddress(link.index, cidr);
  if (target.state === "absent") return done(key);
  const found = specOf(key, target);
  if (typeof found === "string") return failed(key, found);
  const spec = { ...found, addresses: addressesIn(target), state: "up" } as const;
  if (spec.addresses.length === 0) return done(key);
  for (const operation of planInterface(spec, link, manager.snapshot())) {
    if (operation.kind === "addAddress") rtnetlink.addAddress(link.index, operation.cidr);
    // A route over a network that was gone went with it.
    if (operation.kind === "addRoute" && missing.length > 0 && link.isUp) {
      rtnetlink.addRoute(operation.route, { replace: operation.replace });
    }
  }
  return done(key);
}

/** The specification in a value, or why no declaration could hold it. */
function specOf(key: string, { value }: { readonly value: ItemValue }): InterfaceSpec | string {
  if (value.kind !== "text") return "not a specification of an interface";
  try {
    return interfaceSpecOfText(key, value.text);
  } catch (error) {
    if (error instanceof InterfaceSpecError) return error.message;
    throw error;
  }
}

/** The addresses in a value, whatever else is in it: a route may lead nowhere now. */
function addressesIn({ value }: { readonly value: ItemValue }): readonly Cidr[] {
  if (value.kind !== "text") return [];
  let table: unknown;
  try {
    table = JSON.parse(value.text);
  } catch {
    return [];
  }
  const texts = typeof table === "object" && table !== null && "address" in table
    ? table.address
    : [];
  if (!Array.isArray(texts)) return [];
  return texts.flatMap((text) => typeof text === "string" ? parseCidr(text) ?? [] : []);
}
