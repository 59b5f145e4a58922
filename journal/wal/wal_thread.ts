/**
 * Owns the log's worker: hands writes over, matches answers in order. Writes that come while the
 * disk is busy wait here and go to it together, with one sync. Ends with `close`, or for good when
 * the worker dies, which fails everything that waits.
 *
 * @module
 */
import type { EntryId } from "../raft/mod.ts";
import { StorageError } from "../storage/mod.ts";
import { type PlaceBase, SEGMENT_MAX_BYTES, type WalOptions, type WalRecovered } from "./wal.ts";
import type { WalRequest, WalResponse } from "./wal_protocol.ts";
import type { EncodedWrite } from "./write_record.ts";

/** Requests at the worker: one is synced while the next is already there. */
const IN_FLIGHT_MAX = 2;

/** Bounds of what goes to disk together; a single larger write goes alone. */
const GROUP_MAX_WRITES = 1024;
const GROUP_MAX_BYTES = 8 * 1024 * 1024;

/** More waiting than any member that limits what is uncommitted can cause. */
const WAITING_MAX = 65_536;

/** The durable log of a Raft member, in a thread of its own. */
export interface WalThread {
  /** What the log held when it was opened. */
  readonly recovered: WalRecovered;
  /**
   * Resolves when the write is durable, in the order of the calls, with where its entries came to
   * stand. Takes the bytes away: they must not be used again. With `sync` false, see `Wal.write`.
   *
   * @throws {StorageError} `io` for this write and all after it
   */
  write(encoded: Pick<EncodedWrite, "bytes">, sync: boolean): Promise<PlaceBase>;
  /** See `Wal.compactTo`. */
  compactTo(id: EntryId): Promise<void>;
  /** Resolves when all that was asked before is done and the files are let go of. */
  close(): Promise<void>;
  /** Ends the thread at once, as a crash would; what waits fails. */
  terminate(): void;
}

/**
 * Opens the log in `directory` in a thread of its own.
 *
 * @throws {StorageError} as `Wal.open`
 */
export async function openWalThread(
  directory: string,
  { segmentMaxBytes = SEGMENT_MAX_BYTES }: Pick<WalOptions, "segmentMaxBytes"> = {},
): Promise<WalThread> {
  const queue = new WorkerQueue();
  try {
    const response = await queue.ask({ kind: "open", directory, segmentMaxBytes });
    if (response.kind !== "opened") throw outOfTurn(response);
    return new WorkerLog(queue, response.recovered);
  } catch (error) {
    queue.end("could not be opened");
    throw error;
  }
}

class WorkerLog implements WalThread {
  readonly recovered: WalRecovered;
  readonly #queue: WorkerQueue;

  constructor(queue: WorkerQueue, recovered: WalRecovered) {
    this.#queue = queue;
    this.recovered = recovered;
  }

  write({ bytes }: Pick<EncodedWrite, "bytes">, sync: boolean): Promise<PlaceBase> {
    return this.#queue.write(bytes, sync);
  }

  async compactTo(id: EntryId): Promise<void> {
    await this.#queue.ask({ kind: "compact", id });
  }

  async close(): Promise<void> {
    try {
      await this.#queue.ask({ kind: "close" });
    } finally {
      this.#queue.end("is closed");
    }
  }

  terminate(): void {
    this.#queue.end("was stopped");
  }
}

interface WaitingWrite {
  readonly kind: "write";
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sync: boolean;
  readonly resolve: (base: PlaceBase) => void;
  readonly reject: (error: Error) => void;
}

interface WaitingRequest {
  readonly kind: "request";
  readonly request: Exclude<WalRequest, { kind: "write" }>;
  readonly resolve: (response: WalResponse) => void;
  readonly reject: (error: Error) => void;
}

/** What an answer of the worker is for: a group of writes, or one other request. */
type Asked = readonly WaitingWrite[] | WaitingRequest;

class WorkerQueue {
  readonly #worker: Worker;
  #waiting: (WaitingWrite | WaitingRequest)[] = [];
  readonly #inFlight: Asked[] = [];
  #ended: StorageError | undefined;

  constructor() {
    this.#worker = new Worker(new URL("./wal_worker.ts", import.meta.url), {
      type: "module",
      name: "journal log",
    });
    this.#worker.onmessage = ({ data }: MessageEvent<WalResponse>) => this.#answered(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.end(`failed: ${event.message}`);
    };
  }

  write(bytes: Uint8Array<ArrayBuffer>, sync: boolean): Promise<PlaceBase> {
    return new Promise((resolve, reject) =>
      this.#enqueue({ kind: "write", bytes, sync, resolve, reject })
    );
  }

  ask(request: WaitingRequest["request"]): Promise<WalResponse> {
    return new Promise((resolve, reject) =>
      this.#enqueue({ kind: "request", request, resolve, reject })
    );
  }

  /** Ends the worker; what waits fails with `reason`. */
  end(reason: string): void {
    this.#worker.terminate();
    this.#ended ??= new StorageError("io", "log thread", reason);
    const waiting = this.#waiting.splice(0);
    for (const { reject } of [...this.#inFlight.splice(0).flat(), ...waiting]) reject(this.#ended);
  }

  #enqueue(job: WaitingWrite | WaitingRequest): void {
    if (this.#ended !== undefined) return job.reject(this.#ended);
    if (this.#waiting.length >= WAITING_MAX) {
      return this.end(`has ${WAITING_MAX} writes waiting; the disk does not keep up`);
    }
    this.#waiting.push(job);
    this.#pump();
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.#inFlight.length < IN_FLIGHT_MAX) {
      const group = this.#takeWrites();
      if (group.length > 0) this.#sendGroup(group);
      else this.#sendRequest();
    }
  }

  #takeWrites(): WaitingWrite[] {
    const group: WaitingWrite[] = [];
    let bytes = 0;
    for (const job of this.#waiting) {
      if (job.kind !== "write" || group.length === GROUP_MAX_WRITES) break;
      bytes += job.bytes.length;
      if (group.length > 0 && bytes > GROUP_MAX_BYTES) break;
      group.push(job);
    }
    this.#waiting = this.#waiting.slice(group.length);
    return group;
  }

  #sendGroup(group: readonly WaitingWrite[]): void {
    const writes = group.map(({ bytes }) => bytes);
    const sync = group.some((write) => write.sync);
    this.#inFlight.push(group);
    this.#post({ kind: "write", writes, sync }, writes.map(({ buffer }) => buffer));
  }

  #sendRequest(): void {
    const job = this.#waiting.shift();
    if (job?.kind !== "request") return;
    this.#inFlight.push(job);
    this.#post(job.request, []);
  }

  #post(request: WalRequest, transfer: ArrayBuffer[]): void {
    try {
      this.#worker.postMessage(request, transfer);
    } catch (error) {
      // Bytes that were handed over before, by a caller who used them twice.
      this.end(`cannot take a write: ${error instanceof Error ? error.message : error}`);
    }
  }

  #answered(response: WalResponse): void {
    const asked = this.#inFlight.shift();
    if (asked === undefined) return;
    if (response.kind === "error") {
      const error = errorOf(response);
      for (const { reject } of [asked].flat()) reject(error);
    } else if ("request" in asked) {
      asked.resolve(response);
    } else {
      resolveGroup(asked, response);
    }
    this.#pump();
  }
}

function resolveGroup(group: readonly WaitingWrite[], response: WalResponse): void {
  const bases = response.kind === "written" ? response.bases : [];
  for (const [position, { resolve, reject }] of group.entries()) {
    const base = bases[position];
    if (base === undefined) reject(outOfTurn(response));
    else resolve(base);
  }
}

function errorOf(response: Extract<WalResponse, { kind: "error" }>): StorageError {
  const { storage, path, detail, position } = response;
  return new StorageError(storage, path, detail, position === undefined ? {} : { position });
}

function outOfTurn({ kind }: WalResponse): StorageError {
  return new StorageError("io", "log thread", `answered out of turn: ${kind}`);
}
