import {
  type Entry,
  type EntryId,
  type HardState,
  type Index,
  type Membership,
  type MembershipChange,
  type Message,
  message,
  NO_NODE,
  type NodeId,
  RaftError,
  type RaftEvent,
  RaftNode,
  type RaftStatus,
  type ReadState,
  type Role,
  type Snapshot,
  type Term,
} from "../raft/mod.ts";
import { LogWindow, type LogWindowOptions } from "./log_window.ts";

/** Work for the disk. Pieces are done in order; each is reported by `Member.written`. */
export interface DiskWork {
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  /** A received snapshot that replaces the log: its file is durable before this is written. */
  readonly snapshot: Snapshot | undefined;
  /** False: there is nothing to write, only an order to keep. */
  readonly needsDisk: boolean;
  readonly responses: readonly Message[];
}

/** Committed entries for the state machine, in order; reported by `Member.applied`. */
export interface ApplyWork {
  readonly entries: readonly Entry[];
  readonly responses: readonly Message[];
}

/** What a member wants done. All of it may be under way at once. */
export interface MemberWork {
  /** May leave at once; what promises something about this member's disk comes with `write`. */
  readonly send: readonly Message[];
  readonly write: DiskWork | undefined;
  readonly apply: ApplyWork | undefined;
  readonly readStates: readonly ReadState[];
  /** Present when role, leader or term are not what they were. */
  readonly leadership: Leadership | undefined;
}

/** Who leads, as one member sees it. */
export interface Leadership {
  readonly role: Role;
  readonly leader: NodeId;
  readonly term: Term;
}

/** What a member is made of. */
export interface MemberOptions<Place> {
  readonly id: NodeId;
  readonly log: LogWindowOptions<Place>;
  /** Index of the last entry in the state machine. */
  readonly appliedIndex: Index;
  /** A whole number from 0 up to but without `bound`. */
  readonly random: (bound: number) => number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly onEvent?: (event: RaftEvent) => void;
}

/** Bytes and entries of one append message (JRN-51). */
const APPEND_MAX_BYTES = 4 * 1024 * 1024;
const APPEND_MAX_ENTRIES = 300;

/** Bytes of committed entries handed out for application and not reported yet. */
const APPLYING_MAX_BYTES = 16 * 1024 * 1024;

/** Append messages under way to one peer. */
const INFLIGHT_MAX_MESSAGES = 256;

/**
 * One member of the quorum without its shell: the Raft core joined with the log it reads. Events
 * go in by the methods, work comes out of `take`; there is no clock, disk or network in it, so the
 * process and the simulator drive the same code.
 */
export class Member<Place> {
  readonly id: NodeId;
  readonly #node: RaftNode;
  readonly #window: LogWindow<Place>;
  #hardState: HardState;
  #leadership: Leadership;

  /** @throws {RaftInvariantError} when log and state contradict each other */
  constructor(options: MemberOptions<Place>) {
    const { id, appliedIndex, random, electionTicks, heartbeatTicks, onEvent } = options;
    const recovered = options.log.recovered;
    // What is applied was committed, whatever the disk remembers of the commit index.
    const commit = Math.max(recovered.hardState.commit, appliedIndex, recovered.start.index);
    const hardState = { ...recovered.hardState, commit: commit === 0 ? 0 : commit };
    this.id = id;
    this.#hardState = hardState;
    this.#window = new LogWindow({ ...options.log, recovered: { ...recovered, hardState } });
    this.#node = new RaftNode({
      id,
      storage: this.#window,
      random,
      applied: appliedIndex,
      electionTicks,
      heartbeatTicks,
      maxAppendBytes: APPEND_MAX_BYTES,
      maxAppendEntries: APPEND_MAX_ENTRIES,
      maxApplyingBytes: APPLYING_MAX_BYTES,
      maxInflightMessages: INFLIGHT_MAX_MESSAGES,
      asyncStorageWrites: true,
      quietCommits: true,
      ...onEvent && { onEvent },
    });
    this.#leadership = { role: "follower", leader: NO_NODE, term: hardState.term };
  }

  /** Who leads, as of the last `take`. */
  get leadership(): Leadership {
    return this.#leadership;
  }

  /** Durable entries: the first kept, and the last. */
  get extent(): { readonly firstIndex: Index; readonly lastIndex: Index } {
    return { firstIndex: this.#window.firstIndex(), lastIndex: this.#window.lastIndex() };
  }

  /** Index up to which everything is committed, as of the last `take`. */
  get commitIndex(): Index {
    return this.#hardState.commit;
  }

  /** Everything there is to know, gathered anew: not for every call. */
  status(): RaftStatus {
    return this.#node.status();
  }

  tick(): void {
    this.#node.tick();
  }

  /** A message from a peer; what the core refuses is dropped, as a network may drop anything. */
  receive(received: Message): void {
    tolerant(() => this.#node.step(received));
  }

  /** Campaigns without waiting for a timeout: for the only voter of a group. */
  campaign(): void {
    this.#node.campaign();
  }

  /**
   * Puts `payloads` at the end of the log, here or at the leader.
   *
   * @returns false when nobody takes them now
   */
  propose(payloads: readonly Uint8Array[]): boolean {
    const entries = payloads.map((data) => ({ kind: "normal" as const, data, term: 0, index: 0 }));
    return tolerant(() =>
      this.#node.step(message({ type: "Prop", from: this.id, to: NO_NODE, entries }))
    );
  }

  /** As `propose`, for a change of the membership. */
  proposeMembershipChange(change: MembershipChange): boolean {
    return tolerant(() => this.#node.proposeMembershipChange(change));
  }

  /** The committed membership entry at `index` takes effect. @returns the membership from now on */
  applyMembershipChange(change: MembershipChange, index: Index): Membership {
    return this.#node.applyMembershipChange(change, index);
  }

  /** Asks from where on a read is linearizable; a read state with `context` may follow. */
  readIndex(context: Uint8Array): boolean {
    return tolerant(() => this.#node.readIndex(context));
  }

  transferLeadership(target: NodeId): void {
    this.#node.transferLeadership(target);
  }

  reportUnreachable(peer: NodeId): void {
    tolerant(() => this.#node.reportUnreachable(peer));
  }

  reportSnapshot(peer: NodeId, isDelivered: boolean): void {
    tolerant(() => this.#node.reportSnapshot(peer, isDelivered));
  }

  /** Takes what is to be done; undefined when there is nothing. */
  take(): MemberWork | undefined {
    if (!this.#node.hasReady) return undefined;
    const ready = this.#node.ready();
    this.#hardState = ready.hardState ?? this.#hardState;
    const send: Message[] = [];
    const requestsForVotes: Message[] = [];
    let write: DiskWork | undefined;
    let apply: ApplyWork | undefined;
    for (const out of ready.messages) {
      if (out.to === "append-thread") write = this.#diskWork(out, ready.mustSync);
      else if (out.to === "apply-thread") {
        apply = { entries: out.entries, responses: out.responses };
      } else if (out.type === "Vote") requestsForVotes.push(out);
      else send.push(out);
    }
    return {
      send,
      write: this.#withMembershipNoted(
        this.#withRequestsForVotes(write, requestsForVotes),
        apply,
      ),
      apply,
      readStates: ready.readStates,
      leadership: this.#newLeadership(ready),
    };
  }

  /**
   * A candidate asks for votes once its term and its own vote are durable. Others may elect it
   * without its own vote; did it then forget its term in a crash, it could be elected in the same
   * term again and put other entries where those of its first reign stand already.
   */
  #withRequestsForVotes(
    write: DiskWork | undefined,
    requests: readonly Message[],
  ): DiskWork | undefined {
    if (requests.length === 0) return write;
    const nothing = { entries: [], snapshot: undefined, needsDisk: false, responses: [] };
    const work = write ?? { ...nothing, hardState: this.#hardState };
    return { ...work, responses: [...work.responses, ...requests] };
  }

  /**
   * `work` is durable, its entries at `places`.
   *
   * @returns messages that may leave now
   */
  written(work: DiskWork, places: readonly Place[]): readonly Message[] {
    if (work.snapshot !== undefined) this.#window.restart(work.snapshot);
    this.#window.written(work.entries, places);
    return this.#respond(work.responses);
  }

  /** The state machine contains the entries of `work`. @returns messages that may leave now */
  applied(work: ApplyWork): readonly Message[] {
    return this.#respond(work.responses);
  }

  /** Forgets durable entries up to `index`; undefined when there is nothing to forget. */
  compactTo(index: Index): EntryId | undefined {
    return this.#window.compactTo(index);
  }

  /**
   * That a change of the membership is committed becomes durable: members that forgot it with the
   * power might need voters who have left to commit it again.
   */
  #withMembershipNoted(
    write: DiskWork | undefined,
    apply: ApplyWork | undefined,
  ): DiskWork | undefined {
    if (apply === undefined || apply.entries.every(({ kind }) => kind === "normal")) return write;
    const hardState = this.#hardState;
    return {
      entries: [],
      snapshot: undefined,
      responses: [],
      ...write,
      hardState,
      needsDisk: true,
    };
  }

  #diskWork({ entries, snapshot, responses }: Message, mustSync: boolean): DiskWork {
    // A commit index alone need not be written: what is applied tells it well enough.
    const needsDisk = mustSync || entries.length > 0 || snapshot !== undefined;
    return { hardState: this.#hardState, entries, snapshot, needsDisk, responses };
  }

  #newLeadership(ready: { softState?: { leader: NodeId; role: Role } }): Leadership | undefined {
    const { term } = this.#hardState;
    const { softState } = ready;
    if (softState === undefined && term === this.#leadership.term) return undefined;
    this.#leadership = { ...this.#leadership, ...softState, term };
    return this.#leadership;
  }

  #respond(responses: readonly Message[]): readonly Message[] {
    for (const response of responses) {
      // A member that has removed itself refuses its own acknowledgement.
      if (response.to === this.id) tolerant(() => this.#node.step(response));
    }
    return responses.filter(({ to }) => to !== this.id);
  }
}

/** @returns whether the core took it; a broken promise of the core is thrown on */
function tolerant(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (error instanceof RaftError) return false;
    throw error;
  }
}
