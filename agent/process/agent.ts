/**
 * The agent's core process: shim, event pump, network worker, node. It owns all four; they end when a
 * signal asks, in the reverse order of their opening.
 */

import type { agentport } from "../../api/mod.ts";
import { systemClock } from "../../common/clock/mod.ts";
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from "../../common/log/mod.ts";
import { type EventPump, openShim, type Shim } from "../../ffi/mod.ts";
import { type AgentCache, openCache } from "../cache/mod.ts";
import { type Node, openNode } from "../node/mod.ts";
import { type CorePort, openCorePort } from "../port/mod.ts";
import type { CoreArguments } from "./arguments.ts";
import { addWantedFiles, ConfigurationError, configureFrame } from "./configure.ts";
import { detectHardware } from "./hardware.ts";

/** Version of this build. */
export const VERSION = "0.1.0";

/** Refusals after which a node must not run what it has cached (BTS-9). */
const NO_CACHE_CODES = new Set(["NODE_NOT_ENROLLED", "NODE_REVOKED", "HARDWARE_IDENTITY_MISMATCH"]);
/** Rounds of "these files are named, send them". */
const MAX_CONFIGURE_ROUNDS = 3;

/** What the process is given from outside. */
export interface AgentProcessOptions {
  readonly args: CoreArguments;
  readonly env: (name: string) => string | undefined;
  /** Starts the network worker. */
  readonly startWorker: () => Worker;
}

/** A started agent. */
export interface AgentProcess {
  /** Settles when the agent cannot go on, with the reason. */
  readonly failed: Promise<string>;
  stop(keepServices: boolean): Promise<readonly string[]>;
}

/** Reads and checks the configuration alone; resolves with its warnings. */
export async function checkConfiguration(options: AgentProcessOptions): Promise<readonly string[]> {
  const shim = openAgentShim(options.args);
  const worker = options.startWorker();
  try {
    const exchange = new ConfigureExchange(shim, options);
    const port = openCorePort(worker, {
      onFrame: (frame) => exchange.onFrame(frame, port),
      onViolation: (error) => exchange.fail(error.message),
    });
    exchange.begin(port);
    return (await exchange.configured).warnings;
  } finally {
    worker.terminate();
    shim.close();
  }
}

/**
 * Starts the agent.
 *
 * @throws {ConfigurationError} naming file, line and column; {ShimLoadError} for the library.
 */
export async function startAgent(options: AgentProcessOptions): Promise<AgentProcess> {
  const shim = openAgentShim(options.args);
  const worker = options.startWorker();
  const running = new RunningAgent(shim, worker, options);
  try {
    await running.start();
    return running;
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

function openAgentShim({ shimPath, rest }: CoreArguments): Shim {
  if (shimPath === undefined) return openShim({ mode: "production" });
  const isRootless = rest.includes("--profile=rootless") ||
    rest[rest.indexOf("--profile") + 1] === "rootless";
  if (!isRootless) {
    throw new ConfigurationError("--shim is for development: give --profile rootless with it");
  }
  return openShim({ path: shimPath, mode: "development" });
}

/** The talk with the worker until the configuration is read. */
class ConfigureExchange {
  readonly #done = Promise.withResolvers<agentport.AgentConfig>();
  readonly frame: agentport.Configure;
  #rounds = 0;

  constructor(private readonly shim: Shim, { args, env }: AgentProcessOptions) {
    const hostname = shim.system.names().hostname;
    const hardware = detectHardware(shim.files);
    this.frame = configureFrame(shim.files, args, env, { hostname, hardware });
  }

  get configured(): Promise<agentport.AgentConfig> {
    return this.#done.promise;
  }

  begin(port: CorePort): void {
    port.send({ case: "configure", value: this.frame });
  }

  onFrame(frame: agentport.WorkerFrame["frame"], port: CorePort): void {
    if (frame.case === "configured") return this.#done.resolve(frame.value);
    if (frame.case !== "configRefused") return;
    const { reason, wantedFiles } = frame.value;
    if (wantedFiles.length === 0 || ++this.#rounds > MAX_CONFIGURE_ROUNDS) return this.fail(reason);
    try {
      addWantedFiles(this.shim.files, this.frame, wantedFiles);
      this.begin(port);
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  fail(reason: string): void {
    this.#done.reject(new ConfigurationError(reason));
  }
}

class RunningAgent implements AgentProcess {
  readonly #failed = Promise.withResolvers<string>();
  readonly #port: CorePort;
  readonly #events: EventPump;
  readonly #exchange: ConfigureExchange;
  readonly #waiting: agentport.WorkerFrame["frame"][] = [];
  #log: Logger = loggerOf("info", "text");
  #cache: AgentCache | undefined;
  #node: Node | undefined;
  #listening = "";
  #isReady = false;

  constructor(
    private readonly shim: Shim,
    private readonly worker: Worker,
    options: AgentProcessOptions,
  ) {
    this.#events = shim.startEvents({
      onHandlerError: (error) => this.#log.error("event handler failed", { error: String(error) }),
    });
    this.#exchange = new ConfigureExchange(shim, options);
    this.#port = openCorePort(worker, {
      onFrame: (frame) => this.#onFrame(frame),
      onViolation: (error) =>
        this.#failed.resolve(`the network worker broke a rule: ${error.message}`),
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#failed.resolve(`the network worker failed: ${event.message}`);
    });
  }

  get failed(): Promise<string> {
    return this.#failed.promise;
  }

  async start(): Promise<void> {
    this.#exchange.begin(this.#port);
    const config = await Promise.race([
      this.#exchange.configured,
      this.failed.then((reason) => Promise.reject(new ConfigurationError(reason))),
    ]);
    this.#log = loggerOf(config.logLevel, config.logFormat);
    for (const warning of config.warnings) this.#log.warn(warning);
    makeDirectories(config);
    const directories = { cache: config.cacheDir, state: config.stateDir };
    this.#cache = openCache(this.shim.files, directories, this.#log);
    this.#log.info("agent starting", {
      node: config.nodeId,
      version: VERSION,
      profile: profileOf(config, this.shim),
    });
    this.#node = await openNode({
      shim: this.shim,
      events: this.#events,
      config,
      cache: this.#cache,
      clock: systemClock,
      log: this.#log,
      send: (frame) => this.#port.send(frame),
      newUuid: () => crypto.randomUUID(),
    });
    for (const frame of this.#waiting.splice(0)) await this.#dispatch(this.#node, frame);
  }

  async stop(keepServices: boolean): Promise<readonly string[]> {
    this.#port.send({ case: "stop", value: {} });
    const left = await this.#node?.stop(keepServices) ?? [];
    this.#port.close();
    this.worker.terminate();
    await this.#events.close();
    this.shim.close();
    return left;
  }

  async #onFrame(frame: agentport.WorkerFrame["frame"]): Promise<void> {
    if (frame.case === "configured" || frame.case === "configRefused") {
      return this.#exchange.onFrame(frame, this.#port);
    }
    if (this.#node === undefined) this.#waiting.push(frame);
    else await this.#dispatch(this.#node, frame);
  }

  async #dispatch(node: Node, frame: agentport.WorkerFrame["frame"]): Promise<void> {
    switch (frame.case) {
      case "linkState":
        if (!frame.value.connected) await this.#withoutJournal(node, frame.value);
        return await node.onLink(frame.value);
      case "declared":
        this.#cache?.keepDeclared(frame.value);
        await node.takeDeclared(frame.value);
        return this.#ready(frame.value.vclusterId);
      case "identity":
        return this.#cache?.keepIdentity(frame.value);
      case "listening":
        this.#listening = `${frame.value.hostname}:${frame.value.port}`;
        return this.#log.info("shell listener open", { shell: this.#listening });
      case "call":
        return node.onCall(frame.value);
      case "callCredit":
        return node.onCallCredit(frame.value);
      case "callCancelled":
        return node.onCallCancelled(frame.value);
      case "appendResult":
        return node.writer.onResult(frame.value);
      case "fatal":
        return this.#failed.resolve(frame.value.reason);
      default:
        return;
    }
  }

  /** At start without a journal the cached declaration serves, unless the node was refused (BTS-9). */
  async #withoutJournal(node: Node, state: agentport.LinkState): Promise<void> {
    if (this.#isReady || NO_CACHE_CODES.has(state.code)) return;
    const cached = this.#cache?.declared();
    if (cached === undefined) return;
    this.#log.warn("journal unreachable, running from cache", { reason: state.reason });
    await node.takeDeclared(cached);
    this.#ready(cached.vclusterId);
  }

  #ready(vclusterId: string): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#log.info("agent ready", { vcluster: vclusterId || "none", shell: this.#listening });
  }
}

function makeDirectories({ cacheDir, stateDir, logDir }: agentport.AgentConfig): void {
  for (const directory of [cacheDir, stateDir]) {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  Deno.mkdirSync(logDir, { recursive: true, mode: 0o755 });
}

/** The run profile, decided once (CTX-3). */
function profileOf(config: agentport.AgentConfig, shim: Shim): string {
  if (config.profile !== "") return config.profile;
  return shim.system.ids().effectiveUid === 0 ? "guest" : "rootless";
}

function loggerOf(level: string, format: string): Logger {
  return createLogger({
    component: "agent",
    level: isLevel(level) ? level : "info",
    format: format === "json" ? "json" : "text",
    nowMs: systemClock.nowMs,
    write: (line) => console.error(line),
  });
}

function isLevel(text: string): text is LogLevel {
  return LOG_LEVELS.some((level) => level === text);
}
