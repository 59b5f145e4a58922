import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { CgroupError } from "../../contracts/mod.ts";
import {
  type EventPump,
  type PipeReader,
  type Process,
  readPipe,
  type Shim,
  ShimError,
  type Terminal,
  type TerminalSize,
} from "../../ffi/mod.ts";
import type { Scope } from "../isolation/mod.ts";
import { CommandLog, LogEscape, type LoggedCommand } from "./command_log.ts";
import {
  type EndReason,
  openingShell,
  type ShellEffect,
  type ShellEvent,
  type ShellLimits,
  type ShellState,
  shellStep,
  type TimerName,
} from "./session_machine.ts";

/*
 * Shell: one interactive session, from its spawn until nothing is left of it. Owns the terminal, the
 * process, its scope, the command log's socket and the timers. Ends as the session machine says; in
 * every case the scope is empty and the terminal closed afterwards.
 */

/** What a session is made of, opened already. */
export interface SessionParts {
  readonly sessionId: string;
  readonly terminal: Terminal;
  readonly process: Process;
  readonly scope: Scope;
  /** Our end of the command log. */
  readonly logFd: number;
}

export interface SessionContext {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly limits: ShellLimits;
  /** Shows bytes to the person; resolves when more can be shown. */
  readonly show: (bytes: Uint8Array) => Promise<void>;
  /** Told of each command (SHL-11). */
  readonly onCommand: (command: LoggedCommand) => void;
}

/** How a session ended. */
export interface SessionEnd {
  readonly reason: EndReason;
  readonly exitCode: number;
  readonly durationMs: number;
  readonly commands: number;
}

const CHUNK_BYTES = 32 * 1024;
/** Commands that are put on record at once and per second; a faster loop is slowed down by the log. */
const COMMANDS_PER_SECOND = 50;
/** Ctrl-D, which ends the input of whoever reads the terminal (VEOF). */
const END_OF_FILE = new Uint8Array([4]);
const RETURN = new Uint8Array([13]);
const NEW_LINES: readonly (number | undefined)[] = [10, 13];

/** A running session. */
export class ShellSession {
  readonly #clock: Clock;
  #state: ShellState = openingShell();
  readonly #ended = Promise.withResolvers<{ reason: EndReason; exitCode: number }>();
  readonly #timers = new Map<TimerName, TimerHandle>();
  readonly #log: CommandLog;
  readonly #escape: LogEscape;
  readonly #logReader: PipeReader;
  #commands = 0;
  #typing: Promise<unknown> = Promise.resolve();
  #showing: Promise<void> = Promise.resolve();
  #lastTyped: number | undefined = 10;

  constructor(private readonly parts: SessionParts, private readonly context: SessionContext) {
    this.#clock = context.clock;
    this.#log = new CommandLog(parts.sessionId);
    this.#escape = new LogEscape(parts.sessionId);
    this.#logReader = readPipe(parts.logFd);
  }

  /** Types what the person typed; resolves when the terminal has taken it (SHL-9). */
  async type(bytes: Uint8Array): Promise<void> {
    this.#on({ kind: "input", bytes });
    await this.#typing;
  }

  resize({ rows, columns }: TerminalSize): void {
    this.#on({ kind: "resize", rows, columns });
  }

  /** The person types nothing more; what was typed is still carried out (SHL-9). */
  endInput(): void {
    this.#on({ kind: "inputEnded" });
  }

  /** Ends the session: hang-up, two seconds, kill (SHL-10). */
  end(reason: EndReason): void {
    this.#on({ kind: "endAsked", reason });
  }

  /** Runs until the session is over and nothing is left of it. Call it once. */
  async run(): Promise<SessionEnd> {
    const startMs = this.#clock.monotonicMs();
    this.#awaitExit();
    this.#on({ kind: "started" });
    const output = this.#passOutput().catch(this.#broken);
    const logged = this.#followLog().catch(this.#broken);
    try {
      const { reason, exitCode } = await this.#ended.promise;
      await output;
      return { reason, exitCode, ...await this.#close(logged, startMs) };
    } finally {
      for (const timer of this.#timers.values()) this.#clock.clearTimer(timer);
    }
  }

  async #close(logged: Promise<void>, startMs: number) {
    const { terminal, scope, process } = this.parts;
    terminal.close();
    await scope.clear();
    process.close();
    // Nobody has the other end any more, so what was written is all there is.
    await logged;
    for (const command of this.#log.end()) this.#note(command);
    await this.#showing;
    return { durationMs: this.#clock.monotonicMs() - startMs, commands: this.#commands };
  }

  #on(event: ShellEvent): void {
    const { state, effects } = shellStep(this.#state, event, this.context.limits);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: ShellEffect): void {
    const { terminal } = this.parts;
    switch (effect.kind) {
      case "type":
        this.#lastTyped = effect.bytes.at(-1) ?? this.#lastTyped;
        return this.#write(effect.bytes);
      case "typeEnd":
        // A last line without its end is carried out, too.
        if (!NEW_LINES.includes(this.#lastTyped)) this.#write(RETURN);
        this.#lastTyped = 10;
        return this.#write(END_OF_FILE);
      case "resize":
        return terminal.resize(effect);
      case "warn":
        return this.#show(new TextEncoder().encode(`\r\npact: ${effect.text}\r\n`));
      case "setTimer":
        return this.#setTimer(effect.name, effect.ms);
      case "hangUp":
        return this.#hangUp();
      case "sweep":
        return this.#sweep();
      case "finish":
        return this.#ended.resolve(effect);
    }
  }

  #write(bytes: Uint8Array): void {
    const { terminal } = this.parts;
    this.#typing = this.#typing.then(() => terminal.write(bytes)).catch(this.#broken);
  }

  #show(bytes: Uint8Array): void {
    this.#showing = this.#showing.then(() => this.context.show(bytes)).catch(this.#broken);
  }

  /** The way to the person, the terminal or the log is gone: the session ends. */
  readonly #broken = () => this.end("failed");

  #setTimer(name: TimerName, ms: number): void {
    const former = this.#timers.get(name);
    if (former !== undefined) this.#clock.clearTimer(former);
    this.#timers.set(name, this.#clock.setTimer(ms, () => this.#on({ kind: "timer", name })));
  }

  /** The programs in the foreground first, then the shell, which passes it on to its jobs. */
  #hangUp(): void {
    const { terminal, process } = this.parts;
    terminal.signalForeground("SIGHUP");
    process.signalGroup("SIGHUP");
    // What was stopped by the person hears of it only when it goes on.
    process.signalGroup("SIGCONT");
  }

  #sweep(): void {
    try {
      this.parts.scope.sweep();
    } catch (error) {
      // `clear` meets the error again, where it can be told.
      if (!(error instanceof CgroupError) && !(error instanceof ShimError)) throw error;
    }
  }

  #awaitExit(): void {
    const { process } = this.parts;
    const watch = this.context.events.watch(process.pidfd, () => {
      watch.close();
      // The scope of a session without cgroups is found by its leader, which must not be reaped yet.
      this.#sweep();
      const status = process.exitStatus() ?? { kind: "unknown" };
      const code = status.kind === "exited"
        ? status.code
        : status.kind === "signaled"
        ? 128 + status.signal
        : 126;
      this.#on({ kind: "exited", code });
    }, { once: true });
  }

  async #passOutput(): Promise<void> {
    const { terminal } = this.parts;
    try {
      for (
        let bytes = await terminal.read(CHUNK_BYTES);
        bytes !== null;
        bytes = await terminal.read(CHUNK_BYTES)
      ) {
        if (this.#escape.isIn(bytes)) this.end("the command log was cut off");
        this.#on({ kind: "output" });
        this.#show(bytes);
        await this.#showing;
      }
    } finally {
      this.#on({ kind: "drained" });
    }
  }

  async #followLog(): Promise<void> {
    for await (const bytes of this.#logReader) {
      const commands = this.#log.add(bytes);
      for (const command of commands) this.#note(command);
      if (commands.length === 0) continue;
      // Not read is not run: bash waits until its record was taken.
      await this.#pause((1000 * commands.length) / COMMANDS_PER_SECOND);
    }
  }

  #note(command: LoggedCommand): void {
    this.#commands++;
    this.context.onCommand(command);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimer(ms, resolve));
  }
}
