/**
 * Owns what one leader, in one term, has still to write into the log. Each transaction holds only
 * while the leader's key is the one this term is named for and the log ends where this appender left
 * it; so one that is made twice takes effect once, and one of a former leader never. Ends with
 * `stop`, or by itself when the key has changed.
 *
 * @module
 */
import type { Clock } from "../../common/clock/mod.ts";
import type { EtcdCaller } from "./etcd_client.ts";
import type { Keys } from "./keys.ts";
import { pause } from "./pause.ts";
import {
  decodeHead,
  encodeHead,
  type Head,
  makePiece,
  type NewPiece,
  type NewRecord,
  pieceLength,
} from "./pieces.ts";
import {
  type Action,
  type Condition,
  get,
  headIs,
  put,
  readHead,
  remove,
  transact,
  wasMadeAt,
} from "./store.ts";

/** What an appender works with. */
export interface AppenderOptions {
  readonly client: EtcdCaller;
  readonly keys: Keys;
  /** Of the leader's key. */
  readonly createRevision: bigint;
  readonly term: number;
  readonly clock: Clock;
  /** Records up to here are in the log. */
  readonly onWritten: (head: Head) => void;
  /** Another leads, or the lease is over. */
  readonly onLost: () => void;
}

/** Most bytes that wait to be written. */
const QUEUE_MAX_BYTES = 128 * 1024 * 1024;

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 1_000;

/** See the module. */
export class Appender {
  readonly #options: AppenderOptions;
  readonly #stop = new AbortController();
  readonly #queue: NewRecord[] = [];
  #bytes = 0;
  #head: Head | undefined;
  #running: Promise<void> | undefined;

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#run();
  }

  /** Whether something is on its way to etcd. */
  get isBusy(): boolean {
    return this.#queue.length > 0;
  }

  /** Puts records behind everything before; false when too much is waiting already. */
  append(records: readonly NewRecord[]): boolean {
    if (this.#stop.signal.aborted || this.#bytes > QUEUE_MAX_BYTES) return false;
    for (const record of records) {
      this.#queue.push(record);
      this.#bytes += bytesOf(record);
    }
    this.#run();
    return true;
  }

  /** What every transaction of this leader depends on. */
  get fence(): Condition {
    const { keys, createRevision } = this.#options;
    return wasMadeAt(keys.leader, createRevision);
  }

  /** Writes nothing more; what is on its way may still be written. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #run(): void {
    if (this.#stop.signal.aborted) return;
    this.#running ??= this.#writeAll().finally(() => {
      this.#running = undefined;
      // Something may have come in while the last transaction ended.
      if (this.#queue.length > 0 || this.#head === undefined) this.#run();
    });
  }

  async #writeAll(): Promise<void> {
    this.#head ??= await this.#takeOver();
    while (this.#queue.length > 0 && !this.#stop.signal.aborted && this.#head !== undefined) {
      const records = this.#queue.slice(0, pieceLength(this.#queue));
      const piece = makePiece(this.#head.lastIndex + 1, this.#options.term, records);
      if (!await this.#write(this.#head, piece)) return;
      this.#queue.splice(0, records.length);
      this.#bytes -= records.reduce((sum, record) => sum + bytesOf(record), 0);
      this.#head = this.#headAfter(piece);
      this.#options.onWritten(this.#head);
    }
  }

  /** Reads where the log ends and removes parts of records that were never written. */
  async #takeOver(): Promise<Head | undefined> {
    const { client, keys } = this.#options;
    const { signal } = this.#stop;
    return await this.#persist(async () => {
      const head = await readHead(client, keys, signal);
      const { succeeded } = await transact(client, {
        compare: [this.fence, headIs(keys, head)],
        success: [remove(keys.partsFrom(head.lastIndex + 1))],
      }, signal);
      return succeeded ? head : "lost";
    });
  }

  async #write(head: Head, piece: NewPiece): Promise<boolean> {
    const { keys } = this.#options;
    for (const [number, part] of piece.parts.entries()) {
      const action = put(keys.part(piece.firstIndex, number), part);
      if (!await this.#commit(head, head, [action])) return false;
    }
    const next = this.#headAfter(piece);
    return await this.#commit(head, next, [
      put(keys.piece(piece.firstIndex), piece.bytes),
      put(keys.head, encodeHead(next)),
    ]);
  }

  /** Whether the actions took effect, which take the head from `before` to `after`. */
  async #commit(before: Head, after: Head, success: readonly Action[]): Promise<boolean> {
    const { client, keys } = this.#options;
    const { signal } = this.#stop;
    const done = await this.#persist(async () => {
      const { succeeded, found } = await transact(client, {
        compare: [this.fence, headIs(keys, before)],
        success,
        failure: [get(keys.leader), get(keys.head)],
      }, signal);
      if (succeeded) return true;
      // An attempt that nobody answered may have been the one that did it: this term's head is ours.
      const [leader, head] = found;
      const isOurs = leader?.createRevision === this.#options.createRevision;
      const now = head && decodeHead(head.value);
      const isDone = now?.lastIndex === after.lastIndex && now.term === after.term;
      return isOurs && isDone ? true : "lost";
    });
    return done === true;
  }

  /** Tries until it is done, or this leader is none any more. */
  async #persist<T>(attempt: () => Promise<T | "lost">): Promise<T | undefined> {
    const { signal } = this.#stop;
    let delayMs = RETRY_MIN_MS;
    while (!signal.aborted) {
      try {
        const result = await attempt();
        if (result !== "lost") return result;
        this.#stop.abort();
        this.#options.onLost();
        return undefined;
      } catch {
        // The client keeps what was wrong; the lease's end is the end of this.
        await pause(this.#options.clock, delayMs, signal);
        delayMs = Math.min(RETRY_MAX_MS, delayMs * 2);
      }
    }
    return undefined;
  }

  #headAfter({ lastIndex }: NewPiece): Head {
    return { lastIndex, term: this.#options.term };
  }
}

function bytesOf(record: NewRecord): number {
  return record.kind === "payload" ? record.payload.byteLength : record.context.byteLength;
}
