import { DEFAULT_AGENT_PORT, type Settings } from "../config/mod.ts";

/** The name by which people mean the agent of the machine they are on (CLI-41). */
export const LOCAL_NODE = "local";

/** Whether a node name means this machine rather than a node id. */
export function namesOwnMachine(node: string): boolean {
  return node === LOCAL_NODE || node === "localhost";
}

/** Where an agent is dialled: an address with or without scheme and port, and the default port. */
export interface AgentAddress {
  readonly url: string;
  readonly port: number;
}

/**
 * The address of a node's agent (CLI-41): the address listed for it, the override for one node, this
 * machine, or the node id as a host name.
 */
export function agentAddress(node: string, settings: Settings, hasCa: boolean): AgentAddress {
  const scheme = settings.agentScheme ?? (hasCa ? "https" : "http");
  const complete = (address: string) =>
    /^[a-z]+:\/\//i.test(address) ? address : `${scheme}://${address}`;
  const port = settings.agentPort ?? DEFAULT_AGENT_PORT;
  const listed = Object.hasOwn(settings.agentAddresses, node)
    ? settings.agentAddresses[node]
    : undefined;
  const address = listed ?? (isOverridden(node, settings) ? settings.agentEndpoint : undefined);
  if (address !== undefined) return { url: complete(address), port };
  if (namesOwnMachine(node)) return { url: complete("127.0.0.1"), port };
  const suffix = settings.agentDomainSuffix;
  const domain = suffix === "" || suffix.startsWith(".") ? suffix : `.${suffix}`;
  return { url: complete(`${node}${domain}`), port };
}

/** PACT_AGENT_ENDPOINT is the address of one node: that of PACT_NODE, or the only one named. */
function isOverridden(node: string, settings: Settings): boolean {
  return namesOwnMachine(node) || settings.node === undefined || settings.node === node;
}
