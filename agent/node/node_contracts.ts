import type { agentport, journal } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { nodePaths } from "../../contracts/mod.ts";
import type { Shim } from "../../ffi/mod.ts";
import { type IdentityMap, isNetworkFileSystem, openIdentityMap } from "../identity/mod.ts";

/*
 * Shell: what this node shares with others on it, by the contracts of contracts.md. Owns the identity
 * map; ends by `close`.
 */

export interface NodeContractsOptions {
  readonly shim: Shim;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: agentport.AgentConfig;
  /** The map this node knew last. */
  readonly cachedMap: journal.UidMap | undefined;
  readonly audit: (action: string, detail: string) => void;
}

/** The node's side of the contracts. */
export class NodeContracts {
  readonly #identity: IdentityMap;
  #declared: agentport.DeclaredConfig | undefined;

  constructor({ shim, clock, log, config, cachedMap, audit }: NodeContractsOptions) {
    this.#identity = openIdentityMap({
      files: shim.files,
      paths: nodePaths(config.root),
      mode: mappingModeOf(config.identityMapping),
      clock,
      log: log.child("agent.identity"),
      declaresNetworkMount: () =>
        this.#declared?.mounts.some(({ fsType }) => isNetworkFileSystem(fsType)) ?? false,
      isLeftToOthers: () => this.#backend(config) === "systemd",
      onUpdated: (reason) => audit("identity.map_updated", reason),
    });
    if (cachedMap !== undefined) this.#identity.take(cachedMap);
  }

  takeDeclared(declared: agentport.DeclaredConfig): void {
    this.#declared = declared;
    this.#identity.take(undefined);
  }

  takeIdentityMap(map: journal.UidMap): void {
    this.#identity.take(map);
  }

  close(): void {
    this.#identity.close();
  }

  /** Until a policy is known the configuration decides (CTX-7). */
  #backend({ supervisorBackend }: agentport.AgentConfig): string {
    return this.#declared?.policy?.supervisorBackend || supervisorBackend;
  }
}

function mappingModeOf(mode: string): "auto" | "on" | "off" {
  return mode === "on" || mode === "off" ? mode : "auto";
}
