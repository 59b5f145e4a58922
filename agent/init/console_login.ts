/*
 * Shell: keeps one login on the machine's console, so that whoever has only that gets in, whatever the
 * boot came to (INI-20). Owns the pidfd of the login and a timer. It outlives the agent: the next one
 * finds it by its record. Ends by `close`, which leaves the login alone.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { DEFAULT_LIMITS } from "../../contracts/mod.ts";
import { type EventPump, isShimError, type Process, type Shim, type Watch } from "../../ffi/mod.ts";
import { createProcessTable, type Isolation, type Scope, SESSION_SLICE } from "../isolation/mod.ts";

/** What a console login works with. */
export interface ConsoleLoginOptions {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly isolation: Isolation;
  /** The program and its arguments; empty: what the node has for it. */
  readonly command: readonly string[];
  /** Remembers the login for the next agent. */
  readonly recordPath: string;
}

const SCOPE_NAME = "console";
const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;
/** A login that lasted so long was one. */
const LASTING_MS = 5_000;
const MAX_RECORD_BYTES = 4096;

/** A session leader that opens a terminal gets it for its own; /dev/console cannot be had so. */
const ON_TERMINAL = 'tty=$1; shift; exec "$@" <"$tty" >"$tty" 2>&1';
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export class ConsoleLogin {
  #process: Process | null = null;
  #scope: Scope | null = null;
  #watch: Watch | null = null;
  #timer: TimerHandle | null = null;
  #sinceMs = 0;
  #delayMs = FIRST_DELAY_MS;
  #isClosed = false;

  constructor(private readonly options: ConsoleLoginOptions) {}

  /** Takes over the login of a former agent, or starts one; what fails is tried again. */
  start(): void {
    const begin = async () => {
      if (!this.#isClosed && !this.#adopt()) await this.#spawn();
    };
    begin().catch((error: unknown) => {
      this.options.log.error("no login on the console", { reason: String(error) });
      return this.#end();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#watch?.close();
    this.#process?.close();
    if (this.#timer !== null) this.options.clock.clearTimer(this.#timer);
  }

  #adopt(): boolean {
    const { shim, isolation, recordPath, log } = this.options;
    if (shim.files.lstatIfPresent(recordPath) === null) return false;
    const [pidText = "", ticks = "", scopeId = ""] = shim.files
      .readText(recordPath, { maxBytes: MAX_RECORD_BYTES }).trim().split(" ");
    const pid = Number(pidText);
    const found = createProcessTable(shim.files, shim.processes).find(pid);
    const scope = isolation.adopt(scopeId, pid);
    if (found?.startTicks.toString() !== ticks || !scope.contains(pid)) return false;
    log.info("login on the console goes on", { pid });
    this.#hold(shim.processes.adopt(pid), scope);
    return true;
  }

  async #spawn(): Promise<void> {
    const { shim, isolation, log, recordPath } = this.options;
    const scope = await isolation.open(SESSION_SLICE, SCOPE_NAME, DEFAULT_LIMITS);
    this.#scope = scope;
    const terminal = this.#terminal();
    const process = shim.processes.spawn({
      executable: "/bin/sh",
      arguments: ["-c", ON_TERMINAL, "sh", terminal, ...this.#command()],
      environment: { PATH, HOME: "/root", TERM: "linux", LANG: "C.UTF-8" },
      directory: "/",
      umask: 0o022,
      oomScoreAdj: 0,
      ...(scope.cgroupDirectory === null ? {} : { cgroup: scope.cgroupDirectory }),
    });
    scope.hold(process.pid);
    const ticks = createProcessTable(shim.files, shim.processes).find(process.pid)?.startTicks;
    const record = `${process.pid} ${ticks ?? 0n} ${scope.id}\n`;
    shim.files.writeAtomicSync(recordPath, record, { mode: 0o600 });
    log.info("login on the console", { terminal, pid: process.pid });
    this.#hold(process, scope);
  }

  #hold(process: Process, scope: Scope): void {
    const { clock, events } = this.options;
    this.#process = process;
    this.#scope = scope;
    this.#sinceMs = clock.monotonicMs();
    this.#watch = events.watch(process.pidfd, () => void this.#end(), { once: true });
  }

  /** Nothing is left of the login, and the next one comes. Never rejects. */
  async #end(): Promise<void> {
    this.#watch?.close();
    const [process, scope] = [this.#process, this.#scope];
    this.#process = null;
    this.#scope = null;
    try {
      process?.exitStatus();
      process?.close();
      await scope?.clear();
    } catch (error) {
      this.options.log.error("console login not cleared away", { reason: String(error) });
    }
    this.#again();
  }

  #again(): void {
    const { clock } = this.options;
    if (this.#isClosed) return;
    if (clock.monotonicMs() - this.#sinceMs >= LASTING_MS) this.#delayMs = FIRST_DELAY_MS;
    this.#timer = clock.setTimer(this.#delayMs, () => this.start());
    this.#delayMs = Math.min(this.#delayMs * 2, MAX_DELAY_MS);
  }

  #command(): readonly string[] {
    const { command, shim } = this.options;
    if (command.length > 0) return command;
    const hasLogin = shim.files.lstatIfPresent("/sbin/sulogin") !== null;
    return [hasLogin ? "/sbin/sulogin" : "/bin/sh"];
  }

  /** The device behind /dev/console: the last that the kernel lists. */
  #terminal(): string {
    const { files } = this.options.shim;
    try {
      const names = files.readText("/sys/class/tty/console/active", { maxBytes: MAX_RECORD_BYTES });
      const name = names.trim().split(" ").at(-1);
      // The screen that happens to be shown belongs to nobody; the first one does.
      const device = `/dev/${name === "tty0" ? "tty1" : name}`;
      return files.lstatIfPresent(device)?.type === "character" ? device : "/dev/console";
    } catch (error) {
      if (isShimError(error)) return "/dev/console";
      throw error;
    }
  }
}
