/**
 * QEMU's control connection (QMP). It owns its socket and ends with the machine, or by `close`.
 */
import { within } from "../../support/mod.ts";

/** What the machine tells by itself, such as RESET or SHUTDOWN. */
export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A command that QEMU refused. */
export class QmpError extends Error {
  override readonly name = "QmpError";
}

const COMMAND_LIMIT_MS = 60_000;
/** Events kept; a machine that resets all the time fills no memory. */
const MAX_EVENTS = 1_000;

/** See {@link connectQmp}. */
export class Qmp {
  /** Everything told since the connection, oldest first. */
  readonly events: QmpEvent[] = [];
  readonly #waiting: PromiseWithResolvers<unknown>[] = [];

  constructor(private readonly connection: Deno.UnixConn) {
    this.#read().catch((error) => this.#fail(error));
  }

  /**
   * Runs a command and returns what it returns.
   *
   * @throws {QmpError} when QEMU refuses it.
   */
  async execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.push(answer);
    const line = JSON.stringify({ execute: command, arguments: args });
    const bytes = new TextEncoder().encode(`${line}\n`);
    if (await this.connection.write(bytes) !== bytes.length) {
      throw new QmpError(`${command} was not written whole`);
    }
    return await within(answer.promise, { timeoutMs: COMMAND_LIMIT_MS, what: `QMP ${command}` });
  }

  /** How often the machine has told `event`. */
  count(event: string): number {
    return this.events.filter((told) => told.event === event).length;
  }

  close(): void {
    try {
      this.connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.connection.readable.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") this.#take(JSON.parse(line));
    }
    this.#fail(new QmpError("QEMU has ended"));
  }

  #take(message: Readonly<Record<string, unknown>>): void {
    if (typeof message["event"] === "string") {
      const data = typeof message["data"] === "object" ? message["data"] ?? {} : {};
      this.events.push({ event: message["event"], data: { ...data } });
      if (this.events.length > MAX_EVENTS) this.events.shift();
    } else if ("return" in message) this.#waiting.shift()?.resolve(message["return"]);
    else if ("error" in message) {
      this.#waiting.shift()?.reject(new QmpError(JSON.stringify(message["error"])));
    }
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** Connects to the socket of a machine that has just been started. */
export async function connectQmp(path: string): Promise<Qmp> {
  const qmp = new Qmp(await Deno.connect({ transport: "unix", path }));
  await qmp.execute("qmp_capabilities");
  return qmp;
}
