/** The calls of one peer over one stream: which are being answered, and the answers that wait. */
import { create } from "@bufbuild/protobuf";
import { raft } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { CodecError } from "./bytes.ts";
import { wireError, wireErrorOf } from "./call_error.ts";
import type { PeerCallKind } from "./network.ts";
import { CALL_MAX_BYTES, CALLS_BATCH_BYTES, MAX_CALLS } from "./outgoing_calls.ts";

const KINDS: ReadonlyMap<raft.PeerCallKind, PeerCallKind> = new Map([
  [raft.PeerCallKind.FORWARD_WRITE, "ForwardWrite"],
  [raft.PeerCallKind.READ_INDEX, "ReadIndex"],
  [raft.PeerCallKind.LIVENESS_BATCH, "LivenessBatch"],
  [raft.PeerCallKind.FIND_NODE, "FindNode"],
]);

const HELD_MAX_BYTES = 64 * 1024 * 1024;

/** How calls are answered. */
export interface ServedCallsOptions {
  readonly answer: (
    kind: PeerCallKind,
    data: Uint8Array,
    signal: AbortSignal,
  ) => Promise<Uint8Array>;
  /** There is an answer to send. */
  readonly onAnswered: () => void;
  /** Learns of the errors that the caller sees only the incident id of. */
  readonly onInternalError: (error: unknown, kind: PeerCallKind, incidentId: string) => void;
}

/** Calls from the opening of a stream to its end. */
export class ServedCalls {
  readonly #running = new Map<number, AbortController>();
  #answers: raft.PeerCallAnswer[] = [];
  /** Of calls that are being answered, and of answers that wait. */
  #heldBytes = 0;

  constructor(private readonly options: ServedCallsOptions) {}

  get hasAnswers(): boolean {
    return this.#answers.length > 0;
  }

  /** @throws CodecError for what no peer sends */
  take({ id, kind, data }: raft.PeerCall): void {
    if (kind === raft.PeerCallKind.UNSPECIFIED) return this.#running.get(id)?.abort();
    const known = KINDS.get(kind);
    if (known === undefined) throw new CodecError(`calls of kind ${kind} are not known`);
    // A call that was given up may still be running under its id; this one never is.
    if (this.#running.has(id)) throw new CodecError(`call ${id} is being answered`);
    // Calls that were given up count until they have ended.
    const isFull = this.#running.size + this.#answers.length >= 2 * MAX_CALLS ||
      this.#heldBytes + data.length > HELD_MAX_BYTES;
    if (isFull) {
      return this.#add(id, { case: "error", value: wireError(tooMany()) });
    }
    void this.#run(id, known, data);
  }

  /** The answers that go with the next message. */
  takeAnswers(): raft.PeerCallAnswer[] {
    let bytes = 0;
    const end = this.#answers.findIndex((answer, at) => {
      bytes += bytesOf(answer);
      return at > 0 && bytes > CALLS_BATCH_BYTES;
    });
    const answers = this.#answers.splice(0, end < 0 ? this.#answers.length : end);
    for (const answer of answers) this.#heldBytes -= bytesOf(answer);
    return answers;
  }

  end(): void {
    for (const abort of this.#running.values()) abort.abort();
  }

  async #run(id: number, kind: PeerCallKind, data: Uint8Array): Promise<void> {
    const abort = new AbortController();
    this.#running.set(id, abort);
    this.#heldBytes += data.length;
    let outcome: raft.PeerCallAnswer["outcome"];
    try {
      const answer = await this.options.answer(kind, data.slice(), abort.signal);
      if (answer.length > CALL_MAX_BYTES) throw new Error(`an answer of ${answer.length} bytes`);
      outcome = { case: "data", value: new Uint8Array(answer) };
    } catch (error) {
      const value = wireErrorOf(
        error,
        (hidden, incidentId) => this.options.onInternalError(hidden, kind, incidentId),
      );
      outcome = { case: "error", value };
    }
    this.#running.delete(id);
    this.#heldBytes -= data.length;
    this.#add(id, outcome);
  }

  #add(id: number, outcome: raft.PeerCallAnswer["outcome"]): void {
    const answer = create(raft.PeerCallAnswerSchema, { id, outcome });
    this.#answers.push(answer);
    this.#heldBytes += bytesOf(answer);
    this.options.onAnswered();
  }
}

function bytesOf({ outcome }: raft.PeerCallAnswer): number {
  return outcome.case === "data" ? outcome.value.length : 0;
}

function tooMany(): PactError {
  return new PactError("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED: too many calls of a member");
}
