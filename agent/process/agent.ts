/**
 * The agent's core process: shim, event pump, network worker, node. It owns all four; they end when a
 * signal asks, in the reverse order of their opening.
 */

import type { agentport } from "../../api/mod.ts";
import { systemClock } from "../../common/clock/mod.ts";
import { nodePaths } from "../../contracts/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { VERSION } from "../../common/version/mod.ts";
import { type EventPump, isShimError, type Shim } from "../../ffi/mod.ts";
import { type AgentCache, keepAnchor, loadAnchor, loadIdentity, openCache } from "../cache/mod.ts";
import { kernelWords } from "../boot/mod.ts";
import { type Coldplug, openColdplug } from "../hardware/mod.ts";
import type { Ending } from "../init/mod.ts";
import { NodeLocks } from "../calls/mod.ts";
import { type Node, openNode, recordRefusal } from "../node/mod.ts";
import { type CorePort, openCorePort } from "../port/mod.ts";
import { openSystemdNotifier, type SystemdNotifier } from "./systemd_notifier.ts";
import type { CoreArguments } from "../start/mod.ts";
import { loggerOf } from "./agent_log.ts";
import { withBootSources } from "./boot_sources.ts";
import { ConfigureExchange } from "./configure_exchange.ts";
import { type InitDuties, openInitDuties } from "./init_duties.ts";
import { machineIdentity } from "./machine.ts";
import { NodeBoot } from "./node_boot.ts";
import { NodeNetwork } from "./node_network.ts";
import { firstFrame, openAgentShim } from "./read_configuration.ts";
import { readCommandLine, type RunProfile, runProfile } from "./run_profile.ts";
import { isSvid, recordIdentity } from "./record_identity.ts";
import { WorkerPulse } from "./worker_pulse.ts";

/** Refusals after which a node must not run what it has cached (BTS-9). */
const NO_CACHE_CODES = new Set(["NODE_NOT_ENROLLED", "NODE_REVOKED", "HARDWARE_IDENTITY_MISMATCH"]);
/** Most frames that wait for the node to be opened. */
const MAX_WAITING = 1_024;

/** What the process is given from outside. */
export interface AgentProcessOptions {
  readonly args: CoreArguments;
  readonly env: (name: string) => string | undefined;
  /** The network worker, just started; it is the agent's from here on. */
  readonly worker: Worker;
}

/** Why an agent cannot go on. */
export interface AgentFailure {
  readonly reason: string;
  /** The surroundings are at fault, not the agent: a socket in use. */
  readonly isEnvironment: boolean;
}

/** A started agent. */
export interface AgentProcess {
  /** Settles when the agent cannot go on. */
  readonly failed: Promise<AgentFailure>;
  /** Settles when the agent is to make room for its next version. */
  readonly upgrading: Promise<"upgrade">;
  /** The machine is this agent's: it ends with it. */
  readonly isInit: boolean;
  /** SIGHUP: says that it has no effect. */
  hangUp(): void;
  /** Resolves with the names of services that could not be stopped. */
  stop(ending: Ending): Promise<readonly string[]>;
}

/**
 * Starts the agent.
 *
 * @throws {ConfigurationError} naming file, line and column; {ShimLoadError} for the library.
 */
export async function startAgent(options: AgentProcessOptions): Promise<AgentProcess> {
  const shim = openAgentShim(options.args);
  const { worker } = options;
  try {
    const running = new RunningAgent(shim, worker, options);
    await running.start();
    return running;
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

class RunningAgent implements AgentProcess {
  readonly #failed = Promise.withResolvers<AgentFailure>();
  readonly #upgrading = Promise.withResolvers<"upgrade">();
  readonly #port: CorePort;
  readonly #events: EventPump;
  readonly #exchange: ConfigureExchange;
  #waiting: agentport.WorkerFrame["frame"][] = [];
  #log: Logger = loggerOf("info", "text");
  #cache: AgentCache | undefined;
  #locks: NodeLocks | undefined;
  #node: Node | undefined;
  /** Address of the shell listener, "none" where there is none; unknown before it is open. */
  #shell: string | undefined;
  #hasIdentity: boolean;
  /** Of the certificate in use. */
  #identity: agentport.NodeIdentity | undefined;
  #runs: { readonly vclusterId: string } | undefined;
  /** What is declared has been brought about once, as far as it can be. */
  #hasApplied = false;
  #boot: NodeBoot | undefined;
  #coldplug: Coldplug | undefined;
  #network: NodeNetwork | undefined;
  #systemd: SystemdNotifier | undefined;
  #init: InitDuties | undefined;
  readonly #pulse: WorkerPulse;
  readonly #profile: RunProfile;
  /** The kernel's command line, by word; read by an init system alone (AGT-1). */
  readonly #commandLine: readonly string[];
  #link: agentport.LinkState | undefined;
  #linkReports = 0;
  /** Told once, however often the journal is tried (BTS-10). */
  #isWaiting = false;

  readonly #root: string;
  readonly #env: (name: string) => string | undefined;

  constructor(
    private readonly shim: Shim,
    private readonly worker: Worker,
    options: AgentProcessOptions,
  ) {
    this.#env = options.env;
    this.#events = shim.startEvents({
      onHandlerError: (error) => this.#log.error("event handler failed", { error: String(error) }),
    });
    this.#profile = runProfile(options.args, options.env, shim);
    this.#commandLine = this.#profile === "init" ? kernelWords(readCommandLine(shim)) : [];
    const bootOptions = this.isInit ? withBootSources(options, this.#commandLine, shim) : options;
    const frame = firstFrame(shim, bootOptions);
    frame.mustBoot = this.#profile === "init";
    const root = this.#root = options.args.root ?? "";
    frame.trustAnchorPem = loadAnchor(shim.files, root, this.#log);
    const state = `${root}/run/pact/state`;
    const identity = loadIdentity(shim.files, state, this.#log);
    if (identity !== undefined) frame.identity = identity;
    this.#identity = identity;
    this.#hasIdentity = identity !== undefined;
    this.#exchange = new ConfigureExchange(shim.files, frame);
    this.#port = openCorePort(worker, {
      onFrame: (frame) => this.#onFrame(frame),
      onFailure: (error) => this.#log.error("frame not carried out", { error: String(error) }),
      onViolation: (error) => this.#fail(`the network worker broke a rule: ${error.message}`),
    });
    this.#pulse = new WorkerPulse({
      clock: systemClock,
      ask: (id) => this.#port.send({ case: "ping", value: { id } }),
      onSilent: () => this.#fail("the network worker does not answer any more"),
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#fail(`the network worker failed: ${event.message}`);
    });
  }

  get failed(): Promise<AgentFailure> {
    return this.#failed.promise;
  }

  get upgrading(): Promise<"upgrade"> {
    return this.#upgrading.promise;
  }

  get isInit(): boolean {
    return this.#profile === "init";
  }

  async start(): Promise<void> {
    this.#exchange.begin(this.#port);
    if (this.isInit) this.#beginWithDevices();
    const config = await Promise.race([
      this.#exchange.configured,
      this.failed.then(({ reason }) => Promise.reject(new Error(reason))),
    ]);
    this.#log = loggerOf(config.logLevel, config.logFormat);
    for (const warning of config.warnings) this.#log.warn(warning);
    makeDirectories(config);
    const { cacheDir: cache, stateDir: state, certDir: certificates } = config;
    this.#cache = openCache(this.shim.files, { cache, state, certificates }, this.#log);
    const identity = this.#identity;
    if (identity !== undefined) this.#keep(() => this.#cache?.publishIdentity(identity));
    if (!this.isInit) this.#startLink(config);
    this.#log.info("agent starting", {
      node: config.nodeId,
      version: VERSION,
      profile: this.#profile,
    });
    if (this.isInit) {
      const { shim } = this;
      const env = this.#env;
      const onUpgrade = () => this.#upgrading.resolve("upgrade");
      const log = this.#log;
      const events = this.#events;
      const clock = systemClock;
      this.#init = openInitDuties({ env, shim, events, clock, config, log, onUpgrade });
      this.#init?.begin();
      // Device nodes that are closed by a rule stay so until the declaration comes (CLD-3).
      const rules = this.#init?.isSuccessor === true ? this.#cache.declared()?.devices : undefined;
      if (rules !== undefined) await this.#coldplug?.override(rules);
      this.#network = this.#openNetwork(config);
    }
    this.#locks = new NodeLocks(systemClock, this.#cache.locks());
    this.#node = await openNode({
      locks: this.#locks,
      shim: this.shim,
      events: this.#events,
      config,
      cache: this.#cache,
      clock: systemClock,
      log: this.#log,
      send: (frame) => this.#port.send(frame),
      newUuid: () => crypto.randomUUID(),
      boot: () => ({
        texts: [...this.#boot?.texts() ?? [], ...this.#init?.texts() ?? []],
        isFailed: this.#boot?.isFailed ?? false,
        isUnderWay: this.#boot?.isUnderWay ?? false,
      }),
      ...this.#init?.nodeOptions(),
      ...(this.#network === undefined ? {} : { network: this.#network }),
    });
    const node = this.#node;
    this.#network?.onInterface((name) => node.convergence.noticeChange(`network:${name}`));
    this.#init?.report((...words) => node.record(...words));
    this.#init?.openConsole(node.supervisor.isolation);
    this.#systemd = openSystemdNotifier({
      shim: this.shim,
      clock: systemClock,
      log: this.#log,
      env: this.#env,
    });
    this.#systemd.status(`booting as ${config.nodeId}`);
    this.#boot = this.#openBoot(node, config);
    this.#boot.start();
    this.#pulse.start();
    // All at once, so that nothing that comes later overtakes them.
    for (const frame of this.#waiting.splice(0)) {
      this.#dispatch(node, frame).catch((error: unknown) =>
        this.#log.error("frame not carried out", { error: String(error) })
      );
    }
  }

  hangUp(): void {
    this.#log.warn("SIGHUP has no effect in this version: restart the agent to reload");
  }

  async stop({ keepServices, machine, isUpgrade }: Ending): Promise<readonly string[]> {
    this.#log.info("agent stopping", { services: keepServices ? "kept" : "stopped", machine });
    if (machine !== undefined) this.#init?.link.keepBeating();
    // The worker goes last: what happens to services while they stop is told the journal (SHD-1).
    this.#init?.close();
    this.#pulse.close();
    this.#boot?.close();
    this.#coldplug?.close();
    this.#network?.close();
    this.#systemd?.close();
    const left = await this.#node?.stop(keepServices) ?? [];
    this.#port.send({ case: "stop", value: {} });
    this.#port.close();
    this.worker.terminate();
    await this.#events.close();
    if (machine !== undefined) this.#init?.link.end(machine);
    if (isUpgrade) this.#init?.link.announceUpgrade();
    this.shim.close();
    return left;
  }

  #fail(reason: string, isEnvironment = false): void {
    this.#failed.resolve({ reason, isEnvironment });
  }

  async #onFrame(frame: agentport.WorkerFrame["frame"]): Promise<void> {
    if (frame.case === "configured" || frame.case === "configRefused") {
      return this.#exchange.onFrame(frame, this.#port);
    }
    if (frame.case === "pong") return this.#pulse.answer(frame.value.id);
    if (this.#node !== undefined) return await this.#dispatch(this.#node, frame);
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(frame);
    else this.#fail("the network worker said too much before the node was open");
  }

  async #dispatch(node: Node, frame: agentport.WorkerFrame["frame"]): Promise<void> {
    switch (frame.case) {
      case "linkState":
        return await this.#onLink(node, frame.value);
      case "declared":
        this.#keep(() => this.#cache?.keepDeclared(frame.value));
        await this.#coldplug?.override(frame.value.devices);
        await node.takeDeclared(frame.value);
        return this.#run(frame.value.vclusterId);
      case "identityMap":
        this.#keep(() => this.#cache?.keepIdentityMap(frame.value));
        return node.takeIdentityMap(frame.value);
      case "tokenIssuer":
        return this.#keep(() => this.#cache?.keepTokenIssuer(frame.value));
      case "locks":
        this.#keep(() => this.#cache?.keepLocks(frame.value));
        return this.#locks?.take(frame.value);
      case "emergency":
        return await node.takeEmergency(frame.value);
      case "callerRefused":
        return recordRefusal(node.eventContext(), frame.value);
      case "trustAnchor":
        return this.#keep(() =>
          keepAnchor(this.shim.files, this.#root, frame.value.certificatesPem)
        );
      case "identity":
        this.#hasIdentity = true;
        recordIdentity(node, frame.value, this.#identity);
        this.#identity = frame.value;
        // SPIRE gives its own again after a restart: its keys stay in memory (IDN-9).
        if (!isSvid(frame.value)) this.#keep(() => this.#cache?.keepIdentity(frame.value));
        this.#keep(() => this.#cache?.publishIdentity(frame.value));
        return this.#boot?.factsChanged();
      case "listening":
        return this.#onListening(frame.value);
      case "call":
        return node.calls.onCall(frame.value);
      case "callCredit":
        return node.calls.onCredit(frame.value);
      case "callCancelled":
        return node.calls.onCancelled(frame.value);
      case "callInput":
        return node.calls.onInput(frame.value);
      case "appendResult":
        return node.writer.onResult(frame.value);
      case "approvalAnswer":
        return node.consent.onAnswer(frame.value);
      case "quorumAnswer":
        return node.quorum.onAnswer(frame.value);
      case "commitDecided":
        return node.convergence.approvalDecided();
      case "fatal":
        return this.#fail(frame.value.reason, true);
      default:
        return;
    }
  }

  /** A full disk must not keep the node from what is declared; it only makes the cache older. */
  #keep(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#log.error("cache file not written", { error: String(error) });
    }
  }

  /** The first phase's work takes no configuration: it is begun while the worker reads that. */
  #beginWithDevices(): void {
    try {
      this.#devices().begin();
    } catch (error) {
      // The phase meets it again, where it is told and tried again.
      if (!isShimError(error)) throw error;
    }
  }

  #devices(): Coldplug {
    return this.#coldplug ??= openColdplug({
      shim: this.shim,
      events: this.#events,
      clock: systemClock,
      log: () => this.#log.child("agent.hardware"),
      commandLine: this.#commandLine,
    });
  }

  #openNetwork(config: agentport.AgentConfig): NodeNetwork {
    return new NodeNetwork({
      shim: this.shim,
      events: this.#events,
      config,
      clock: systemClock,
      log: this.#log.child("agent.network"),
      commandLine: this.#commandLine,
      reconnect: () => this.#port.send({ case: "reconnect", value: {} }),
      record: (action, detail, outcome) => this.#node?.record(action, detail, outcome),
      onShellAddresses: (addresses) => {
        const value = { isRestricted: addresses !== undefined, addresses: [...addresses ?? []] };
        this.#port.send({ case: "shellAddresses", value });
      },
    });
  }

  #startLink(config: agentport.AgentConfig): void {
    const hardware = machineIdentity(this.shim, config, this.#network?.management ?? []);
    const tokenIssuer = this.#cache?.tokenIssuer();
    const value = { hardware, ...(tokenIssuer === undefined ? {} : { tokenIssuer }) };
    this.#port.send({ case: "startLink", value });
  }

  #openBoot(node: Node, config: agentport.AgentConfig): NodeBoot {
    return new NodeBoot({
      profile: this.#profile,
      shim: this.shim,
      devices: () => this.#devices(),
      config,
      clock: systemClock,
      log: this.#log,
      commandLine: this.#commandLine,
      node,
      network: this.#network,
      facts: () => ({
        hasIdentity: this.#hasIdentity,
        link: this.#link,
        linkReports: this.#linkReports,
        isDeclared: this.#hasApplied,
        mayUseCache: this.#mayUseCache(),
        isShellKnown: this.#shellText() !== undefined,
      }),
      startLink: () => {
        if (this.isInit) this.#startLink(config);
      },
      openShell: () => this.#port.send({ case: "openShell", value: {} }),
      checkHardware: () => this.#init?.checkHardware(),
      onReady: () => {
        const vcluster = this.#runs?.vclusterId || "none";
        this.#log.info("agent ready", { vcluster, shell: this.#shellText() });
        this.#systemd?.ready(`node ${config.nodeId} of ${vcluster} is ready`);
      },
    });
  }

  /** Without contact, and unless the journal has refused the node, what is cached serves (BTS-9). */
  #mayUseCache(): boolean {
    if (this.#link === undefined || this.#link.connected) return false;
    return !NO_CACHE_CODES.has(this.#link.code) && this.#cache?.declared() !== undefined;
  }

  /** Where the shell is; undefined until that is known. Without a certificate nobody can call. */
  #shellText(): string | undefined {
    return this.#shell ?? (this.#hasIdentity ? undefined : "none");
  }

  async #onLink(node: Node, state: agentport.LinkState): Promise<void> {
    this.#link = state;
    this.#linkReports++;
    this.#network?.contact(state.connected);
    const handled = node.onLink(state);
    if (state.code === "NODE_REVOKED") {
      this.#hasIdentity = false;
      this.#keep(() => this.#cache?.forget());
      await node.revoke();
    } else if (!state.connected) await this.#withoutJournal(node, state);
    this.#boot?.factsChanged();
    await handled;
  }

  /** At start without a journal the cached declaration serves, unless the node was refused (BTS-9). */
  async #withoutJournal(node: Node, state: agentport.LinkState): Promise<void> {
    if (this.#runs !== undefined || NO_CACHE_CODES.has(state.code)) return;
    const cached = this.#cache?.declared();
    if (cached === undefined) {
      if (this.#isWaiting) return;
      this.#isWaiting = true;
      return this.#log.warn("journal unreachable and nothing cached, waiting", {
        reason: state.reason,
      });
    }
    this.#log.warn("journal unreachable, running from cache", { reason: state.reason });
    this.#runs = { vclusterId: cached.vclusterId };
    await this.#coldplug?.override(cached.devices);
    await node.takeDeclared(cached);
    this.#hasApplied = true;
    this.#boot?.factsChanged();
  }

  #onListening({ hostname, port }: agentport.Listening): void {
    const former = this.#shell;
    this.#shell = port === 0 ? "none" : `${hostname}:${port}`;
    if (this.#shell === former) return;
    if (port !== 0) this.#log.info("shell listener open", { shell: this.#shell });
    this.#boot?.factsChanged();
  }

  #run(vclusterId: string): void {
    this.#runs ??= { vclusterId };
    this.#hasApplied = true;
    this.#boot?.factsChanged();
  }
}

function makeDirectories({ cacheDir, stateDir, logDir, root }: agentport.AgentConfig): void {
  // Anybody may ask what is there for all: names, readiness (PATH-1).
  const { run } = nodePaths(root);
  Deno.mkdirSync(run, { recursive: true });
  Deno.chmodSync(run, 0o755);
  for (const directory of [cacheDir, stateDir]) {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  Deno.mkdirSync(logDir, { recursive: true, mode: 0o755 });
}
