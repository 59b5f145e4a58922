import { waitFor } from "../wait_for.ts";

/** Longest a SPIRE program may take to do what it was started for. */
const READY_LIMIT_MS = 20_000;
const END_LIMIT_MS = 5_000;
const OUTPUT_MAX_CHARS = 1024 * 1024;

/** A SPIRE program that runs. It owns the process and ends by `stop`. */
export class SpireProgram {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  #output = "";
  #hasEnded = false;

  constructor(program: string, args: readonly string[], cwd: string) {
    this.#child = new Deno.Command(program, {
      args: [...args],
      cwd,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([this.#read(this.#child.stdout), this.#read(this.#child.stderr)]);
    void this.#child.status.then(() => this.#hasEnded = true);
  }

  get output(): string {
    return this.#output;
  }

  /** Waits until what the program is for is there. @throws with its output when it does not come */
  async until(what: string, isThere: () => Promise<boolean>): Promise<void> {
    try {
      await waitFor(async () => this.#hasEnded || await isThere(), {
        timeoutMs: READY_LIMIT_MS,
        what,
      });
    } catch (error) {
      throw new Error(`${error}\n${this.#output}`, { cause: error });
    }
    if (this.#hasEnded) throw new Error(`it ended before ${what}\n${this.#output}`);
  }

  signal(signal: Deno.Signal): void {
    if (!this.#hasEnded) this.#child.kill(signal);
  }

  async stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    this.signal(signal);
    const timer = setTimeout(() => this.signal("SIGKILL"), END_LIMIT_MS);
    await this.#child.status;
    clearTimeout(timer);
    await this.#reading;
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#output = (this.#output + text).slice(-OUTPUT_MAX_CHARS);
    }
  }
}
