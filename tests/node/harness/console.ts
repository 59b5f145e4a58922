/**
 * The root shell on a node's second serial line, which the initramfs starts for tests. It owns its
 * connection and ends with the machine, or by `close`.
 */
import { waitFor } from "../../support/mod.ts";

/** What a command in the guest came to. */
export interface GuestEnd {
  readonly status: number;
  /** Standard output and error together. */
  readonly output: string;
}

const MAX_CHARS = 1024 * 1024;
const COMMAND_LIMIT_MS = 30_000;
const ANSWER_LIMIT_MS = 2_000;
/** A line that the shell has not begun with by then is sent once more: the way there may lose it. */
const AGAIN_MS = 10_000;

/** See {@link connectConsole}. */
export class GuestConsole {
  #text = "";
  #serial = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly connection: Deno.UnixConn) {
    this.#read().catch(() => {}); // The machine has ended.
  }

  /** Runs a shell command in the guest, whatever its status. Commands go one after another. */
  async run(command: string, timeoutMs = COMMAND_LIMIT_MS): Promise<GuestEnd> {
    const before = this.#last;
    const end = (async () => {
      await before.catch(() => {});
      return await this.#exchange(command, timeoutMs);
    })();
    this.#last = end;
    return await end;
  }

  /**
   * Runs a shell command in the guest and returns what it wrote.
   *
   * @throws {Error} when its status is not 0.
   */
  async read(command: string, timeoutMs = COMMAND_LIMIT_MS): Promise<string> {
    const { status, output } = await this.run(command, timeoutMs);
    if (status !== 0) throw new Error(`${command} ended with ${status} in the guest: ${output}`);
    return output;
  }

  /** Waits for text from a script that runs there instead of a shell, and returns all it wrote. */
  async wrote(pattern: RegExp, timeoutMs: number): Promise<string> {
    await this.#waitFor(`${pattern}`, timeoutMs, () => pattern.exec(this.#text));
    return this.#text.replaceAll("\r\n", "\n");
  }

  /** Waits for a shell that has just been started: what was written before is lost. */
  async answers(): Promise<void> {
    await waitFor(async () => (await this.run("true", ANSWER_LIMIT_MS)).status === 0, {
      timeoutMs: COMMAND_LIMIT_MS,
      what: "the shell on the node's second serial line",
    });
  }

  close(): void {
    try {
      this.connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #exchange(command: string, timeoutMs: number): Promise<GuestEnd> {
    const mark = `pact-${++this.#serial}-${crypto.randomUUID().slice(0, 8)}`;
    this.#text = "";
    // The marks are put together in the guest, so that an echo of the line is never taken for them; and
    // what comes twice is done once.
    const line = `[ "$pact_last" = ${mark} ] || { pact_last=${mark}; ` +
      `echo ${mark} begin; ( ${command}\n) </dev/null 2>&1; echo "${mark}" end $?; }\n`;
    const what = `\`${command}\``;
    let sendAtMs = 0;
    await this.#waitFor(`the shell to begin with ${what}`, timeoutMs, async () => {
      if (performance.now() >= sendAtMs) {
        await this.#send(line);
        sendAtMs = performance.now() + AGAIN_MS;
      }
      return this.#text.includes(`${mark} begin\r\n`) || this.#text.includes(`${mark} begin\n`);
    });
    const pattern = new RegExp(`${mark} begin\\r?\\n([^]*?)${mark} end (\\d+)\\r?\\n`);
    const end = await this.#waitFor(
      `the end of ${what}`,
      timeoutMs,
      () => pattern.exec(this.#text),
    );
    const [, output = "", status] = end;
    return { status: Number(status), output: output.replaceAll("\r\n", "\n") };
  }

  async #send(line: string): Promise<void> {
    const bytes = new TextEncoder().encode(line);
    for (let at = 0; at < bytes.length;) at += await this.connection.write(bytes.subarray(at));
  }

  async #waitFor<T>(what: string, timeoutMs: number, condition: () => T | Promise<T>) {
    try {
      return await waitFor(condition, {
        timeoutMs,
        what: `${what} on the node's second serial line`,
      });
    } catch (error) {
      const message = error instanceof Error ? error.message : error;
      throw new Error(`${message}; so far: ${this.#text}`, { cause: error });
    }
  }

  async #read(): Promise<void> {
    for await (const text of this.connection.readable.pipeThrough(new TextDecoderStream())) {
      this.#text = (this.#text + text).slice(-MAX_CHARS);
    }
  }
}

/** Connects to the second serial line of a machine. */
export async function connectConsole(path: string): Promise<GuestConsole> {
  return new GuestConsole(await Deno.connect({ transport: "unix", path }));
}
