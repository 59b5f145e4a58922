/**
 * The stream on which one peer sends its Raft messages to this member, whatever carries it. It owns
 * its place in the stream and the acknowledgements; it ends by `end`, or when the peer sends what it
 * must not.
 */
import { create } from "@bufbuild/protobuf";
import { raft } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Message } from "../raft/mod.ts";
import { CodecError, decodeMessages, type Ends } from "./codec.ts";
import { type Hello, helloMessage } from "./hello.ts";
import type { LiveLink } from "./instances.ts";
import { ServedCalls, type ServedCallsOptions } from "./served_calls.ts";
import { TIMING } from "./bounds.ts";

/** What a stream needs from whoever serves it. */
export interface ServedStreamOptions {
  readonly ends: Ends;
  /** Of the peer's process. */
  readonly instanceId: string;
  /** The data directory that the peer says it has. */
  readonly directoryId: string | undefined;
  /** The newest form of records that the peer reads, if it says so. */
  readonly recordFormat: number | undefined;
  /** Who this member says it is, now. */
  readonly hello: () => Hello;
  /** Judges what the peer says of itself; throws to refuse. */
  readonly onHello: (hello: raft.RaftHello) => void;
  readonly onMessages: (messages: readonly Message[]) => void;
  readonly calls: Omit<ServedCallsOptions, "onAnswered">;
  readonly clock: Clock;
  /** There may be an answer to take, now or soon. */
  readonly onDue: () => void;
  /** Once, with what the stream ended with. */
  readonly onEnd: (error: unknown) => void;
}

/** One stream, from its opening to its end. */
export class ServedStream implements LiveLink {
  readonly #options: ServedStreamOptions;
  readonly #calls: ServedCalls;
  readonly #probes = new Map<bigint, (isAlive: boolean) => void>();
  #received = 0n;
  #acknowledgeTimer: TimerHandle | undefined;
  #isAnswerDue = false;
  #lastProbe = 0n;
  #isProbeDue = false;
  #announced: string | undefined;
  #heardAtMs: number;
  #isGreeted = false;
  #isEnded = false;

  constructor(options: ServedStreamOptions) {
    this.#options = options;
    this.#calls = new ServedCalls({ ...options.calls, onAnswered: options.onDue });
    this.#heardAtMs = options.clock.monotonicMs();
  }

  get instanceId(): string {
    return this.#options.instanceId;
  }

  get directoryId(): string | undefined {
    return this.#options.directoryId;
  }

  get recordFormat(): number | undefined {
    return this.#options.recordFormat;
  }

  /** The answer that is due, if one is. The first one says who this member is. */
  takeAnswer(): raft.RaftAnswer | undefined {
    if (this.#isEnded) return undefined;
    const isNews = !this.#isGreeted || this.#options.hello().clusterId !== this.#announced;
    this.#isGreeted = true;
    const isDue = isNews || this.#isAnswerDue || this.#isProbeDue || this.#calls.hasAnswers;
    return isDue ? this.#answer(isNews) : undefined;
  }

  /** @throws CodecError, or what refuses the peer; the stream is then to be ended with it */
  receive({ hello, sequence, messages, probeAnswered, calls }: raft.RaftBatch): void {
    if (this.#isEnded) return;
    this.#count(sequence);
    if (hello !== undefined) this.#options.onHello(hello);
    else if (sequence === 1n) throw new CodecError("the first batch is without a hello");
    for (const [number, settle] of this.#probes) if (number <= probeAnswered) settle(true);
    if (messages.length > 0) this.#deliver(messages);
    for (const call of calls) this.#calls.take(call);
  }

  /** The next batch, when it holds packed messages and nothing else. @throws as `receive` */
  receiveMessages(packed: Uint8Array): void {
    if (this.#isEnded) return;
    if (this.#received === 0n) throw new CodecError("the first batch is without a hello");
    this.#count(this.#received + 1n);
    this.#deliver(packed);
  }

  /** Whether the peer says nothing any more. */
  isSilent(nowMs: number): boolean {
    return nowMs - this.#heardAtMs > TIMING.silenceMs;
  }

  /** Tells the peer what has become known since. */
  tick(): void {
    if (this.#options.hello().clusterId !== this.#announced) this.#options.onDue();
  }

  async probe(): Promise<boolean> {
    if (this.#isEnded) return false;
    const number = ++this.#lastProbe;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#probes.set(number, resolve);
    this.#isProbeDue = true;
    this.#options.onDue();
    const timer = this.#options.clock.setTimer(TIMING.probeMs, () => resolve(false));
    const isAlive = await promise;
    this.#options.clock.clearTimer(timer);
    this.#probes.delete(number);
    return isAlive;
  }

  /** Ends the stream; the peer is to be told the error, if there is one. */
  end(error?: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const settle of this.#probes.values()) settle(false);
    this.#calls.end();
    if (this.#acknowledgeTimer !== undefined) {
      this.#options.clock.clearTimer(this.#acknowledgeTimer);
    }
    this.#options.onEnd(error);
  }

  #count(sequence: bigint): void {
    this.#heardAtMs = this.#options.clock.monotonicMs();
    if (sequence !== this.#received + 1n) {
      throw new CodecError(`batch ${sequence} does not follow ${this.#received}`);
    }
    this.#received = sequence;
    this.#acknowledgeSoon();
  }

  #deliver(packed: Uint8Array): void {
    this.#options.onMessages(decodeMessages(packed, this.#options.ends));
  }

  #acknowledgeSoon(): void {
    this.#acknowledgeTimer ??= this.#options.clock.setTimer(TIMING.acknowledgeMs, () => {
      this.#acknowledgeTimer = undefined;
      this.#isAnswerDue = true;
      this.#options.onDue();
    });
  }

  #answer(withHello: boolean): raft.RaftAnswer {
    this.#isAnswerDue = false;
    const probe = this.#isProbeDue ? this.#lastProbe : 0n;
    this.#isProbeDue = false;
    const hello = this.#options.hello();
    this.#announced = hello.clusterId;
    return create(raft.RaftAnswerSchema, {
      acknowledged: this.#received,
      probe,
      callAnswers: this.#calls.takeAnswers(),
      ...(withHello ? { hello: helloMessage(hello) } : {}),
    });
  }
}
