import type { Message } from "../raft/mod.ts";
import { packedMessageBytes } from "./codec.ts";

/** Bounds of what waits for one peer. */
export interface OutboxLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** One batch holds no more, unless its first message alone does. */
  readonly maxBatchBytes: number;
}

export const OUTBOX_LIMITS: OutboxLimits = {
  maxMessages: 4096,
  maxBytes: 32 * 1024 * 1024,
  maxBatchBytes: 4 * 1024 * 1024,
};

interface Waiting {
  readonly message: Message;
  readonly bytes: number;
}

/** What waits to be sent to one peer, in order and within bounds. No I/O. */
export class Outbox {
  #waiting: Waiting[] = [];
  /** Those before it have been taken. */
  #head = 0;
  #bytes = 0;

  constructor(private readonly limits: OutboxLimits) {}

  get length(): number {
    return this.#waiting.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns false when there is no room; the message is then not kept */
  add(message: Message): boolean {
    const bytes = packedMessageBytes(message);
    const hasRoom = this.length < this.limits.maxMessages &&
      (this.length === 0 || this.#bytes + bytes <= this.limits.maxBytes);
    if (!hasRoom) return false;
    this.#waiting.push({ message, bytes });
    this.#bytes += bytes;
    return true;
  }

  /** The oldest messages that fit into one batch; empty when nothing waits. */
  takeBatch(): Message[] {
    const batch: Message[] = [];
    let bytes = 0;
    for (let next = this.#waiting[this.#head]; next !== undefined;) {
      if (batch.length > 0 && bytes + next.bytes > this.limits.maxBatchBytes) break;
      batch.push(next.message);
      bytes += next.bytes;
      next = this.#waiting[++this.#head];
    }
    this.#bytes -= bytes;
    this.#compact();
    return batch;
  }

  /** @returns how many were dropped */
  clear(): number {
    const dropped = this.length;
    this.#waiting = [];
    this.#head = 0;
    this.#bytes = 0;
    return dropped;
  }

  #compact(): void {
    if (this.#head === this.#waiting.length) this.#waiting = [];
    else if (this.#head > this.limits.maxMessages) this.#waiting = this.#waiting.slice(this.#head);
    else return;
    this.#head = 0;
  }
}
