/*
 * Which network a node begins with (NET-2). Pure.
 */

import { type InterfaceSpec, interfaceSpec, InterfaceSpecError } from "../interfaces/mod.ts";
import { isInside, parseIp } from "../interfaces/mod.ts";
import { addressesOn, defaultRouteOn, type NetworkSnapshot } from "./snapshot.ts";

/** What a node knows about its network before it has talked to anyone. */
export interface BootKnowledge {
  readonly snapshot: NetworkSnapshot;
  /** Values of `pact.net=` on the kernel's command line. */
  readonly commandLine: readonly string[];
  /** `agent.network.interfaces`. */
  readonly configured: readonly InterfaceSpec[];
  /** The interfaces of the cached declaration. */
  readonly cached: readonly InterfaceSpec[];
  /** Hosts of the journal's endpoints. */
  readonly journalHosts: readonly string[];
  /** What a former agent of this boot has configured: it is verified, not chosen anew (BTS-13). */
  readonly own: readonly InterfaceSpec[];
}

/** What phase 2 does. */
export type BootNetwork =
  | { readonly kind: "adopt"; readonly name: string }
  | {
    readonly kind: "configure";
    readonly source: "former agent" | "command line" | "configuration" | "cache";
    readonly specs: readonly InterfaceSpec[];
  }
  | { readonly kind: "none" };

/**
 * The first source that says something: a former agent, firmware or kernel, command line,
 * configuration, cache.
 *
 * @throws {InterfaceSpecError} for a malformed `pact.net=`: another source would be a surprise.
 */
export function bootNetwork(knowledge: BootKnowledge): BootNetwork {
  if (knowledge.own.length > 0) {
    return { kind: "configure", source: "former agent", specs: knowledge.own };
  }
  const adopted = configuredInterface(knowledge);
  if (adopted !== undefined) return { kind: "adopt", name: adopted };
  const commandLine = knowledge.commandLine.map(specOfCommandLine);
  if (commandLine.length > 0) {
    return { kind: "configure", source: "command line", specs: commandLine };
  }
  const configured = atBoot(knowledge.configured);
  if (configured.length > 0) {
    return { kind: "configure", source: "configuration", specs: configured };
  }
  const cached = atBoot(knowledge.cached);
  return cached.length > 0
    ? { kind: "configure", source: "cache", specs: cached }
    : { kind: "none" };
}

/**
 * `IF,ADDR/LEN[,GW[,MTU]]` or `IF,dhcp[,MTU]`.
 *
 * @throws {InterfaceSpecError} saying what is wrong.
 */
export function specOfCommandLine(text: string): InterfaceSpec {
  const [name = "", address = "", ...rest] = text.split(",");
  const [gateway, mtu, ...tooMany] = address === "dhcp" ? ["", ...rest] : rest;
  if (address === "" || tooMany.length > 0) {
    throw new InterfaceSpecError(`pact.net=${text}: is not IF,ADDR/LEN[,GW[,MTU]] or IF,dhcp`);
  }
  return interfaceSpec(name, {
    address,
    ...(gateway !== undefined && gateway !== "" && { gateway }),
    ...(mtu !== undefined && { mtu: /^[0-9]{1,5}$/.test(mtu) ? Number(mtu) : mtu }),
    role: "management",
  });
}

/** High-speed interfaces appear with their driver's service (BTS-7); the rest belongs to phase 2. */
function atBoot(specs: readonly InterfaceSpec[]): InterfaceSpec[] {
  return specs.filter(({ role }) => role !== "hsn");
}

/** An interface that has an address and leads somewhere: out, or to a journal on its own network. */
function configuredInterface({ snapshot, journalHosts }: BootKnowledge): string | undefined {
  const journals = journalHosts.flatMap((host) => parseIp(host) ?? []);
  return snapshot.links.find((link) => {
    if (link.isLoopback || !link.isUp) return false;
    const addresses = addressesOn(snapshot, link);
    if (addresses.length === 0) return false;
    return defaultRouteOn(snapshot, link) !== undefined ||
      journals.some((journal) => addresses.some(({ cidr }) => isInside(journal, cidr)));
  })?.name;
}
