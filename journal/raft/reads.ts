import type { Index } from "./entry.ts";
import type { NodeId } from "./ids.ts";
import { NO_BYTES } from "./entry.ts";
import type { Message } from "./messages.ts";
import { jointCommitted, type JointVoters } from "./quorum/mod.ts";

/** A read that may be served once the state machine has applied `index`. */
export interface ReadState {
  readonly index: Index;
  /** As given by who asked. */
  readonly context: Uint8Array;
}

/** A read whose commit index is noted and that waits for proof that this member still leads. */
export interface ConfirmedRead {
  readonly request: Message;
  readonly index: Index;
}

/**
 * Reads of a leader, oldest first. Every heartbeat carries the position of the newest, the answer
 * brings it back: what a quorum has answered since a read came proves that read and all before.
 */
export class PendingReads {
  /** Reads confirmed so far: the position before the oldest that waits. */
  #confirmed = 0;
  #queue: ConfirmedRead[] = [];
  /** The highest position that each member has answered. */
  readonly #acks = new Map<NodeId, number>();

  get size(): number {
    return this.#queue.length;
  }

  /** What heartbeats carry: nothing while no read waits. */
  get context(): Uint8Array {
    return this.#queue.length === 0 ? NO_BYTES : encodePosition(this.#position);
  }

  /** A read comes in at commit index `index`; `self` needs no heartbeat to know that it leads. */
  add(request: Message, index: Index, self: NodeId): void {
    this.#queue.push({ request, index });
    this.#acks.set(self, this.#position);
  }

  /** A member answered a heartbeat; its context came back. */
  acknowledge(from: NodeId, context: Uint8Array): void {
    const position = decodePosition(context);
    if (position === undefined || position > this.#position) return;
    this.#acks.set(from, Math.max(position, this.#acks.get(from) ?? 0));
  }

  /** Takes out the reads that a quorum has confirmed, oldest first. */
  takeConfirmed(voters: JointVoters): readonly ConfirmedRead[] {
    const acked = jointCommitted(voters, (id) => this.#acks.get(id) ?? 0);
    const count = Math.min(Math.max(acked - this.#confirmed, 0), this.#queue.length);
    const confirmed = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    this.#confirmed += count;
    return confirmed;
  }

  get #position(): number {
    return this.#confirmed + this.#queue.length;
  }
}

const POSITION_BYTES = 8;

function encodePosition(position: number): Uint8Array {
  const bytes = new Uint8Array(POSITION_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(position), true);
  return bytes;
}

/** Undefined for bytes that no heartbeat of ours carried. */
function decodePosition(context: Uint8Array): number | undefined {
  if (context.length !== POSITION_BYTES) return undefined;
  const view = new DataView(context.buffer, context.byteOffset, POSITION_BYTES);
  const position = Number(view.getBigUint64(0, true));
  return Number.isSafeInteger(position) ? position : undefined;
}
