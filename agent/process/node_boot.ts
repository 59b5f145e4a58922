/**
 * The boot of this node: what each phase does in this profile. It owns the boot sequence and
 * ends by `close`.
 */

import type { agentport } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  BOOT_PHASES,
  type BootPhase,
  type BootRules,
  BootSequence,
  type BootState,
  failureText,
  hostNameToSet,
  isBootFailed,
  recordOf,
  statusTexts,
} from "../boot/mod.ts";
import type { BootNews, PhaseWork } from "../boot/mod.ts";
import { isShimError, type Shim } from "../../ffi/mod.ts";
import type { Coldplug } from "../hardware/mod.ts";
import type { BootStanding, Node } from "../node/mod.ts";
import type { NodeNetwork } from "./node_network.ts";
import type { RunProfile } from "./run_profile.ts";

/** Longest wait of one attempt for an answer of the journal link, and for the services. */
const LINK_LIMIT_MS = 90_000;
const SERVICES_LIMIT_MS = 120_000;
/** Longest that a boot has the processors to itself before the shell is opened. */
const SHELL_WAIT_MS = 10_000;

/** What the phases look at; whoever changes it tells the boot. */
export interface BootFacts {
  readonly hasIdentity: boolean;
  /** The last word of the link, and how many there were. */
  readonly link: agentport.LinkState | undefined;
  readonly linkReports: number;
  /** The node runs what is declared, from the journal or from the cache (BTS-9). */
  readonly isDeclared: boolean;
  /** The cached declaration may serve while there is no contact (BTS-9). */
  readonly mayUseCache: boolean;
  /** The shell listener is open, or is known not to be wanted. */
  readonly isShellKnown: boolean;
}

/** What the boot works with. */
export interface NodeBootOptions {
  readonly profile: RunProfile;
  readonly shim: Shim;
  /** The devices of this node; asked for only where they are its own (CTX-3). Throws ShimError. */
  readonly devices: () => Coldplug;
  readonly config: agentport.AgentConfig;
  readonly clock: Clock;
  readonly log: Logger;
  /** The kernel's command line, by word. */
  readonly commandLine: readonly string[];
  readonly node: Node;
  /** Absent where the network is somebody else's (CTX-3). */
  readonly network: NodeNetwork | undefined;
  readonly facts: () => BootFacts;
  readonly startLink: () => void;
  /** From now on the node may be called; repeatable. */
  readonly openShell: () => void;
  /** Throws for what this node must have and has not. */
  readonly checkHardware: () => void;
  readonly onReady: () => void;
}

/** The phases of a profile (CTX-3): only an init system has hardware and network to bring up. */
const PHASES: Readonly<Record<RunProfile, readonly BootPhase[]>> = {
  init: [
    "InitHardware",
    "ConfigureNetwork",
    "LoadIdentity",
    "PullOverlay",
    "StartServices",
    "Ready",
  ],
  guest: ["LoadIdentity", "PullOverlay", "StartServices", "Ready"],
  service: ["LoadIdentity", "PullOverlay", "StartServices", "Ready"],
  rootless: ["LoadIdentity", "PullOverlay", "StartServices", "Ready"],
};

export class NodeBoot {
  readonly #sequence: BootSequence;
  readonly #log: Logger;
  readonly #looking = new Set<() => void>();
  readonly #stopListening: () => void;
  #shellTimer: TimerHandle | undefined;

  constructor(private readonly options: NodeBootOptions) {
    const { config, clock, node } = options;
    this.#log = options.log.child("agent.boot");
    this.#sequence = new BootSequence({
      rules: rulesOf(config, options.profile),
      work: this.#work(),
      clock,
      onNews: (news) => this.#onNews(news),
    });
    this.#stopListening = node.supervisor.onNotice(() => this.#look());
  }

  start(): void {
    this.#shellTimer = this.options.clock.setTimer(SHELL_WAIT_MS, () => this.#openShell());
    this.#sequence.start();
  }

  /** Something the phases look at has changed; a failed one goes on at once when it can. */
  factsChanged(): void {
    this.#look();
    const { state } = this.#sequence;
    if (state.kind === "failed" && this.#isThere(state.phase)) this.#sequence.retry();
  }

  /** The node has failed to boot: only platform admins are let in (SHS-8). */
  get isFailed(): boolean {
    return isBootFailed(this.#sequence.state);
  }

  /** No phase has failed, and the last one is not done. */
  get isUnderWay(): boolean {
    return !this.isFailed && this.#sequence.state.kind !== "ready";
  }

  /** What status shows of the boot. */
  texts(): string[] {
    return statusTexts(this.#sequence.state);
  }

  close(): void {
    this.#stopListening();
    this.#forgetShellTimer();
    this.#sequence.close();
  }

  /** Once the services are up, at the latest when a phase has failed or all takes long. */
  #openShell(): void {
    this.#forgetShellTimer();
    this.options.openShell();
  }

  #forgetShellTimer(): void {
    if (this.#shellTimer !== undefined) this.options.clock.clearTimer(this.#shellTimer);
    this.#shellTimer = undefined;
  }

  #work(): Readonly<Record<BootPhase, PhaseWork>> {
    return {
      InitHardware: () => this.#initHardware(),
      ConfigureNetwork: () => this.options.network?.configure() ?? Promise.resolve(),
      LoadIdentity: (signal) => this.#loadIdentity(signal),
      PullOverlay: (signal) => this.#link("PullOverlay", signal),
      StartServices: (signal) => this.#startServices(signal),
      Ready: (signal) =>
        this.#until(signal, LINK_LIMIT_MS, () => this.#isThere("Ready"), "shell listener not open"),
    };
  }

  /** pact-init has mounted the pseudo file systems (INI-1); this does what else the phase demands. */
  async #initHardware(): Promise<void> {
    const { shim, devices } = this.options;
    if (shim.files.lstatIfPresent("/sys/fs/cgroup/cgroup.controllers") === null) {
      throw new Error("no cgroup v2 hierarchy at /sys/fs/cgroup");
    }
    this.#setHostName();
    await devices().run();
    this.options.checkHardware();
  }

  #setHostName(): void {
    const { shim, config, commandLine } = this.options;
    const name = hostNameToSet({
      current: shim.system.names().hostname,
      commandLine,
      nodeId: config.nodeId,
    });
    if (name === undefined) return;
    try {
      shim.system.setHostname(name);
      this.#log.info("host name set", { name });
    } catch (error) {
      if (!isShimError(error)) throw error;
      this.#log.warn("host name not set", { name, reason: error.message });
    }
  }

  async #loadIdentity(signal: AbortSignal): Promise<void> {
    this.options.startLink();
    await this.#link("LoadIdentity", signal);
  }

  /** Waits for what the link brings; its first bad news since the attempt began end the attempt. */
  async #link(phase: BootPhase, signal: AbortSignal): Promise<void> {
    const { linkReports } = this.options.facts();
    await this.#until(signal, LINK_LIMIT_MS, () => {
      if (this.#isThere(phase)) return true;
      const { link, linkReports: now } = this.options.facts();
      if (now > linkReports && link?.connected === false) {
        const code = link.code === "" ? "" : `${link.code}: `;
        throw new Error(`journal ${link.endpoint}: ${code}${link.reason}`);
      }
      return false;
    }, () => this.#lastWord());
  }

  /** A refused node asks less often than an attempt lasts. */
  #lastWord(): string {
    const { link } = this.options.facts();
    if (link === undefined || link.connected) return "no answer from a journal";
    return `journal ${link.endpoint}: ${link.reason}`;
  }

  async #startServices(signal: AbortSignal): Promise<void> {
    await this.options.node.startServices();
    await this.#until(
      signal,
      SERVICES_LIMIT_MS,
      () => this.#isThere("StartServices"),
      () => `services not up: ${this.#servicesNotUp()}`,
    );
    // The shell is this phase's too (SHS-8), and comes behind the services.
    this.#openShell();
  }

  #servicesNotUp(): string {
    return this.options.node.supervisor.status().services
      .filter(({ state }) => state !== "Running")
      .map(({ name, state, reason }) => reason === "" ? `${name} ${state}` : `${name} ${reason}`)
      .slice(0, 20).join(", ");
  }

  /** Whether what ends a phase is the case. */
  #isThere(phase: BootPhase): boolean {
    const { facts, node } = this.options;
    switch (phase) {
      case "LoadIdentity":
        return facts().hasIdentity || facts().mayUseCache;
      case "PullOverlay":
        return facts().isDeclared;
      case "StartServices":
        return node.supervisor.status().settled;
      case "Ready":
        return facts().isShellKnown;
      default:
        return false;
    }
  }

  /** Resolves once `check` holds; it is asked again after every change. */
  #until(
    signal: AbortSignal,
    limitMs: number,
    check: () => boolean,
    late: string | (() => string),
  ): Promise<void> {
    const { clock } = this.options;
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clock.clearTimer(timer);
        this.#looking.delete(look);
        signal.removeEventListener("abort", aborted);
        settle();
      };
      const look = () => {
        try {
          if (check()) end(resolve);
        } catch (error) {
          end(() => reject(error));
        }
      };
      const aborted = () => end(() => reject(signal.reason));
      const timer = clock.setTimer(
        limitMs,
        () => end(() => reject(new Error(typeof late === "string" ? late : late()))),
      );
      signal.addEventListener("abort", aborted, { once: true });
      this.#looking.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of [...this.#looking]) look();
  }

  #onNews(news: BootNews): void {
    const { node } = this.options;
    const { action, detail, outcome } = recordOf(news);
    if (news.kind === "phaseFailed") {
      this.#log.error(failureText(news));
      this.#openShell();
    } else if (news.kind === "ready") this.#log.info("boot complete", { detail });
    else this.#log.info("boot phase complete", { detail });
    node.record(action, detail, outcome);
    node.setStanding(standingOf(this.#sequence.state, this.options.config.bootMaxRetries));
    if (news.kind === "ready") this.options.onReady();
  }
}

/** A boot that goes on trying is not over; one that has used its retries up is, for who waits (RDY-5). */
function standingOf(state: BootState, maxRetries: number): BootStanding {
  switch (state.kind) {
    case "notStarted":
      return { name: "Booting", phase: BOOT_PHASES[0], attempt: 1 };
    case "running":
      return { name: "Booting", phase: state.phase, attempt: state.attempt };
    case "failed":
      return state.attempt > maxRetries
        ? { name: "Failed", reason: `${state.phase}: ${state.reason}` }
        : { name: "Booting", phase: state.phase, attempt: state.attempt };
    case "ready":
      return { name: "Ready" };
  }
}

function rulesOf(config: agentport.AgentConfig, profile: RunProfile): BootRules {
  return {
    phases: PHASES[profile],
    maxRetries: config.bootMaxRetries,
    backoffInitialMs: config.bootBackoffInitialSeconds * 1000,
    backoffMaxMs: config.bootBackoffMaxSeconds * 1000,
    slowRetryMs: config.bootSlowRetrySeconds * 1000,
  };
}
