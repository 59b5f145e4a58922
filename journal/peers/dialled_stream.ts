/**
 * The stream on which this member sends its Raft messages to one peer. It owns nothing but its
 * place in the stream and what waits for a sign of life; it ends by `end`.
 */
import type { raft } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { CodecError } from "./codec.ts";
import type { Hello } from "./hello.ts";
import type { Message } from "../raft/mod.ts";
import type { LiveLink } from "./instances.ts";
import type { PeerCallKind } from "./network.ts";
import type { Outbox } from "./outbox.ts";
import type { OutgoingBatch } from "./outgoing_batch.ts";
import { OutgoingCalls } from "./outgoing_calls.ts";
import { TIMING } from "./bounds.ts";

interface Probe {
  /** The batch whose acknowledgement is the sign of life. */
  readonly sequence: number;
  readonly settle: (isAlive: boolean) => void;
}

/** What a stream needs from its connection. */
export interface DialledStreamOptions {
  readonly outbox: Outbox;
  /** Who this member says it is, now. */
  readonly hello: () => Hello;
  readonly clock: Clock;
  /** Ends the connection and, with it, the stream. */
  readonly onEnd: () => void;
}

/** One stream, from its opening to its end. */
export class DialledStream implements LiveLink {
  readonly #options: DialledStreamOptions;
  readonly #calls: OutgoingCalls;
  readonly #probes = new Set<Probe>();
  #peerInstance = "";
  #isOpen = false;
  #sent = 0;
  #acknowledged = 0;
  #sentAtMs: number;
  /** When the oldest batch that is not acknowledged was sent, or the one before it acknowledged. */
  #progressAtMs: number;
  #probeToAnswer = 0n;
  #announced: string | undefined;
  #isNoticeDue = false;
  #isEnded = false;
  #onDue = () => {};

  constructor(options: DialledStreamOptions) {
    this.#options = options;
    this.#calls = new OutgoingCalls(() => this.#onDue());
    this.#sentAtMs = this.#progressAtMs = options.clock.monotonicMs();
  }

  get isUp(): boolean {
    return this.#isOpen && !this.#isEnded;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whoever carries the stream hears when there may be a batch to take, and when it has ended. */
  carry(onDue: () => void): void {
    this.#onDue = onDue;
  }

  /** Of the peer; empty before it has said who it is. */
  get instanceId(): string {
    return this.#peerInstance;
  }

  /** The peer has said which process it is. */
  met(instanceId: string): void {
    this.#peerInstance = instanceId;
  }

  /** Messages go from here on: the peer is who it should be. */
  open(): void {
    this.#isOpen = true;
    this.#onDue();
  }

  /** There is something in the outbox. */
  wake(): void {
    this.#onDue();
  }

  /** A call that is answered on this stream. */
  async call(kind: PeerCallKind, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    return await this.#calls.call(kind, data, signal);
  }

  /** What goes next; undefined when nothing is due. The first one says who this member is. */
  take(): OutgoingBatch | undefined {
    if (this.#isEnded) return undefined;
    if (this.#sent === 0) return this.#batch([], []);
    if (!this.#isOpen) return undefined;
    const messages = this.#options.outbox.takeBatch();
    const calls = this.#calls.take();
    const isDue = messages.length + calls.length > 0 || this.#isNoticeDue ||
      this.#probeToAnswer > 0n;
    return isDue ? this.#batch(messages, calls) : undefined;
  }

  /** @throws CodecError for an acknowledgement of what was never sent. */
  onAnswer({ acknowledged, probe, callAnswers }: raft.RaftAnswer): void {
    if (acknowledged > BigInt(this.#sent)) throw new CodecError("an answer to what was never sent");
    if (acknowledged > this.#acknowledged) {
      this.#acknowledged = Number(acknowledged);
      this.#progressAtMs = this.#options.clock.monotonicMs();
      for (const { sequence, settle } of this.#probes) {
        if (sequence <= this.#acknowledged) settle(true);
      }
    }
    for (const answer of callAnswers) this.#calls.onAnswer(answer);
    if (probe !== 0n) {
      this.#probeToAnswer = probe;
      this.#onDue();
    }
  }

  /** Sends what shows life when nothing else did, and whatever has become known since. */
  tick(nowMs: number): void {
    const isNews = this.#options.hello().clusterId !== this.#announced;
    if (!isNews && nowMs - this.#sentAtMs < TIMING.keepAliveMs) return;
    this.#isNoticeDue = true;
    this.#onDue();
  }

  /** Whether the peer takes nothing any more. */
  isStuck(nowMs: number): boolean {
    return this.#sent > this.#acknowledged && nowMs - this.#progressAtMs > TIMING.silenceMs;
  }

  async probe(): Promise<boolean> {
    if (!this.isUp) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const probe = { sequence: this.#sent + 1, settle: resolve };
    this.#probes.add(probe);
    this.#isNoticeDue = true;
    this.#onDue();
    const timer = this.#options.clock.setTimer(TIMING.probeMs, () => resolve(false));
    const isAlive = await promise;
    this.#options.clock.clearTimer(timer);
    this.#probes.delete(probe);
    return isAlive;
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const { settle } of this.#probes) settle(false);
    this.#calls.end();
    this.#onDue();
    this.#options.onEnd();
  }

  #batch(messages: readonly Message[], calls: raft.PeerCall[]): OutgoingBatch {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#acknowledged === this.#sent) this.#progressAtMs = nowMs;
    this.#sentAtMs = nowMs;
    this.#isNoticeDue = false;
    const probeAnswered = this.#probeToAnswer;
    this.#probeToAnswer = 0n;
    const hello = this.#options.hello();
    const isFirst = ++this.#sent === 1;
    const isNews = isFirst || hello.clusterId !== this.#announced;
    this.#announced = hello.clusterId;
    return {
      sequence: this.#sent,
      hello: isNews ? hello : undefined,
      messages,
      calls,
      probeAnswered,
    };
  }
}
