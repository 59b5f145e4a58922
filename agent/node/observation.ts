/**
 * What the observer sees, brought to those whom it concerns: drift evaluation, the log, and who a change
 * is put down to. It owns the observer from the first declaration on (OBS-3) and ends by `close`.
 */

import { dirname } from "node:path";
import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { nodePaths, WORKLOAD_ROOT } from "../../contracts/mod.ts";
import { type EventPump, isShimError, type Shim } from "../../ffi/mod.ts";
import type { EffectiveState } from "../apply/mod.ts";
import {
  type Attribution,
  type Blacklist,
  compileBlacklist,
  isIncidentalPlace,
} from "../drift/mod.ts";
import {
  describeActor,
  eventName,
  type ObservedEvent,
  type Observer,
  openObserver,
  placeOf,
  watchedFiles,
} from "../observer/mod.ts";
import { type Attributor, createAttributor } from "./attribution.ts";

/** What the observation works with. */
export interface ObservationOptions {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: agentport.AgentConfig;
  /** Something declared has changed, or may have. */
  readonly onChange: () => void;
}

export class Observation {
  readonly #attributor: Attributor;
  #observer: Observer | undefined;
  #declared: ReadonlySet<string> = new Set();
  #blacklist: Blacklist;

  constructor(private readonly options: ObservationOptions) {
    this.#attributor = createAttributor(options.clock);
    this.#blacklist = compileBlacklist(options.config.blacklist);
  }

  /** This person's command may change things from now on. */
  note(actor: string): void {
    this.#attributor.note(actor);
  }

  /** What is declared has been applied: from now on changes are news. */
  takeDeclared({ targets, blacklist }: EffectiveState): void {
    this.#declared = new Set(
      Object.entries(targets).flatMap(([category, keys]) =>
        [...keys.keys()].map((key) => `${category}:${key}`)
      ),
    );
    this.#blacklist = compileBlacklist(this.options.config.blacklist, blacklist);
    this.#observer ??= this.#open();
    this.#observer.observe(targets.files.keys());
  }

  /**
   * Whose command changed an item that has just drifted (DRIFT-6). A process known to belong to a service
   * or a workload is no part of a command, whenever it acts.
   */
  attribution(name: string): Attribution | undefined {
    return this.isServiceWork(name) ? undefined : this.#attributor.current();
  }

  /** A process of a service or a workload is known to have changed the item. */
  isServiceWork(name: string): boolean {
    const kind = this.#placeOf(name)?.kind;
    return kind === "service" || kind === "workload";
  }

  /** A process of somebody's session is known to have changed the item. */
  isByHand(name: string): boolean {
    return this.#placeOf(name)?.kind === "session";
  }

  /** The process that changed an item, in one line, where it was seen. */
  cause(name: string): string | undefined {
    const actor = this.#observer?.actorOf(name);
    return actor && describeActor(actor);
  }

  /** What is below the watched paths, where undeclared files are held against what they were (OBS-9). */
  watched() {
    const { config, shim: { files } } = this.options;
    const isNoise = (path: string) => this.#blacklist.matchesPath(path);
    return watchedFiles({ files, root: config.root, watchPaths: config.watchPaths, isNoise });
  }

  /** What is not observed here, for status (CTX-5, OBS-12). */
  get unavailable(): readonly string[] {
    return this.#observer?.unavailable ?? [];
  }

  /** Scans should come twice as often: a source shows no sign of life (OBS-13). */
  get isSilent(): boolean {
    return this.#observer?.isSilent === true;
  }

  async close(): Promise<void> {
    await this.#observer?.close();
  }

  #placeOf(name: string) {
    const actor = this.#observer?.actorOf(name);
    return actor && placeOf(actor);
  }

  #open(): Observer {
    const { config, log, shim } = this.options;
    const probes = {
      program: `${dirname(shim.path)}/pact-probe`,
      workloadCgroup: `${nodePaths(config.root).cgroupRoot}/${WORKLOAD_ROOT}`,
    };
    return openObserver({
      ...this.options,
      log: log.child("agent.observer"),
      root: config.root,
      watchPaths: config.watchPaths,
      watchesFiles: config.inotifyEnabled,
      watchesNetlink: config.netlinkEnabled,
      ...(config.ebpfEnabled && { probes }),
      ...this.#canary(),
      isNoise: (path) => this.#blacklist.matchesPath(path),
      onEvents: (events) => this.#onEvents(events),
      onRescan: this.options.onChange,
    });
  }

  #canary(): { readonly canary?: string } {
    const { config: { root, stateDir }, shim: { files } } = this.options;
    if (stateDir === "") return {};
    const directory = `${stateDir}/observer`;
    try {
      if (files.lstatIfPresent(directory) === null) files.mkdir(directory, 0o700);
      return { canary: `${directory.slice(root.length)}/canary` };
    } catch (error) {
      if (!isShimError(error)) throw error;
      this.options.log.warn("no sign of life can be asked for", { reason: error.message });
      return {};
    }
  }

  #onEvents(events: readonly ObservedEvent[]): void {
    const held = events.filter((event) =>
      this.#declared.has(eventName(event)) || this.#isHeldUndeclared(event)
    );
    for (const event of events) {
      if (!this.#blacklist.matchesItem(event.category, event.path)) this.#show(event);
    }
    if (held.length > 0) this.options.onChange();
  }

  /** Whether it may be drift though nobody declared it (OBS-9); containers come and go all the time. */
  #isHeldUndeclared({ category, path }: ObservedEvent): boolean {
    if (!this.options.config.baselineEnabled) return false;
    switch (category) {
      case "files":
        return true;
      case "mounts":
        return !isIncidentalPlace(path) && !this.#blacklist.matchesItem(category, path);
      case "kernel":
        return path.startsWith("module:");
      case "network":
        return !this.#blacklist.matchesItem(category, path);
      default:
        return false;
    }
  }

  /** Interfaces and mounts come and go with containers: they are for those who look closely. */
  #show({ category, path, detail, source, actor }: ObservedEvent): void {
    const { log } = this.options;
    const by = actor === undefined ? {} : { by: describeActor(actor) };
    const fields = { item: eventName({ category, path }), detail, source, ...by };
    if (category === "files" || category === "kernel") log.info("change observed", fields);
    else log.debug("change observed", fields);
  }
}
