/**
 * Loads the drivers of the devices that are there, and of those that come later. It owns a netlink
 * listener and ends by `close`.
 */

import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { type EventPump, isShimError, NETLINK_GROUP, type Shim } from "../../ffi/mod.ts";
import { setMode, setUpDeviceNodes } from "./device_nodes.ts";
import { DeviceRules } from "./device_rules.ts";
import { moduleIndex } from "./module_index.ts";
import { type LoadReport, ModuleLoader } from "./module_loader.ts";
import { namesIn, readModuleTables, textIfPresent } from "./module_tables.ts";
import { decodeUevent, type Uevent } from "./uevent.ts";

const BUSES = "/sys/bus";
const MODULES = "/lib/modules";
const MAX_ALIAS_BYTES = 4096;
/** A driver brings devices of its own, which want drivers: so deep may that go. */
const MAX_ROUNDS = 6;

/** What the coldplug works with. */
export interface ColdplugOptions {
  readonly shim: Pick<Shim, "files" | "modules" | "network" | "system" | "users">;
  readonly events: EventPump;
  readonly clock: Clock;
  /** Asked for when there is something to say. */
  readonly log: () => Logger;
  /** The kernel's command line, by word. */
  readonly commandLine: readonly string[];
}

/** The devices of a node, taken care of. */
export interface Coldplug {
  /** Begins with the drivers before anybody asks for them; `run` then takes what came of it. */
  begin(): void;
  /** Loads the drivers of what is there, and sets up the nodes. Repeatable. */
  run(): Promise<LoadReport>;
  /** What is declared of device nodes, in place of what was before (CLD-3). */
  override(rules: readonly agentport.DeviceRule[]): Promise<void>;
  close(): void;
}

/** Starts to listen for devices; `run` takes those that are there already. Throws ShimError. */
export function openColdplug(options: ColdplugOptions): Coldplug {
  return new ColdplugRunner(options);
}

class ColdplugRunner implements Coldplug {
  readonly #listener: { close(): void };
  #loader: ModuleLoader | undefined;
  #begun: Promise<LoadReport & { readonly durationMs: number }> | undefined;
  readonly #rules: DeviceRules;
  /** Aliases that were dealt with. */
  readonly #seen = new Set<string>();

  constructor(private readonly options: ColdplugOptions) {
    const { shim, events } = options;
    this.#rules = new DeviceRules(shim);
    // Before the first look, so that no device falls between the two.
    this.#listener = shim.network.listen(events, "uevent", NETLINK_GROUP.kernelUevent, (news) => {
      const event = news.kind === "datagram" ? decodeUevent(news.bytes) : undefined;
      if (event !== undefined) this.#onUevent(event);
      else if (news.kind === "lost") this.#again();
    });
  }

  begin(): void {
    this.#begun ??= this.#load();
    // Told by `run`.
    this.#begun.catch(() => {});
  }

  async run(): Promise<LoadReport> {
    const { shim } = this.options;
    const log = this.options.log();
    const begun = this.#begun ?? this.#load();
    this.#begun = undefined;
    const { durationMs, ...report } = await begun;
    const { loaded, failed, unused } = report;
    const isRuled = (name: string) => this.#rules.saysMode(name);
    const problems = setUpDeviceNodes(shim.files, "/dev", isRuled);
    for (const problem of [...problems, ...this.#rules.applyAll()]) {
      log.warn("device node not set up", { problem });
    }
    for (const { name, reason } of failed) log.warn("module not loaded", { module: name, reason });
    log.info("drivers loaded", {
      devices: this.#seen.size,
      modules: loaded.length,
      duration_ms: Math.round(durationMs),
    });
    if (unused.length > 0) log.debug("drivers without a device", { modules: unused.join(" ") });
    return report;
  }

  async override(rules: readonly agentport.DeviceRule[]): Promise<void> {
    for (const problem of await this.#rules.set(rules)) {
      this.options.log().warn("device rule not carried out", { problem });
    }
  }

  close(): void {
    this.#listener.close();
  }

  async #load(): Promise<LoadReport & { readonly durationMs: number }> {
    const { clock } = this.options;
    const beginMs = clock.monotonicMs();
    const loaded: string[] = [];
    const failed: LoadReport["failed"][number][] = [];
    const unused: string[] = [];
    this.#loader ??= this.#openLoader();
    for (let round = 0; round < MAX_ROUNDS && this.#loader !== undefined; round++) {
      const fresh = this.#aliases().filter((alias) => !this.#seen.has(alias));
      if (fresh.length === 0) break;
      const report = await this.#loadFor(this.#loader, fresh);
      loaded.push(...report.loaded);
      failed.push(...report.failed);
      unused.push(...report.unused);
    }
    return { loaded, failed, unused, durationMs: clock.monotonicMs() - beginMs };
  }

  #openLoader(): ModuleLoader | undefined {
    const { shim, clock, commandLine } = this.options;
    const directory = `${MODULES}/${shim.system.names().release}`;
    const tables = readModuleTables(shim.files, directory, commandLine);
    if (tables === undefined) {
      this.options.log().warn("no modules for this kernel", { directory });
      return undefined;
    }
    return new ModuleLoader({
      modules: shim.modules,
      index: moduleIndex(tables),
      directory,
      clock,
    });
  }

  #aliases(): string[] {
    const { files } = this.options.shim;
    const aliases = namesIn(files, BUSES).flatMap((bus) =>
      namesIn(files, `${BUSES}/${bus}/devices`).flatMap((device) =>
        textIfPresent(files, `${BUSES}/${bus}/devices/${device}/modalias`, MAX_ALIAS_BYTES) ?? []
      )
    );
    return [...new Set(aliases.map((alias) => alias.trim()))].filter((alias) => alias !== "");
  }

  async #loadFor(loader: ModuleLoader, aliases: readonly string[]): Promise<LoadReport> {
    for (const alias of aliases) this.#seen.add(alias);
    return await loader.load(aliases.flatMap((alias) => loader.index.modulesFor(alias)));
  }

  #onUevent({ action, values }: Uevent): void {
    if (action !== "add" && action !== "bind") return;
    const node = values.get("DEVNAME");
    if (node !== undefined && action === "add") this.#setMode(node);
    const alias = values.get("MODALIAS");
    if (alias === undefined || this.#seen.has(alias) || this.#loader === undefined) return;
    this.#loadFor(this.#loader, [alias]).then(
      ({ loaded, failed }) => {
        const log = this.options.log();
        if (loaded.length > 0) log.info("drivers loaded", { modules: loaded.join(" ") });
        for (const { name, reason } of failed) {
          log.warn("module not loaded", { module: name, reason });
        }
      },
      (error: unknown) =>
        this.options.log().error("device not dealt with", { error: String(error) }),
    );
  }

  #setMode(node: string): void {
    try {
      if (!this.#rules.saysMode(node)) setMode(this.options.shim.files, "/dev", node);
      this.#rules.appeared(node);
    } catch (error) {
      // It may be gone again.
      if (!isShimError(error)) throw error;
      this.options.log().debug("device node not set up", { problem: error.message });
    }
  }

  /** Events were lost: everything is looked at again. */
  #again(): void {
    this.run().catch((error: unknown) =>
      this.options.log().error("devices not looked at again", { error: String(error) })
    );
  }
}
