import type { ServiceDeclaration } from "./declaration.ts";
import type { ServiceIdentity } from "./identity.ts";

/** Where this node stands, as services are told. */
export interface NodePlace {
  readonly nodeId: string;
  /** Empty while no vCluster is assigned. */
  readonly vclusterId: string;
}

const SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The whole environment of a service (SUP-24): nothing of the agent's own leaks into it. */
export function serviceEnvironment(
  { env }: Pick<ServiceDeclaration, "env">,
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
    ...env,
  };
}
