import { agentDefaultPort, EndpointError, parseEndpoint } from "../../common/rpc/mod.ts";
import type { Settings } from "../config/mod.ts";
import { Untrusted } from "./failure.ts";

/** Where an agent is dialled and what its certificate must say. */
export interface AgentEndpoint {
  readonly endpoint: string;
  /** The node id its certificate must name; absent without TLS and for a node known only as local. */
  readonly serverName?: string;
}

type Addressing = Pick<Settings, "agentAddresses" | "localAgent" | "node">;

/**
 * The address of a node's agent (CLI-41, MCP-23): the one listed for it, the configured one for
 * `local`, else the node id as a host name with port 9445.
 *
 * @throws {Untrusted} when that is no address.
 */
export function agentEndpoint(node: string, settings: Addressing, hasCa: boolean): AgentEndpoint {
  const isLocal = node === "local" || node === "localhost";
  const address = settings.agentAddresses.get(node) ?? (isLocal ? settings.localAgent : node);
  const name = isLocal ? settings.node : node;
  try {
    const endpoint = parseEndpoint(address, { hasCa, defaultPort: agentDefaultPort });
    return {
      endpoint,
      ...(name === undefined || endpoint.startsWith("http:") ? {} : { serverName: name }),
    };
  } catch (error) {
    if (error instanceof EndpointError) throw new Untrusted(`node ${node}: ${error.message}`);
    throw error;
  }
}
