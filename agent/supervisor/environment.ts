import { nodePaths } from "../../contracts/mod.ts";
import type { ServiceDeclaration } from "./declaration.ts";
import type { ServiceIdentity } from "./identity.ts";

/** Where this node stands, as services are told. */
export interface NodePlace {
  readonly nodeId: string;
  /** Empty while no vCluster is assigned. */
  readonly vclusterId: string;
}

/** The service that hands out allocations, and where it meets the agent (WLI-8). */
const WORKLOAD_MANAGER = "lattice-node-agent";
const { handoffSocket, readySocket } = nodePaths();
const WORKLOAD_SOCKETS = { PACT_HANDOFF_SOCKET: handoffSocket, PACT_READY_SOCKET: readySocket };

const SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The whole environment of a service (SUP-24): nothing of the agent's own leaks into it. */
export function serviceEnvironment(
  { name, env }: Pick<ServiceDeclaration, "name" | "env">,
  identity: Pick<ServiceIdentity, "name" | "home" | "shell">,
  place: NodePlace,
): Readonly<Record<string, string>> {
  return {
    PATH: SEARCH_PATH,
    HOME: identity.home,
    USER: identity.name,
    LOGNAME: identity.name,
    SHELL: identity.shell,
    LANG: "C.UTF-8",
    PACT_NODE_ID: place.nodeId,
    PACT_VCLUSTER: place.vclusterId,
    ...(name === WORKLOAD_MANAGER ? WORKLOAD_SOCKETS : {}),
    ...env,
  };
}
