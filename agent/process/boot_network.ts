/**
 * Phase 2 of the boot: the management network (NET-2). It owns the network manager from the first
 * attempt on and ends by `close`, which leaves the network as it is.
 */

import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { valuesOf } from "../boot/mod.ts";
import { type EventPump, isShimError, type Shim } from "../../ffi/mod.ts";
import {
  bootNetwork,
  type Lease,
  type LeaseEvents,
  type LeaseKeeper,
  leaseOfText,
  type Link,
  type NetworkEvent,
  type NetworkManager,
  openDhcpClient,
  openNetworkManager,
  textOfLease,
} from "../network/mod.ts";
import { type InterfaceSpec, InterfaceSpecError, interfaceSpecOfText } from "../interfaces/mod.ts";

const MAX_LEASE_BYTES = 64 * 1024;

/** What phase 2 works with. */
export interface BootNetworkOptions {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly config: agentport.AgentConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly commandLine: readonly string[];
  readonly cachedNetwork: () => Readonly<Record<string, string>>;
  readonly record: (action: string, detail: string, outcome: "Success" | "Failure") => void;
}

export class BootNetworkShell {
  #manager: NetworkManager | undefined;

  constructor(private readonly options: BootNetworkOptions) {}

  /** Brings the management network up, or rejects with the reason (NET-6). Repeatable. */
  async configure(): Promise<void> {
    const { log } = this.options;
    const manager = this.#manager ??= this.#open();
    const found = bootNetwork({
      snapshot: manager.snapshot(),
      commandLine: valuesOf(this.options.commandLine, "pact.net"),
      configured: this.#specs(this.options.config.interfaces),
      cached: this.#specs(this.options.cachedNetwork()),
      journalHosts: this.options.config.journalHosts,
      isOwn: this.#isOwn(),
    });
    if (found.kind === "none") {
      throw new Error(
        "no management network configuration: give pact.net= on the kernel's command line or agent.network.interfaces",
      );
    }
    if (found.kind === "adopt") {
      log.info("network found configured", { interface: found.name });
      return manager.adopt(found.name);
    }
    log.info("network to configure", { source: found.source });
    this.#noteOwn();
    for (const spec of found.specs) await this.#bringUp(manager, spec);
  }

  close(): void {
    this.#manager?.close();
  }

  async #bringUp(manager: NetworkManager, spec: InterfaceSpec): Promise<void> {
    try {
      await manager.configure(spec);
    } catch (error) {
      if (!spec.isOptional) throw error;
      this.options.log.warn("optional interface left out", { reason: String(error) });
    }
  }

  #open(): NetworkManager {
    const { shim, events, clock, log } = this.options;
    return openNetworkManager({
      network: shim.network,
      files: shim.files,
      events,
      clock,
      log,
      openLease: (link, on) => this.#openLease(link, on),
      onEvent: (event) => this.#onEvent(event),
    });
  }

  #openLease(link: Link, on: LeaseEvents): LeaseKeeper {
    const { shim, events, clock, log, config } = this.options;
    const path = `${config.stateDir}/lease-${link.name}.json`;
    return openDhcpClient({
      network: shim.network,
      events,
      clock,
      bootMs: () => shim.system.bootTimeMs(),
      random: Math.random,
      log,
      link,
      hostName: shim.system.names().hostname,
      former: this.#formerLease(path),
      keep: (lease) => this.#keepLease(path, lease),
      on,
    });
  }

  #formerLease(path: string): Lease | undefined {
    const { files } = this.options.shim;
    if (files.lstatIfPresent(path) === null) return undefined;
    return leaseOfText(files.readText(path, { maxBytes: MAX_LEASE_BYTES }));
  }

  /** The next agent of this boot goes on with it (BTS-13). */
  #keepLease(path: string, lease: Lease | undefined): void {
    const { files } = this.options.shim;
    try {
      if (lease !== undefined) files.writeAtomicSync(path, textOfLease(lease), { mode: 0o600 });
      else if (files.lstatIfPresent(path) !== null) files.unlink(path);
    } catch (error) {
      if (!isShimError(error)) throw error;
      this.options.log.warn("lease not kept", { reason: error.message });
    }
  }

  #specs(texts: Readonly<Record<string, string>>): InterfaceSpec[] {
    return Object.entries(texts).flatMap(([name, text]) => {
      try {
        return interfaceSpecOfText(name, text);
      } catch (error) {
        if (!(error instanceof InterfaceSpecError)) throw error;
        this.options.log.error("interface left out", { reason: error.message });
        return [];
      }
    });
  }

  #onEvent(event: NetworkEvent): void {
    const { record, log } = this.options;
    switch (event.kind) {
      case "configured":
        log.info("network configured", {
          interface: event.name,
          changes: event.changes.join("; "),
        });
        return record(
          "network.configured",
          `${event.name}: ${event.changes.join("; ")}`,
          "Success",
        );
      case "failed": {
        const detail = `network configuration failed: ${event.name}: ${event.reason}`;
        log.error(detail);
        return record("network.failed", detail, "Failure");
      }
      case "linkLost":
        log.error("link lost", { interface: event.name });
        return record("network.link_lost", event.name, "Failure");
      case "linkRestored":
        log.info("link restored", { interface: event.name });
        return record("network.link_restored", event.name, "Success");
    }
  }

  /** Beside the state of this boot: who finds it after a restart of the agent made the network (BTS-13). */
  get #markPath(): string {
    return `${this.options.config.stateDir}/network-configured`;
  }

  #isOwn(): boolean {
    return this.options.shim.files.lstatIfPresent(this.#markPath) !== null;
  }

  #noteOwn(): void {
    try {
      this.options.shim.files.writeAtomicSync(this.#markPath, "", { mode: 0o600 });
    } catch (error) {
      if (!isShimError(error)) throw error;
      this.options.log.warn("state of the network not kept", { reason: error.message });
    }
  }
}
