/**
 * The SDK's transport over standard input and output, one JSON value a line (MCP-2). It owns both
 * streams. `inputEnded` settles at the end of input; the transport then still sends, until `close`.
 */
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/server";
import { systemClock } from "../../common/clock/mod.ts";
import { readEnvelope, type Refusal } from "./envelope.ts";
import { readLines } from "./lines.ts";

/** Standard input and output, or what stands for them. */
export interface StdioStreams {
  readonly input: AsyncIterable<Uint8Array>;
  /** Writes all of it. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

/** See the head of this file. */
export class StdioTransport implements Transport {
  onclose: (() => void) | undefined;
  onerror: ((error: Error) => void) | undefined;
  onmessage: Transport["onmessage"];

  readonly #inputEnded = Promise.withResolvers<void>();
  #lastWrite: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(private readonly streams: StdioStreams) {}

  /** Settles when the client has closed its end, or reading fails. */
  get inputEnded(): Promise<void> {
    return this.#inputEnded.promise;
  }

  /** Begins to read; answers come by `onmessage` and {@link send}. */
  start(): Promise<void> {
    this.#read().catch((error) => this.onerror?.(asError(error)))
      .finally(() => this.#inputEnded.resolve());
    return Promise.resolve();
  }

  /** Sends a message; settles when it is written. Messages go out whole and in order. */
  async send(message: JSONRPCMessage | Refusal): Promise<void> {
    if (this.#closed) return;
    const bytes = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
    const write = this.#lastWrite.then(() => this.streams.write(bytes));
    this.#lastWrite = write.catch(() => {});
    await write;
  }

  /** Waits for what is being written, then ends the calls that still run. */
  async close(): Promise<void> {
    if (this.#closed) return;
    // The SDK hands over the answer of a call that has ended within the same turn: let it pass.
    await new Promise<void>((resolve) => systemClock.setTimer(0, resolve));
    this.#closed = true;
    await this.#lastWrite;
    this.onclose?.();
  }

  async #read(): Promise<void> {
    for await (const line of readLines(this.streams.input)) {
      if (this.#closed) return;
      const envelope = readEnvelope(line);
      if (envelope.kind === "message") this.onmessage?.(envelope.message);
      else if (envelope.kind === "refusal") await this.send(envelope.refusal);
      // Who does not take answers is not asked for more requests: what waits here stays bounded.
      await this.#lastWrite;
    }
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
