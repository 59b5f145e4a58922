/**
 * The stream on which one peer sends its Raft messages to this member. It owns the reading of it
 * and the acknowledgements; it ends by `end`, or when the peer goes or sends what it must not.
 */
import { create } from "@bufbuild/protobuf";
import { raft } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Message } from "../raft/mod.ts";
import { Alarm } from "./alarm.ts";
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
  /** Who this member says it is, now. */
  readonly hello: () => Hello;
  /** Judges what the peer says of itself; throws to refuse. */
  readonly onHello: (hello: raft.RaftHello) => void;
  readonly onMessages: (messages: readonly Message[]) => void;
  readonly calls: Omit<ServedCallsOptions, "onAnswered">;
  readonly clock: Clock;
}

/** One stream, from its opening to its end. */
export class ServedStream implements LiveLink {
  readonly #options: ServedStreamOptions;
  readonly #alarm = new Alarm();
  readonly #calls: ServedCalls;
  readonly #probes = new Map<bigint, (isAlive: boolean) => void>();
  #received = 0n;
  #acknowledgeTimer: TimerHandle | undefined;
  #isAnswerDue = false;
  #lastProbe = 0n;
  #isProbeDue = false;
  #announced: string | undefined;
  #heardAtMs: number;
  #isEnded = false;
  #error: unknown;

  constructor(options: ServedStreamOptions) {
    this.#options = options;
    this.#calls = new ServedCalls({ ...options.calls, onAnswered: () => this.#alarm.ring() });
    this.#heardAtMs = options.clock.monotonicMs();
  }

  get instanceId(): string {
    return this.#options.instanceId;
  }

  /** Takes everything that comes; ends the stream when nothing more does, and never throws. */
  async read(batches: AsyncIterable<raft.RaftBatch>): Promise<void> {
    try {
      for await (const batch of batches) {
        if (this.#isEnded) return;
        this.#take(batch);
      }
      this.end();
    } catch (error) {
      this.end(error);
    }
  }

  /**
   * The answer side. Ends with the stream.
   *
   * @throws what the stream ended with
   */
  async *answers(): AsyncGenerator<raft.RaftAnswer, void, undefined> {
    yield this.#answer(true);
    while (!this.#isEnded) {
      const isNews = this.#options.hello().clusterId !== this.#announced;
      const isDue = isNews || this.#isAnswerDue || this.#isProbeDue || this.#calls.hasAnswers;
      if (isDue) yield this.#answer(isNews);
      else await this.#alarm.rung();
    }
    if (this.#error !== undefined) throw this.#error;
  }

  /** Whether the peer says nothing any more. */
  isSilent(nowMs: number): boolean {
    return nowMs - this.#heardAtMs > TIMING.silenceMs;
  }

  /** Tells the peer what has become known since. */
  tick(): void {
    if (this.#options.hello().clusterId !== this.#announced) this.#alarm.ring();
  }

  async probe(): Promise<boolean> {
    if (this.#isEnded) return false;
    const number = ++this.#lastProbe;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#probes.set(number, resolve);
    this.#isProbeDue = true;
    this.#alarm.ring();
    const timer = this.#options.clock.setTimer(TIMING.probeMs, () => resolve(false));
    const isAlive = await promise;
    this.#options.clock.clearTimer(timer);
    this.#probes.delete(number);
    return isAlive;
  }

  /** Ends the stream; the peer is told the error, if there is one. */
  end(error?: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    for (const settle of this.#probes.values()) settle(false);
    this.#calls.end();
    if (this.#acknowledgeTimer !== undefined) {
      this.#options.clock.clearTimer(this.#acknowledgeTimer);
    }
    this.#alarm.ring();
  }

  #take({ hello, sequence, messages, probeAnswered, calls }: raft.RaftBatch): void {
    this.#heardAtMs = this.#options.clock.monotonicMs();
    if (sequence !== this.#received + 1n) {
      throw new CodecError(`batch ${sequence} does not follow ${this.#received}`);
    }
    this.#received = sequence;
    if (hello !== undefined) this.#options.onHello(hello);
    else if (sequence === 1n) throw new CodecError("the first batch is without a hello");
    for (const [number, settle] of this.#probes) if (number <= probeAnswered) settle(true);
    if (messages.length > 0) {
      this.#options.onMessages(decodeMessages(messages, this.#options.ends));
    }
    for (const call of calls) this.#calls.take(call);
    this.#acknowledgeSoon();
  }

  #acknowledgeSoon(): void {
    this.#acknowledgeTimer ??= this.#options.clock.setTimer(TIMING.acknowledgeMs, () => {
      this.#acknowledgeTimer = undefined;
      this.#isAnswerDue = true;
      this.#alarm.ring();
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
