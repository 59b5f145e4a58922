/**
 * All sources of news together: what changed, who did it, each item once (node-ops.md section 1). It owns
 * the sources and a timer and ends by `close`. It makes finding fast; scans find everything (OBS-7).
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { EventPump, Shim } from "../../ffi/mod.ts";
import { betterActor } from "./actor.ts";
import { ActorTable } from "./actor_table.ts";
import {
  coalesce,
  type CoalesceInput,
  type CoalesceState,
  isStorming,
  nextTimerMs,
  QUIET,
} from "./coalesce.ts";
import { openDeviceSource } from "./device_source.ts";
import { type Actor, eventName, type ObservedEvent, type SourceName } from "./event.ts";
import { FileSource } from "./file_source.ts";
import { LifeSign } from "./life_sign.ts";
import { KeptSource } from "./kept_source.ts";
import { openMountSource } from "./mount_source.ts";
import { openNetworkSource } from "./network_source.ts";
import { readProcessFacts } from "./process_facts.ts";
import { ProbeSource } from "./probe_source.ts";
import { openProcessSource } from "./process_source.ts";
import type { Listener, Source } from "./source.ts";

/** So long an item's last change is put down to its actor: a storm may keep it from being looked at. */
const ACTOR_MS = 15_000;
/** Most items whose actor is remembered. */
const MAX_ACTORS = 4_096;
/** Most events taken together. */
const MAX_TOLD = 256;

/** What an observer works with. */
export interface ObserverOptions {
  readonly shim: Pick<
    Shim,
    | "files"
    | "network"
    | "openFanotify"
    | "openFileWrites"
    | "openInotify"
    | "processes"
    | "system"
    | "watchMounts"
    | "watchProcesses"
  >;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  /** Prefix of every managed path; empty on a real node, and only there more than files is observed. */
  readonly root: string;
  /** Roots below which files are watched, declared or not (agent.observer.watch_paths). */
  readonly watchPaths: readonly string[];
  /** agent.observer.inotify_enabled: files. */
  readonly watchesFiles: boolean;
  /** agent.observer.netlink_enabled: network, devices, new processes. */
  readonly watchesNetlink: boolean;
  /** A file of the agent's own, path without the prefix, that is touched to see whether files are
   * observed (OBS-13); its directory must be there. */
  readonly canary?: string;
  /** agent.observer.ebpf_enabled: where `pact-probe` is; absent without probes. */
  readonly probes?: { readonly program: string; readonly workloadCgroup: string };
  /** Undeclared files that are operational noise (BLK-1). */
  readonly isNoise: (path: string) => boolean;
  /** What changed, each item once within 250 ms. */
  readonly onEvents: (events: readonly ObservedEvent[]) => void;
  /** News were lost: anything may have changed. */
  readonly onRescan: () => void;
}

/** A running observer. */
export interface Observer {
  /** Watches these declared files, paths without the prefix, and of declared files no others. */
  observe(paths: Iterable<string>): void;
  /** Who is known to have changed the item of this name, `category:key`, of late. */
  actorOf(name: string): Actor | undefined;
  /** Sources that are not there, as `observer NAME: REASON` (OBS-12). */
  readonly unavailable: readonly string[];
  /** A source shows no sign of life: scans should come twice as often (OBS-13). */
  readonly isSilent: boolean;
  /** Why some declared files are found by scans alone. */
  readonly unwatched: readonly string[];
  /** Resolves when what was started for it has ended. */
  close(): Promise<void>;
}

/** Opens every source that this machine permits; what is missing is named in `unavailable`. */
export function openObserver(options: ObserverOptions): Observer {
  return new RunningObserver(options);
}

class RunningObserver implements Observer {
  readonly #kept = new Map<string, KeptSource>();
  readonly #table = new ActorTable();
  readonly #actors = new Map<string, { readonly actor: Actor; readonly atMs: number }>();
  readonly #ownPid: number;
  #files: FileSource | undefined;
  #probes: ProbeSource | undefined;
  #lifeSign: LifeSign | undefined;
  #declared: readonly string[] = [];
  #state: CoalesceState = QUIET;
  #timer: { readonly handle: TimerHandle; readonly atMs: number } | undefined;
  readonly #told: ObservedEvent[] = [];
  #isClosed = false;

  constructor(private readonly options: ObserverOptions) {
    const { shim, events, clock, log, watchesFiles, watchesNetlink } = options;
    this.#ownPid = shim.system.ids().pid;
    const listener: Listener = {
      tell: (event, pid) => this.#tell(event, pid),
      lost: (source) => this.#input({ kind: "lost", source }),
      actor: (pid) => this.#actor(pid),
    };
    const keep = (name: string, open: () => Source) =>
      this.#kept.set(name, new KeptSource({ name, clock, log, open }));
    const { probes } = options;
    if (probes !== undefined) {
      this.#probes = new ProbeSource({ ...options, ...probes, listener, table: this.#table });
    }
    // First, so that who acts is known when the others tell.
    if (watchesNetlink) {
      keep("processes", () => openProcessSource({ ...options, table: this.#table }));
    }
    // A node below a prefix has files of its own; network, devices and mounts are its host's.
    const isWholeNode = options.root === "";
    if (watchesNetlink && isWholeNode) {
      keep("netlink", () => openNetworkSource({ ...options, listener }));
      keep("uevent", () => openDeviceSource(shim, events, listener));
    }
    if (isWholeNode) keep("mountinfo", () => openMountSource(shim, events, listener));
    if (watchesFiles) keep("inotify", () => this.#openFiles(listener));
    if (watchesFiles && options.canary !== undefined) this.#lifeSign = this.#awaitLife();
  }

  get unavailable(): readonly string[] {
    const failed = [...this.#kept].flatMap(([name, { failure }]) =>
      failure === undefined ? [] : [`observer ${name}: ${failure}`]
    );
    const actors = this.#files?.actorsUnavailable;
    if (actors !== undefined) failed.push(`observer fanotify: ${actors}`);
    const probes = this.#probes?.failure;
    if (probes !== undefined) failed.push(`observer ebpf: unavailable (${probes})`);
    const instead = this.#probes?.insteadOfBpf;
    if (probes === undefined && instead !== undefined) {
      failed.push(`observer ebpf: unavailable (${instead}), tracefs is used`);
    }
    if (this.isSilent) failed.push("observer inotify: no sign of life");
    const missing = this.#probes?.missing ?? [];
    const kind = instead === undefined ? "ebpf" : "tracefs";
    return [...failed, ...missing.map((name) => `observer ${kind}: ${name}: not in this kernel`)];
  }

  get isSilent(): boolean {
    return this.#lifeSign?.isMissing === true;
  }

  get unwatched(): readonly string[] {
    return this.#files?.unwatched ?? [];
  }

  observe(paths: Iterable<string>): void {
    this.#declared = [...paths];
    this.#observeFiles();
  }

  actorOf(name: string): Actor | undefined {
    const found = this.#actors.get(name);
    if (found === undefined) return undefined;
    if (this.options.clock.monotonicMs() - found.atMs > ACTOR_MS) return undefined;
    return this.#known(found.actor);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer.handle);
    for (const source of this.#kept.values()) source.close();
    this.#lifeSign?.close();
    await this.#probes?.close();
  }

  #openFiles(listener: Listener): Source {
    const files = new FileSource({ ...this.options, listener });
    this.#files = files;
    this.#observeFiles();
    return files;
  }

  #observeFiles(): void {
    const { canary } = this.options;
    this.#files?.observe(canary === undefined ? this.#declared : [...this.#declared, canary]);
  }

  #awaitLife(): LifeSign {
    const { shim, root, canary } = this.options;
    return new LifeSign({
      ...this.options,
      source: "inotify",
      touch: () => shim.files.writeAtomicSync(`${root}${canary}`, "", { mode: 0o600 }),
    });
  }

  #actor(pid: number): Actor | undefined {
    if (pid <= 0 || pid === this.#ownPid) return undefined;
    const { shim, clock } = this.options;
    return this.#table.actor(pid, clock.monotonicMs(), (at) => readProcessFacts(shim.files, at));
  }

  /** Who was only a number, or a fork, may have been told of since: a probe tells of each that ends. */
  #known(actor: Actor): Actor {
    const mayBeLearned = actor.confidence === "number" || actor.isForker === true;
    return mayBeLearned ? betterActor(actor, this.#actor(actor.pid)) ?? actor : actor;
  }

  /** Nobody is looked up in a storm: it would last the longer. */
  #tell(event: Omit<ObservedEvent, "atMs">, pid = 0): void {
    if (event.path === this.options.canary) return this.#lifeSign?.seen();
    const isHeard = !isStorming(this.#state, event.source);
    const actor = event.actor ?? (isHeard ? this.#actor(pid) : undefined);
    const told = { ...event, atMs: this.options.clock.nowMs(), ...(actor && { actor }) };
    this.#rememberActor(told);
    // What comes together is taken together.
    if (this.#told.push(told) === 1) queueMicrotask(() => this.#takeTold());
    else if (this.#told.length >= MAX_TOLD) this.#takeTold();
  }

  #takeTold(): void {
    const events = this.#told.splice(0);
    if (events.length > 0) this.#input({ kind: "events", events });
  }

  /** At once, so that a scan that comes before the event is delivered finds it. */
  #rememberActor(event: ObservedEvent): void {
    const { actor } = event;
    if (actor === undefined) return;
    const name = eventName(event);
    const former = this.actorOf(name);
    this.#actors.delete(name);
    const atMs = this.options.clock.monotonicMs();
    this.#actors.set(name, { actor: betterActor(former, actor) ?? actor, atMs });
    if (this.#actors.size <= MAX_ACTORS) return;
    const [oldest] = this.#actors.keys();
    if (oldest !== undefined) this.#actors.delete(oldest);
  }

  #input(input: CoalesceInput): void {
    if (this.#isClosed) return;
    const { clock } = this.options;
    const { state, effects } = coalesce(this.#state, input, clock.monotonicMs());
    this.#state = state;
    this.#setTimer();
    for (const effect of effects) {
      if (effect.kind === "deliver") this.#deliver(effect.events);
      else if (effect.kind === "rescan") this.#rescan(effect.source);
      else this.options.log.warn("storm of changes, looked at all together", { ...effect });
    }
  }

  #deliver(events: readonly ObservedEvent[]): void {
    this.options.onEvents(
      events.map((event) =>
        event.actor === undefined ? event : { ...event, actor: this.#known(event.actor) }
      ),
    );
  }

  #rescan(source: SourceName): void {
    if (source === "inotify" || source === "fanotify") this.#files?.rescan();
    this.options.onRescan();
  }

  #setTimer(): void {
    const { clock } = this.options;
    const atMs = nextTimerMs(this.#state);
    if (atMs === this.#timer?.atMs) return;
    if (this.#timer !== undefined) clock.clearTimer(this.#timer.handle);
    this.#timer = undefined;
    if (atMs === undefined) return;
    const handle = clock.setTimer(atMs - clock.monotonicMs(), () => {
      this.#timer = undefined;
      this.#input({ kind: "timer" });
    });
    this.#timer = { handle, atMs };
  }
}
