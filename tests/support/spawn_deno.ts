import { waitFor } from "./wait_for.ts";

/** How a program is started. */
export interface SpawnDenoOptions {
  /** Module to run: a path or a `file:` URL. */
  module: string | URL;
  /** Permission flags and others of `deno run`, such as `-P=journal` or `--allow-net`. */
  flags?: readonly string[];
  args?: readonly string[];
  /** Added to this process's environment, or all of it with `clearEnv`. */
  env?: Readonly<Record<string, string>>;
  clearEnv?: boolean;
  cwd?: string;
  /** A program and its arguments that starts the runtime, such as `ip netns exec NAME`. */
  through?: readonly string[];
  /** What it reads; nothing by default. */
  stdin?: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** How a program ended. */
export interface ProgramEnd {
  success: boolean;
  /** Exit code; 128 and the signal's number after a signal. */
  code: number;
  signal: Deno.Signal | null;
  stdout: string;
  stderr: string;
}

/** A running program; killed at the end of its scope if it still lives. */
export interface SpawnedDeno extends AsyncDisposable {
  readonly pid: number;
  /** What it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  readonly ended: Promise<ProgramEnd>;
  kill(signal?: Deno.Signal): void;
  /** Waits for text on standard output or error; fails at once when the program ends before. */
  waitForOutput(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
}

const outputMaxChars = 4 * 1024 * 1024;

/** The repository's root, where deno.json is. */
export const repositoryRoot: string = new URL("../../", import.meta.url).pathname;

/** Starts the same Deno that runs the tests on another module, capturing its output. */
export function spawnDeno(options: SpawnDenoOptions): SpawnedDeno {
  const module = options.module instanceof URL ? options.module.href : options.module;
  const [command = Deno.execPath(), ...before] = [...options.through ?? [], Deno.execPath()];
  const child = new Deno.Command(command, {
    args: [
      ...before,
      "run",
      "--no-prompt",
      `--config=${repositoryRoot}deno.json`,
      ...(options.flags ?? []),
      module,
      ...(options.args ?? []),
    ],
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", ...options.env },
    clearEnv: options.clearEnv ?? false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // A program that ends without reading everything breaks its pipe.
  void options.stdin?.pipeTo(child.stdin).catch(() => {});

  const stdout = new Capture(child.stdout);
  const stderr = new Capture(child.stderr);
  let alive = true;
  const ended = (async () => {
    const [status] = await Promise.all([child.status, stdout.done, stderr.done]);
    alive = false;
    return { ...status, stdout: stdout.text, stderr: stderr.text };
  })();

  const kill = (signal: Deno.Signal = "SIGKILL") => {
    if (!alive) return;
    try {
      child.kill(signal);
    } catch (error) {
      // It may have ended in the meantime.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  };

  return {
    pid: child.pid,
    get stdout() {
      return stdout.text;
    },
    get stderr() {
      return stderr.text;
    },
    ended,
    kill,
    async waitForOutput(pattern, timeoutMs = 15_000) {
      const found = () => pattern.exec(stdout.text) ?? pattern.exec(stderr.text);
      const outcome = await waitFor(() => found() ?? (alive ? undefined : "ended" as const), {
        timeoutMs,
        what: () => `${pattern} in the output of ${module}; so far: ${stdout.text}${stderr.text}`,
      });
      const match = outcome === "ended" ? found() : outcome;
      if (match !== null) return match;
      throw new Error(`${module} ended without ${pattern}: ${stdout.text}${stderr.text}`);
    },
    async [Symbol.asyncDispose]() {
      kill();
      await ended;
    },
  };
}

/** Runs a program to its end, killing it when the time is up. */
export async function runDeno(
  options: SpawnDenoOptions & { timeoutMs?: number },
): Promise<ProgramEnd> {
  const program = spawnDeno(options);
  const timer = setTimeout(() => program.kill(), options.timeoutMs ?? 30_000);
  try {
    return await program.ended;
  } finally {
    clearTimeout(timer);
  }
}

/** Text of a stream as it comes, up to a bound. */
class Capture {
  text = "";
  readonly done: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.done = this.#read(stream);
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      this.text = (this.text + chunk).slice(-outputMaxChars);
    }
  }
}
