/**
 * What the agent owes PID 1, and learns from it, when PID 1 is `pact-init` (INI-0). Owns the way to
 * it and the login on the console; ends by `close`, which leaves both as they are.
 */

import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { type AuditOutcome, INSTALLED_PATHS, nodePaths } from "../../contracts/mod.ts";
import { type EventPump, isShimError, type Shim } from "../../ffi/mod.ts";
import { RefusedError } from "../entries/mod.ts";
import {
  chooseAgent,
  ConsoleLogin,
  initFacts,
  InitLink,
  openReapedRecord,
  UpgradeError,
} from "../init/mod.ts";
import type { Isolation } from "../isolation/mod.ts";
import type { NodeOptions } from "../node/mod.ts";

/** The answer to who asked for an upgrade goes out first. */
const ANSWER_MS = 200;
const SIGUSR1_BIT = 1n << 9n;
const MAX_STATUS_BYTES = 64 * 1024;

/** What the duties work with. */
export interface InitDutiesOptions {
  readonly env: (name: string) => string | undefined;
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly config: agentport.AgentConfig;
  readonly log: Logger;
  /** This agent is to make room for the next version. */
  readonly onUpgrade: () => void;
}

/** The duties of an agent that `pact-init` has started; undefined for any other. */
export function openInitDuties(options: InitDutiesOptions): InitDuties | undefined {
  const facts = initFacts(options.env);
  if (facts === undefined) return undefined;
  const { shim: { files }, clock, log } = options;
  return new InitDuties(options, new InitLink({ files, clock, log, facts }));
}

export class InitDuties {
  #console: ConsoleLogin | undefined;

  constructor(private readonly options: InitDutiesOptions, readonly link: InitLink) {}

  /** Another agent was at work in this boot. */
  get isSuccessor(): boolean {
    return this.link.facts.formerEnd !== null;
  }

  /** Has the watchdog set as configured. Until the first beat PID 1 pets it (WDG-3). */
  begin(): void {
    const { config, log } = this.options;
    const number = Number(/[0-9]+$/.exec(config.watchdogDevice)?.[0] ?? "0");
    const seconds = config.watchdogTimeoutSeconds;
    this.link.setWatchdog(config.watchdogEnabled ? { number, seconds } : "off");
    const { watchdogSeconds } = this.link.facts;
    log.info("boot watchdog petter started", { watchdog: watchdogSeconds ?? "none" });
    if (this.#isWatchdogMissing()) log.warn("no watchdog: a node that hangs is not reset");
    if (!this.#isDebuggerBlocked()) {
      log.warn("SIGUSR1 is not blocked: it would open the runtime's debugger on a local port");
    }
  }

  /** How the node's supervision is tied to PID 1. */
  nodeOptions(): Required<
    Pick<NodeOptions, "beat" | "longestTickMs" | "formerEnds" | "upgrade">
  > {
    const { config, shim } = this.options;
    return {
      beat: () => this.link.beat(),
      longestTickMs: config.watchdogTimeoutSeconds * 500,
      formerEnds: openReapedRecord(shim.files, nodePaths(config.root).reaped),
      upgrade: (program) => this.#upgrade(program),
    };
  }

  /** @throws {RefusedError} for a program that PID 1 must not start */
  #upgrade(program: string | undefined): string {
    const { config, shim, clock, log, onUpgrade } = this.options;
    try {
      chooseAgent(shim.files, nodePaths(config.root).upgradedAgent, program);
    } catch (error) {
      if (!(error instanceof UpgradeError)) throw error;
      throw new RefusedError("PRECONDITION", error.message);
    }
    const chosen = program ?? INSTALLED_PATHS.agent;
    log.warn("agent makes room for the next version", { program: chosen });
    clock.setTimer(ANSWER_MS, onUpgrade);
    return chosen;
  }

  /** Puts on record why this agent was started, unless it is the first of this boot (INI-30, WDG-9). */
  report(record: (action: string, detail: string, outcome?: AuditOutcome) => void): void {
    const { formerEnd, hasWatchdogFired } = this.link.facts;
    if (formerEnd === null) {
      if (hasWatchdogFired) record("boot.watchdog_timeout", "the watchdog has reset this node");
      return;
    }
    this.options.log.warn("agent started again", { former: formerEnd });
    record(
      "boot.self_restart",
      `the agent before this one ended: ${formerEnd}`,
      formerEnd === "upgrade" ? "Success" : "Failure",
    );
  }

  /** Keeps a login on the console, unless that is not wanted (INI-20). */
  openConsole(isolation: Isolation): void {
    const { shim, events, clock, config, log } = this.options;
    if (!config.consoleEnabled) return;
    this.#console = new ConsoleLogin({
      shim,
      events,
      clock,
      isolation,
      log: log.child("agent.console"),
      command: config.consoleCommand,
      recordPath: `${config.stateDir}/console`,
    });
    this.#console.start();
  }

  close(): void {
    this.#console?.close();
  }

  /** @throws {Error} where the node has to have a watchdog and has none (CTX-6) */
  checkHardware(): void {
    const { config } = this.options;
    if (!config.watchdogRequired || !this.#isWatchdogMissing()) return;
    throw new Error(`no ${this.#device} and agent.watchdog.required is set`);
  }

  /** What status shows of it (CTX-6). */
  texts(): string[] {
    return this.#isWatchdogMissing() ? [`watchdog: no ${this.#device} (no_watchdog)`] : [];
  }

  get #device(): string {
    const { root, watchdogDevice } = this.options.config;
    return watchdogDevice === "" ? nodePaths(root).watchdog : `${root}${watchdogDevice}`;
  }

  #isWatchdogMissing(): boolean {
    const { config, shim } = this.options;
    return config.watchdogEnabled && shim.files.lstatIfPresent(this.#device) === null;
  }

  /** A shell between PID 1 and the runtime may have unblocked it (docs/architecture.md). */
  #isDebuggerBlocked(): boolean {
    try {
      const status = this.options.shim.files.readText("/proc/self/status", {
        maxBytes: MAX_STATUS_BYTES,
      });
      const [, mask] = /^SigBlk:\t([0-9a-f]{16})$/m.exec(status) ?? [];
      return mask !== undefined && (BigInt(`0x${mask}`) & SIGUSR1_BIT) !== 0n;
    } catch (error) {
      if (isShimError(error)) return false;
      throw error;
    }
  }
}
