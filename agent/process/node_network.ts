/**
 * The network of a node that is its own init system: phase 2 of the boot (NET-2), then what is
 * declared. It owns the network manager from the first attempt on, and ends by `close`, which leaves
 * the network as it is.
 */

import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { Dimension, Watch } from "../apply/mod.ts";
import { valuesOf } from "../boot/mod.ts";
import { type EventPump, isShimError, type Shim } from "../../ffi/mod.ts";
import {
  addressWatch,
  bootNetwork,
  ConfirmedChange,
  type Lease,
  type LeaseEvents,
  type LeaseKeeper,
  leaseOfText,
  type Link,
  networkDimension,
  type NetworkDimensionParts,
  type NetworkEvent,
  type NetworkManager,
  type NetworkSnapshot,
  openDhcpClient,
  openNetworkManager,
  shellAddresses,
  textOfLease,
} from "../network/mod.ts";
import {
  type InterfaceSpec,
  InterfaceSpecError,
  interfaceSpecOfText,
  textOfInterfaceSpec,
} from "../interfaces/mod.ts";
import type { InterfaceNews } from "../supervisor/mod.ts";

const MAX_LEASE_BYTES = 64 * 1024;
/** How long an interface may take to appear after its driver was loaded. */
const LINK_WAIT_MS = 5_000;

const MAX_TEXTS_BYTES = 1024 * 1024;

/** What the network works with. */
export interface NodeNetworkOptions {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly config: agentport.AgentConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly commandLine: readonly string[];
  /** Makes connections to the journal anew; `journalReached` is called when one stands. */
  readonly reconnect: () => void;
  readonly record: (action: string, detail: string, outcome: "Success" | "Failure") => void;
  /** The shell may be called over these addresses and loopback's; undefined: over every one. */
  readonly onShellAddresses: (addresses: readonly string[] | undefined) => void;
}

export class NodeNetwork {
  #manager: NetworkManager | undefined;
  #changes: ConfirmedChange | undefined;
  #isConnected = false;
  /** Interfaces that phase 2 brought up or found. */
  readonly #management = new Set<string>();
  /** The network as a dimension of the node's state. */
  readonly dimension: Dimension = networkDimension(() => this.#parts());
  /** Addresses that nobody declared (OBS-9). */
  readonly addresses: Watch;
  #shellAddresses: string | undefined;
  readonly #listeners = new Set<(name: string) => void>();
  /** What services that need a network look at (NET-7). */
  readonly interfaces: InterfaceNews = {
    readiness: () => this.#manager?.readiness() ?? new Map(),
    onChange: (listener) => this.onInterface(listener),
  };

  constructor(private readonly options: NodeNetworkOptions) {
    this.addresses = addressWatch(() => this.#manager, options.shim.files);
  }

  /** Names of the interfaces over which the boot reaches the journal. */
  get management(): readonly string[] {
    return [...this.#management];
  }

  /** Contact with a journal was made, which confirms a change, or lost. */
  contact(isConnected: boolean): void {
    this.#isConnected = isConnected;
    if (isConnected) this.#changes?.reached();
  }

  /** Tells of interfaces that were brought to their specification; answers what ends it. */
  onInterface(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Brings the management network up, or rejects with the reason (NET-6). Repeatable. */
  async configure(): Promise<void> {
    const { log } = this.options;
    const manager = this.#manager ??= this.#open();
    this.#changes ??= this.#openChanges(manager);
    await this.#changes.recover();
    const configured = this.#specs(this.options.config.interfaces);
    for (const spec of configured) if (spec.role === "hsn") manager.expect(spec);
    const found = bootNetwork({
      snapshot: manager.snapshot(),
      commandLine: valuesOf(this.options.commandLine, "pact.net"),
      configured,
      cached: this.#specs(this.#readTexts(this.#confirmedPath)),
      journalHosts: this.options.config.journalHosts,
      own: this.#specs(this.#readTexts(this.#ownPath)),
    });
    if (found.kind === "none") {
      throw new Error(
        "no management network configuration: give pact.net= on the kernel's command line or agent.network.interfaces",
      );
    }
    if (found.kind === "adopt") {
      log.info("network found configured", { interface: found.name });
      this.#management.add(found.name);
      return manager.adopt(found.name);
    }
    log.info("network to configure", { source: found.source });
    for (const spec of found.specs) await this.#bringUp(manager, spec);
    // Only a network that came up: one that did not may be corrected before the next attempt.
    for (const spec of found.specs) {
      this.#keepText(this.#ownPath, spec.name, textOfInterfaceSpec(spec));
    }
  }

  close(): void {
    this.#changes?.close();
    this.#manager?.close();
  }

  async #bringUp(manager: NetworkManager, spec: InterfaceSpec): Promise<void> {
    this.#management.add(spec.name);
    try {
      await manager.configure(spec, { linkWaitMs: LINK_WAIT_MS });
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
      onReview: (snapshot) => this.#tellShellAddresses(snapshot),
    });
  }

  /** Told when they have changed (NET-12). */
  #tellShellAddresses(snapshot: NetworkSnapshot): void {
    const roles = this.#manager?.roles() ?? new Map();
    const addresses = shellAddresses({ snapshot, roles, boot: this.#management });
    const text = addresses?.join(" ");
    if (text === this.#shellAddresses) return;
    this.#shellAddresses = text;
    this.options.log.info("shell served", { addresses: text ?? "every one" });
    this.options.onShellAddresses(addresses);
  }

  #openChanges(manager: NetworkManager): ConfirmedChange {
    const { shim, clock, log, config, record, reconnect } = this.options;
    return new ConfirmedChange({
      manager,
      files: shim.files,
      clock,
      bootMs: () => shim.system.bootTimeMs(),
      log,
      notePath: `${config.stateDir}/network-unconfirmed.json`,
      reach: reconnect,
      onConfirmed: (name, text) => this.#keepConfirmed(name, text),
      onReverted: (name, reason) => {
        log.error("network changed back", { interface: name, reason });
        record("network.failed", `${name}: changed back: ${reason}`, "Failure");
      },
    });
  }

  #parts(): NetworkDimensionParts | undefined {
    if (this.#manager === undefined || this.#changes === undefined) return undefined;
    return {
      manager: this.#manager,
      changes: this.#changes,
      isConnected: () => this.#isConnected,
      isManagement: (name) => this.#management.has(name),
      onConfirmed: (name, text) => this.#keepConfirmed(name, text),
    };
  }

  /** Declared networks over which a journal was reached: the last source of a boot (NET-2). */
  get #confirmedPath(): string {
    return `${this.options.config.cacheDir}/network.json`;
  }

  /** As they stand now: the next agent of this boot goes on with them (BTS-13). */
  get #ownPath(): string {
    return `${this.options.config.stateDir}/network.json`;
  }

  #keepConfirmed(name: string, text: string): void {
    this.#keepText(this.#confirmedPath, name, text);
    this.#keepText(this.#ownPath, name, text);
  }

  /** Specifications by interface, none where there is no such file. */
  #readTexts(path: string): Record<string, string> {
    const { files } = this.options.shim;
    if (files.lstatIfPresent(path) === null) return {};
    try {
      const value: unknown = JSON.parse(files.readText(path, { maxBytes: MAX_TEXTS_BYTES }));
      if (typeof value !== "object" || value === null) return {};
      return Object.fromEntries(
        Object.entries(value).filter((entry): entry is [string, string] =>
          typeof entry[1] === "string"
        ),
      );
    } catch (error) {
      this.options.log.error("file of the network ignored", { path, error: String(error) });
      return {};
    }
  }

  #keepText(path: string, name: string, text: string): void {
    const texts = this.#readTexts(path);
    if (texts[name] === text) return;
    const bytes = JSON.stringify({ ...texts, [name]: text });
    try {
      this.options.shim.files.writeAtomicSync(path, bytes, { mode: 0o600 });
    } catch (error) {
      if (!isShimError(error)) throw error;
      this.options.log.warn("network not kept", { path, reason: error.message });
    }
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
    this.#tell(event);
    if (event.kind === "failed" || event.kind === "linkLost") return;
    for (const listener of this.#listeners) listener(event.name);
  }

  #tell(event: NetworkEvent): void {
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
      case "arrived":
        return log.info("interface appeared", { interface: event.name });
    }
  }
}
