/** The calls of this member to one peer over one stream: which wait to go, which for their answer. */
import { create } from "@bufbuild/protobuf";
import { raft } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { errorOfWire } from "./call_error.ts";
import type { PeerCallKind } from "./network.ts";

/** Calls to one peer at once. */
export const MAX_CALLS = 1024;
/** What the calls of one batch may hold; one alone may hold more. */
export const CALLS_BATCH_BYTES = 2 * 1024 * 1024;
/** One call and one answer. */
export const CALL_MAX_BYTES = 12 * 1024 * 1024;
/** Calls that wait to go, together. */
const WAITING_MAX_BYTES = 32 * 1024 * 1024;

const KINDS: Readonly<Record<PeerCallKind, raft.PeerCallKind>> = {
  ForwardWrite: raft.PeerCallKind.FORWARD_WRITE,
  ReadIndex: raft.PeerCallKind.READ_INDEX,
  LivenessBatch: raft.PeerCallKind.LIVENESS_BATCH,
  FindNode: raft.PeerCallKind.FIND_NODE,
};

type Waiting = PromiseWithResolvers<Uint8Array>;

/** Calls from the opening of a stream to its end. */
export class OutgoingCalls {
  readonly #waiting = new Map<number, Waiting>();
  #toSend: raft.PeerCall[] = [];
  #bytesToSend = 0;
  #lastId = 0;
  #isEnded = false;

  /** @param onQueued there is something to send */
  constructor(private readonly onQueued: () => void) {}

  /** @throws {PactError} what the peer answered, or UNAVAILABLE when the stream ends before */
  async call(kind: PeerCallKind, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    if (signal.aborted) throw givenUp(signal.reason);
    if (this.#isEnded) throw gone();
    const isFull = this.#waiting.size >= MAX_CALLS || data.length > CALL_MAX_BYTES ||
      this.#bytesToSend + data.length > WAITING_MAX_BYTES;
    if (isFull) {
      throw new PactError("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED: too many calls to a member");
    }
    const id = this.#freeId();
    const waiting = Promise.withResolvers<Uint8Array>();
    this.#waiting.set(id, waiting);
    this.#queue(id, KINDS[kind], data);
    const onAbort = () => {
      this.#giveUp(id);
      waiting.reject(givenUp(signal.reason));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await waiting.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#waiting.delete(id);
    }
  }

  /** The calls that go with the next batch. */
  take(): raft.PeerCall[] {
    if (this.#toSend.length === 0) return [];
    let bytes = 0;
    const end = this.#toSend.findIndex(({ data }, at) => {
      bytes += data.length;
      return at > 0 && bytes > CALLS_BATCH_BYTES;
    });
    const calls = this.#toSend.splice(0, end < 0 ? this.#toSend.length : end);
    for (const { data } of calls) this.#bytesToSend -= data.length;
    return calls;
  }

  /** An answer to a call that nobody waits for any more is dropped. */
  onAnswer({ id, outcome }: raft.PeerCallAnswer): void {
    const waiting = this.#waiting.get(id);
    if (outcome.case === "data") waiting?.resolve(outcome.value);
    else waiting?.reject(errorOfWire(outcome.value));
  }

  end(): void {
    this.#isEnded = true;
    this.#toSend = [];
    this.#bytesToSend = 0;
    for (const { reject } of this.#waiting.values()) reject(gone());
  }

  #queue(id: number, kind: raft.PeerCallKind, data: Uint8Array): void {
    this.#toSend.push(create(raft.PeerCallSchema, { id, kind, data }));
    this.#bytesToSend += data.length;
    this.onQueued();
  }

  /** What has not gone yet never goes; of what has, the peer is told. */
  #giveUp(id: number): void {
    const at = this.#toSend.findIndex((call) => call.id === id);
    const [call] = at < 0 ? [] : this.#toSend.splice(at, 1);
    if (call !== undefined) this.#bytesToSend -= call.data.length;
    else this.#queue(id, raft.PeerCallKind.UNSPECIFIED, new Uint8Array(0));
  }

  /** Ends because fewer calls wait than there are ids. */
  #freeId(): number {
    do this.#lastId = this.#lastId % 0x7fff_ffff + 1; while (this.#waiting.has(this.#lastId));
    return this.#lastId;
  }
}

/** The reason in the form of every other failure of a call. */
function givenUp(reason: unknown): PactError {
  if (reason instanceof PactError) return reason;
  return reason instanceof DOMException && reason.name === "TimeoutError"
    ? new PactError("DEADLINE", "DEADLINE: a member took too long to answer", { cause: reason })
    : new PactError("UNAVAILABLE", "UNAVAILABLE: the call was given up", { cause: reason });
}

function gone(): PactError {
  return new PactError("UNAVAILABLE", "UNAVAILABLE: the connection to the member was lost");
}
