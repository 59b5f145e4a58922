import { StorageError } from "../storage/mod.ts";
import type { LogExtent, LogRequest, LogResponse } from "./protocol.ts";
import type { LogRecord } from "./replicated_log.ts";

interface Waiting {
  readonly resolve: (response: LogResponse) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Owns the log's worker: sends requests, matches answers in order. Ends with `close`, or for good
 * when the worker dies, which fails everything that waits.
 */
export class WorkerChannel {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #dead: Error | undefined;

  constructor() {
    this.#worker = new Worker(new URL("./log_worker.ts", import.meta.url), {
      type: "module",
      name: "journal log",
    });
    this.#worker.onmessage = ({ data }: MessageEvent<LogResponse>) => {
      this.#waiting.shift()?.resolve(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#die(new StorageError("io", "log worker", event.message));
    };
  }

  /** Sends a request that answers with what the file now holds. */
  async change(request: Exclude<LogRequest, { kind: "read" }>): Promise<LogExtent> {
    const response = await this.#ask(request);
    if (response.kind !== "extent") throw unexpected(response);
    return response.extent;
  }

  /** Reads a batch of records. */
  async read(fromIndex: bigint): Promise<readonly LogRecord[]> {
    const response = await this.#ask({ kind: "read", fromIndex });
    if (response.kind !== "records") throw unexpected(response);
    return response.records;
  }

  /** Ends the worker at once; what waits fails. */
  terminate(): void {
    this.#worker.terminate();
    this.#die(new StorageError("io", "log worker", "was stopped"));
  }

  async #ask(request: LogRequest): Promise<LogResponse> {
    if (this.#dead !== undefined) throw this.#dead;
    const response = await new Promise<LogResponse>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(request);
    });
    if (response.kind !== "error") return response;
    const { storage, path, detail, position } = response;
    throw new StorageError(storage, path, detail, position === undefined ? {} : { position });
  }

  #die(error: Error): void {
    this.#dead ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function unexpected(response: LogResponse): Error {
  return new Error(`the log worker answered out of turn: ${response.kind}`);
}
