/*
 * Which interface is the node's management interface (NEN-1). Pure but for the questions it is given.
 */

import { type InterfaceSpec, type IpBytes, parseIp } from "../interfaces/mod.ts";

/** Names looked at for one host in the hosts file; more are somebody's block list. */
const MAX_HOST_ADDRESSES = 16;

/** What the choice is made from. */
export interface ManagementKnowledge {
  /** Hosts of the journal's endpoints: addresses or names. */
  readonly journalHosts: readonly string[];
  /** Text of the hosts file (hosts(5)); names that it does not have lead nowhere here. */
  readonly hostsFile: string;
  /** Interfaces that the configuration, the command line or an earlier phase calls so. */
  readonly named: readonly string[];
  /** The interface over which packets to an address leave. */
  readonly wayTo: (address: IpBytes) => string | undefined;
}

/**
 * Names of the interfaces that may be it, the best first: what carries the route to a journal, what has
 * the role, what carries the default route.
 */
export function managementInterfaces(
  { journalHosts, hostsFile, named, wayTo }: ManagementKnowledge,
): string[] {
  const journals = journalHosts.flatMap((host) => addressesOf(host, hostsFile));
  const carriers = [...journals.map(wayTo), ...named, ...ANYWHERE.map(wayTo)];
  return [...new Set(carriers.filter((name) => name !== undefined))];
}

/** The names of those that have the role. */
export function withManagementRole(specs: readonly InterfaceSpec[]): string[] {
  return specs.filter(({ role }) => role === "management").map(({ name }) => name);
}

/** Addresses for documentation (RFC 5737, RFC 3849): only a default route leads to them. */
const ANYWHERE: readonly IpBytes[] = ["192.0.2.1", "2001:db8::1"]
  .map(parseIp).filter((address) => address !== undefined);

function addressesOf(host: string, hostsFile: string): IpBytes[] {
  const address = parseIp(host);
  if (address !== undefined) return [address];
  const wanted = host.toLowerCase();
  return hostsFile.split("\n").flatMap((line) => {
    const [text = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (!names.some((name) => name.toLowerCase() === wanted)) return [];
    return parseIp(text) ?? [];
  }).slice(0, MAX_HOST_ADDRESSES);
}
