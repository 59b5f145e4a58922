import type { Clock } from "../../common/clock/mod.ts";
import { CgroupError, DEFAULT_LIMITS } from "../../contracts/mod.ts";
import {
  type EventPump,
  type ExitStatus,
  type PipeReader,
  type Process,
  readPipe,
  type Shim,
  ShimError,
  SpawnError,
} from "../../ffi/mod.ts";
import { type Isolation, type Scope, SESSION_SLICE } from "../isolation/mod.ts";
import { isProtectedFromOom } from "./oom_protection.ts";
import type { ExecPlan } from "./prepare.ts";
import { type ExecSummary, OutputDigest } from "./summary.ts";

/*
 * Shell: one command, from its spawn until nothing is left of it. Owns the process, its scope, its
 * pipes and two timers. Ends when the program and its output have ended, at a limit, or when the
 * reader stops or aborts; in every case the scope is empty afterwards.
 */

/** What a reader gets, in order; `exit` is the last. */
export type ExecEvent =
  | { readonly kind: "stdout" | "stderr"; readonly bytes: Uint8Array }
  | { readonly kind: "error"; readonly message: string }
  | { readonly kind: "exit"; readonly code: number };

export interface ExecLimits {
  readonly timeoutMs?: number;
  readonly maxOutputBytes?: number;
  /** Asks the program to stop: SIGTERM, and after two seconds SIGKILL. */
  readonly signal?: AbortSignal;
}

export interface ExecContext {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly isolation: Isolation;
}

const TIMEOUT_MS = 300_000;
const MAX_OUTPUT_BYTES = 10_485_760;
const CHUNK_BYTES = 32 * 1024;
const CANCEL_GRACE_MS = 2_000;
const SESSION_PIDS_MAX = 512;
const EXIT_TIMEOUT = 124;
const EXIT_NOT_EXECUTABLE = 126;

/** The whole environment of a command (EXE-5, WHL-3). */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
  LC_ALL: "C.UTF-8",
  TERM: "dumb",
  LESSSECURE: "1",
  PAGER: "cat",
  SYSTEMD_PAGER: "cat",
  SYSTEMD_LESS: "",
};

/** A running command. */
export interface ExecRun {
  /** To be iterated once. Not reading stops the program at the next full pipe (EXE-6). */
  readonly events: AsyncIterable<ExecEvent>;
  /** Settles after the iteration has ended, however it ended. */
  readonly summary: Promise<ExecSummary>;
}

/** Runs a prepared command; nothing is started before the events are read. */
export function runExec(
  plan: ExecPlan,
  id: string,
  context: ExecContext,
  limits: ExecLimits = {},
): ExecRun {
  const summary = Promise.withResolvers<ExecSummary>();
  return {
    events: execute(plan, id, context, limits, summary.resolve),
    summary: summary.promise,
  };
}

async function* execute(
  plan: ExecPlan,
  id: string,
  context: ExecContext,
  limits: ExecLimits,
  onSummary: (summary: ExecSummary) => void,
): AsyncGenerator<ExecEvent> {
  const { clock } = context;
  const digest = new OutputDigest();
  const startMs = clock.monotonicMs();
  let end = { exitCode: 128 + 9, error: "cancelled" };
  let command: RunningCommand | null = null;
  try {
    command = await startCommand(plan, id, context, limits);
    const maxBytes = limits.maxOutputBytes ?? MAX_OUTPUT_BYTES;
    let left = maxBytes;
    for await (const { stream, bytes } of command.output()) {
      const kept = bytes.subarray(0, left);
      left -= kept.length;
      digest.add(stream, kept);
      if (kept.length > 0) yield { kind: stream, bytes: kept };
      if (kept.length < bytes.length) command.kill(`output limit exceeded (${maxBytes} bytes)`);
    }
    const exitCode = await command.exitCode();
    end = { exitCode, error: command.failure };
  } catch (error) {
    if (!(error instanceof SpawnError) && !(error instanceof CgroupError)) throw error;
    end = { exitCode: EXIT_NOT_EXECUTABLE, error: error.message };
  } finally {
    await command?.close();
    const durationMs = clock.monotonicMs() - startMs;
    onSummary(digest.summary(plan, { ...end, durationMs }));
  }
  if (end.error !== "") yield { kind: "error", message: end.error };
  yield { kind: "exit", code: end.exitCode };
}

async function startCommand(
  plan: ExecPlan,
  id: string,
  context: ExecContext,
  limits: ExecLimits,
): Promise<RunningCommand> {
  const { shim, isolation } = context;
  const scope = await isolation.open(SESSION_SLICE, `exec-${id}`, {
    ...DEFAULT_LIMITS,
    pidsMax: SESSION_PIDS_MAX,
  });
  try {
    const process = shim.processes.spawn({
      executable: plan.executable,
      arguments: plan.args,
      argument0: plan.command,
      environment: ENVIRONMENT,
      directory: "/",
      stdout: "pipe",
      stderr: "pipe",
      umask: 0o022,
      ...(isProtectedFromOom(shim) ? { oomScoreAdj: 0 } : {}),
      noNewPrivs: plan.class === "read-only" && shim.system.ids().effectiveUid === 0,
      ...(scope.cgroupDirectory === null ? {} : { cgroup: scope.cgroupDirectory }),
    });
    scope.hold(process.pid);
    return new RunningCommand(process, scope, context, limits);
  } catch (error) {
    await scope.clear();
    throw error;
  }
}

type Stream = "stdout" | "stderr";

interface Chunk {
  readonly stream: Stream;
  readonly bytes: Uint8Array;
}

class RunningCommand {
  /** Why the command was ended by us; empty when it ended by itself. */
  failure = "";
  readonly #process: Process;
  readonly #scope: Scope;
  readonly #context: ExecContext;
  readonly #pipes: readonly { readonly stream: Stream; readonly reader: PipeReader }[];
  readonly #exited: Promise<ExitStatus>;
  readonly #forget: (() => void)[] = [];

  constructor(process: Process, scope: Scope, context: ExecContext, limits: ExecLimits) {
    this.#process = process;
    this.#scope = scope;
    this.#context = context;
    this.#pipes = pipesOf(process);
    this.#exited = new Promise((resolve) => this.#awaitExit(resolve));

    const timeoutMs = limits.timeoutMs ?? TIMEOUT_MS;
    const seconds = Math.round(timeoutMs / 1000);
    this.#after(timeoutMs, () => this.kill(`command timed out after ${seconds} seconds`));
    const cancel = () => this.#cancel();
    limits.signal?.addEventListener("abort", cancel, { once: true });
    this.#forget.push(() => limits.signal?.removeEventListener("abort", cancel));
    if (limits.signal?.aborted) cancel();
  }

  /** What both pipes deliver, each in its order; the next chunk is read when this one was taken. */
  async *output(): AsyncGenerator<Chunk> {
    const reads = new Map<Stream, Promise<{ readonly stream: Stream; readonly result: Result }>>();
    const readers = new Map(
      this.#pipes.map(({ stream, reader }) => [stream, reader[Symbol.asyncIterator]()]),
    );
    const read = async (stream: Stream, reader: AsyncIterator<Uint8Array>) => ({
      stream,
      result: await reader.next(),
    });
    for (const [stream, reader] of readers) reads.set(stream, read(stream, reader));
    try {
      while (reads.size > 0) {
        const { stream, result } = await Promise.race(reads.values());
        const reader = readers.get(stream);
        reads.delete(stream);
        if (result.done === true || reader === undefined) continue;
        yield { stream, bytes: result.value };
        reads.set(stream, read(stream, reader));
      }
    } finally {
      // Nobody waits for these any more; that their pipe is closed under them is no error.
      for (const unread of reads.values()) unread.catch(() => {});
    }
  }

  /** SIGKILL to all of it, because of `failure`. */
  kill(failure: string): void {
    if (this.failure !== "") return;
    this.failure = failure;
    this.#scope.sweep();
    for (const { reader } of this.#pipes) reader.close();
  }

  async exitCode(): Promise<number> {
    const status = await this.#exited;
    if (this.failure.startsWith("command timed out")) return EXIT_TIMEOUT;
    switch (status.kind) {
      case "exited":
        return status.code;
      case "signaled":
        return 128 + status.signal;
      case "unknown":
        return EXIT_NOT_EXECUTABLE;
    }
  }

  /** Nothing of the command is left afterwards; one that still runs is asked to stop first. */
  async close(): Promise<void> {
    if (this.#process.isAlive()) {
      this.#cancel();
      await this.#exited;
    }
    for (const forget of this.#forget) forget();
    for (const { reader } of this.#pipes) reader.close();
    await this.#scope.clear();
    await this.#exited;
    this.#process.close();
  }

  #cancel(): void {
    if (this.failure !== "") return;
    this.failure = "cancelled";
    this.#process.signalGroup("SIGTERM");
    this.#after(CANCEL_GRACE_MS, () => this.#scope.sweep());
  }

  #awaitExit(resolve: (status: ExitStatus) => void): void {
    const watch = this.#context.events.watch(this.#process.pidfd, () => {
      watch.close();
      try {
        // What the program left running would keep the pipes open for ever.
        this.#scope.sweep();
      } catch (error) {
        // `close` meets the error again, where it can be told.
        if (!(error instanceof CgroupError) && !(error instanceof ShimError)) throw error;
      }
      resolve(this.#process.exitStatus() ?? { kind: "unknown" });
    }, { once: true });
  }

  #after(ms: number, act: () => void): void {
    const { clock } = this.#context;
    const timer = clock.setTimer(ms, act);
    this.#forget.push(() => clock.clearTimer(timer));
  }
}

type Result = IteratorResult<Uint8Array, unknown>;

function pipesOf({ stdout, stderr }: Process) {
  const pipes: { readonly stream: Stream; readonly reader: PipeReader }[] = [];
  const options = { chunkMaxBytes: CHUNK_BYTES };
  if (stdout !== null) pipes.push({ stream: "stdout", reader: readPipe(stdout, options) });
  if (stderr !== null) pipes.push({ stream: "stderr", reader: readPipe(stderr, options) });
  return pipes;
}
