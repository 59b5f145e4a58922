/**
 * Owns this journal's place in the log: reads what is there behind it, then follows what comes, in
 * order and without a gap. Ends with the signal, or with an error when what is in etcd cannot be
 * the log.
 *
 * @module
 */
import { etcdkv } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { LogRecord } from "../log/mod.ts";
import type { EtcdClient } from "./etcd_client.ts";
import { EtcdError } from "./etcd_error.ts";
import type { KeyRange, Keys } from "./keys.ts";
import { pause } from "./pause.ts";
import { readPiece } from "./pieces.ts";
import { readHead, readPage } from "./store.ts";

/** What following needs. */
export interface LogFollowerOptions {
  readonly client: EtcdClient;
  readonly keys: Keys;
  /** Index of the first record that is wanted. */
  readonly nextIndex: number;
  readonly clock: Clock;
  /** Consecutive records; the next ones come when this resolves. */
  readonly onRecords: (records: readonly LogRecord[]) => Promise<void>;
  /** The log has been seen to reach this far. */
  readonly onHead: (lastIndex: number) => void;
  /** The next record is not in etcd any more; called again and again until {@link LogFollower.skipTo}. */
  readonly onTrimmed: (nextIndex: number) => void;
}

/** Pieces that are read at once. */
const PAGE_PIECES = 16;

/** Parts that are read at once. */
const PAGE_PARTS = 8;

const RETRY_MS = 300;
/** How often whoever lacks what is trimmed looks whether it still does. */
const TRIMMED_MS = 1_000;

/** See the module. */
export class LogFollower {
  readonly #options: LogFollowerOptions;
  #nextIndex: number;
  #isReading = true;

  constructor(options: LogFollowerOptions) {
    this.#options = options;
    this.#nextIndex = options.nextIndex;
  }

  get nextIndex(): number {
    return this.#nextIndex;
  }

  /** Whether it still reads what was there before it came, or has lost sight of the log. */
  get isReading(): boolean {
    return this.#isReading;
  }

  /** What is before `index` came another way. */
  skipTo(index: number): void {
    this.#nextIndex = Math.max(this.#nextIndex, index);
  }

  /** @throws {EtcdError} `invalid` for what cannot be the log. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onTrimmed } = this.#options;
    while (!signal.aborted) {
      try {
        this.#isReading = true;
        const revision = await this.#read(signal);
        if (revision === undefined) {
          onTrimmed(this.#nextIndex);
          await pause(clock, TRIMMED_MS, signal);
          continue;
        }
        this.#isReading = false;
        await this.#follow(revision + 1n, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof EtcdError) || error.kind === "invalid") throw error;
        await pause(clock, RETRY_MS, signal);
      }
    }
  }

  /** Takes everything there is; the revision up to which that is, or undefined for a gap. */
  async #read(signal: AbortSignal): Promise<bigint | undefined> {
    const { client, keys, onHead } = this.#options;
    const { lastIndex } = await readHead(client, keys, signal);
    onHead(lastIndex);
    let revision = 0n;
    let range: KeyRange | undefined = keys.logFrom(this.#nextIndex);
    while (range !== undefined) {
      const page = await readPage(client, range, PAGE_PIECES, signal);
      for (const value of page.values) {
        if (!await this.#take(value, signal)) return undefined;
      }
      ({ rest: range, revision } = page);
    }
    return this.#nextIndex > lastIndex ? revision : undefined;
  }

  async #follow(revision: bigint, signal: AbortSignal): Promise<void> {
    const { client, keys } = this.#options;
    for await (const { events } of client.watch(keys.log, revision, signal)) {
      for (const { type, kv } of events) {
        if (type !== etcdkv.Event_EventType.PUT || kv === undefined) continue;
        // A gap is looked into by reading anew.
        if (!await this.#take(kv.value, signal)) return;
      }
    }
  }

  /** False when the piece does not continue what was taken. */
  async #take(bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const records = await readPiece(
      bytes,
      this.#nextIndex,
      (index) => this.#parts(index, signal),
    );
    const [first] = records;
    const last = records.at(-1);
    if (first === undefined || last === undefined) return true;
    if (Number(first.index) !== this.#nextIndex) return false;
    this.#nextIndex = Number(last.index) + 1;
    this.#options.onHead(Number(last.index));
    await this.#options.onRecords(records);
    return true;
  }

  /** Parts of a record, in order. */
  async #parts(index: number, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const { client, keys } = this.#options;
    const parts: Uint8Array[] = [];
    let range: KeyRange | undefined = keys.partsOf(index);
    while (range !== undefined) {
      const page = await readPage(client, range, PAGE_PARTS, signal);
      parts.push(...page.values);
      range = page.rest;
    }
    return parts;
  }
}
