import { stamped } from "../log/mod.ts";
import { LinearReads, type ReadEffect, type SubmissionEffect, Submissions } from "../member/mod.ts";
import { type Index, NO_NODE, type NodeId, type ReadState } from "../raft/mod.ts";
import { type AppliedRecord, encodeEnvelope } from "../replica/mod.ts";
import {
  type CommandInput,
  type CommandResult,
  CommandSchema,
  type Envelope,
  type Rejection,
} from "../state/mod.ts";
import type { MemberClock } from "./member_clock.ts";
import type { Question, StateMachine } from "./state_machine.ts";
import { type Reply, Waiters } from "./waiters.ts";

/** What a writer gets. */
export type SubmitReply =
  | { readonly kind: "result"; readonly result: CommandResult }
  | { readonly kind: "rejected"; readonly rejection: Rejection }
  | { readonly kind: "unavailable" };

/** What the clients of a member need of it. */
export interface DeskSite {
  readonly clock: MemberClock;
  readonly stateMachine: StateMachine;
  /** Names this run of the program in the ids of its proposals. */
  readonly origin: string;
  /** A number that no other run of the program has drawn, below 2^32. */
  readonly readOrigin: number;
  /** Whether a linearizable read asks the leader where it stands. */
  readonly asksBeforeReading: boolean;
  /** Puts payloads into the log, here or at the leader; false when nobody takes them now. */
  readonly propose: (payloads: readonly Uint8Array[]) => boolean;
  readonly askIndex: (context: Uint8Array) => void;
}

/** How long a read may wait (JRN-59). */
const READ_WAIT_MS = 5_000;

/** How long a question to the leader may stay without an answer. */
const READ_RETRY_MS = 500;

/** A linearizable read that does not know yet where it stands. */
interface Asker {
  readonly question: Question;
  readonly sinceMs: number;
  readonly reply: (reply: Reply) => void;
}

/** Where the clients of one member come with their writes and reads. */
export class ClientDesk {
  readonly #site: DeskSite;
  readonly #submissions: Submissions;
  readonly #reads: LinearReads;
  readonly #writers = new Map<string, (reply: SubmitReply) => void>();
  readonly #askers = new Map<number, Asker>();
  readonly #waiters = new Waiters();
  #outbox: Uint8Array[] = [];
  #lastProposal = 0;
  #hasLeader = false;

  constructor(site: DeskSite) {
    this.#site = site;
    this.#submissions = new Submissions(site.clock.monotonicMs());
    this.#reads = new LinearReads(site.readOrigin, READ_RETRY_MS);
  }

  /** Writes under way. */
  get writes(): number {
    return this.#submissions.size;
  }

  submit(
    command: CommandInput,
    { actor, requestId }: { readonly actor: Envelope["actor"]; readonly requestId?: string },
    reply: (reply: SubmitReply) => void,
  ): void {
    const id = `${this.#site.origin}-${++this.#lastProposal}`;
    const payload = encodeEnvelope({
      format: 1,
      proposal: id,
      actor,
      request_id: requestId ?? id,
      command: CommandSchema.parse(command),
    });
    this.#writers.set(id, reply);
    this.#perform(this.#submissions.submit(id, payload, this.#nowMs()));
    this.flush();
  }

  /** A read that sees everything acknowledged before it was asked (JRN-59). */
  readLinearizable(question: Question, reply: (reply: Reply) => void): void {
    const { asksBeforeReading, stateMachine } = this.#site;
    const id = this.#reads.add();
    this.#askers.set(id, { question, sinceMs: this.#nowMs(), reply });
    if (asksBeforeReading) this.#performReads(this.#reads.flush(this.#nowMs()));
    else this.#place([id], stateMachine.applied.index);
  }

  /** A read of what is here, once it contains the entry with this sequence (JRN-59). */
  readAtLeast(question: Question, sequence: number, reply: (reply: Reply) => void): void {
    this.#waiters.add({
      question,
      isDue: ({ state }) => state.nextSequence > sequence,
      deadlineMs: this.#nowMs() + READ_WAIT_MS,
      reply,
    });
    this.settle();
  }

  /** The core says where a question's reads stand. */
  answered(state: ReadState): void {
    this.#performReads(this.#reads.answered(state));
  }

  leaderIs(leader: NodeId, term: number, isSelf: boolean): void {
    this.#hasLeader = leader !== NO_NODE;
    const effects = this.#submissions.leaderIs(leader, term, isSelf, this.#nowMs());
    // What is proposed anew, or waits for a leader, need not go out from here as well.
    if (!this.#hasLeader || effects.length > 0) this.#outbox = [];
    this.#perform(effects);
  }

  /** Messages to the leader were lost. */
  lost(): void {
    this.#perform(this.#submissions.lost(this.#nowMs()));
    this.flush();
  }

  tick(): void {
    this.#perform(this.#submissions.tick(this.#nowMs()));
    for (const [id, { sinceMs, reply }] of [...this.#askers]) {
      if (this.#nowMs() - sinceMs < READ_WAIT_MS) continue;
      this.#askers.delete(id);
      this.#reads.forget(id);
      reply({ kind: "unavailable" });
    }
    this.#performReads(this.#reads.tick(this.#nowMs()));
    this.settle();
    this.flush();
  }

  /** Sends what waits to be proposed. */
  flush(): void {
    const payloads = this.#outbox;
    if (payloads.length === 0) return;
    this.#outbox = [];
    const nowMs = this.#site.clock.nowMs();
    const isTaken = this.#site.propose(payloads.map((payload) => stamped(payload, nowMs)));
    if (!isTaken && this.#hasLeader) this.#outbox = payloads;
  }

  /** A command was applied here; maybe somebody waits for it. */
  applied({ envelope, outcome }: AppliedRecord): void {
    const reply = this.#writers.get(envelope.proposal);
    if (reply === undefined) return;
    this.#writers.delete(envelope.proposal);
    this.#submissions.forget(envelope.proposal);
    if (outcome.kind === "rejected") reply({ kind: "rejected", rejection: outcome.rejection });
    else reply({ kind: "result", result: outcome.result });
  }

  /** Answers the readers for whom enough is applied by now. */
  settle(): void {
    this.#waiters.settle(this.#site.stateMachine, this.#nowMs());
  }

  /** The member can serve nobody any more. */
  failAll(): void {
    for (const reply of this.#writers.values()) reply({ kind: "unavailable" });
    for (const { reply } of this.#askers.values()) reply({ kind: "unavailable" });
    this.#writers.clear();
    this.#askers.clear();
  }

  #perform(effects: readonly SubmissionEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "propose") {
        this.#outbox.push(...effect.payloads);
        continue;
      }
      const reply = this.#writers.get(effect.id);
      this.#writers.delete(effect.id);
      reply?.({ kind: "unavailable" });
    }
  }

  #performReads(effects: readonly ReadEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "ask") this.#site.askIndex(effect.context);
      else this.#place(effect.ids, effect.index);
    }
  }

  #place(ids: readonly number[], index: Index): void {
    for (const id of ids) {
      const asker = this.#askers.get(id);
      if (asker === undefined) continue;
      this.#askers.delete(id);
      const { question, sinceMs, reply } = asker;
      this.#waiters.add({
        question,
        isDue: ({ applied }) => applied.index >= index,
        deadlineMs: sinceMs + READ_WAIT_MS,
        reply,
      });
    }
    this.settle();
  }

  #nowMs(): number {
    return this.#site.clock.monotonicMs();
  }
}
