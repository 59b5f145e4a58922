import { type Index, proposed } from "./entry.ts";
import { assertInvariant, RaftError } from "./errors.ts";
import { isStorageThread, NO_NODE, type NodeId } from "./ids.ts";
import type { Configuration, Membership, MembershipChange } from "./membership/mod.ts";
import { isLocalType, isResponseType, type Message, message } from "./messages.ts";
import { type RaftOptions, settle } from "./options.ts";
import type { ProgressView } from "./progress/mod.ts";
import { RaftState, type SoftState } from "./raft_state.ts";
import type { Ready } from "./ready.ts";
import { ReadyCycle } from "./ready_cycle.ts";
import { applyMembershipChange, restoreMembership } from "./reconfiguring.ts";
import { becomeFollower } from "./roles.ts";
import { step } from "./step.ts";
import { type HardState, isEmptyHardState } from "./storage.ts";
import { tick } from "./tick.ts";

/** What a member knows of itself and, as leader, of the others. */
export interface RaftStatus extends SoftState, HardState {
  readonly id: NodeId;
  readonly applied: Index;
  readonly configuration: Configuration;
  readonly transferTarget: NodeId;
  /** By id, ascending; empty unless leader. */
  readonly progress: ReadonlyMap<NodeId, ProgressView>;
}

/**
 * One member of a Raft cluster as a pure machine: messages and ticks go in, Readys come out. It
 * has no clock, no randomness, no I/O; the same calls give the same results.
 *
 * The caller gives it messages (`step`), time (`tick`) and requests, and as often as `hasReady`
 * takes a `ready` and does what that says; see there.
 */
export class RaftNode {
  readonly #state: RaftState;
  readonly #cycle: ReadyCycle;

  /**
   * A member as its storage describes it: a follower that knows no leader.
   *
   * @throws {RaftInvariantError} for options or a storage that contradict themselves
   */
  constructor(options: RaftOptions) {
    const settings = settle(options);
    const state = new RaftState(settings);
    this.#state = state;
    const { hardState, membership } = settings.storage.initialState();
    restoreMembership(state, membership, 0);
    if (!isEmptyHardState(hardState)) load(state, hardState);
    if (settings.applied > 0) state.log.appliedTo(settings.applied, 0);
    becomeFollower(state, state.term, NO_NODE);
    this.#cycle = new ReadyCycle(state);
  }

  /** One unit of time passes: see `electionTicks` and `heartbeatTicks`. */
  tick(): void {
    tick(this.#state);
  }

  /**
   * A message from another member or from a storage thread.
   *
   * @throws {RaftError} for a proposal or read that is refused, and for a message that its sender
   * may not send; the caller can go on
   */
  step(received: Message): void {
    const { from, type } = received;
    if (!isStorageThread(from)) {
      if (isLocalType(type)) throw new RaftError("local-message");
      if (isResponseType(type) && this.#state.tracker.progress(from) === undefined) {
        throw new RaftError("peer-not-found");
      }
    }
    step(this.#state, received);
  }

  /** Campaigns now, as if no leader had been heard of. */
  campaign(): void {
    step(this.#state, this.#own("Hup"));
  }

  /**
   * Puts data at the end of the log, if a leader can be reached. Whether it is committed shows
   * when it comes back in a Ready.
   *
   * @throws {RaftError} `proposal-dropped`
   */
  propose(data: Uint8Array): void {
    step(
      this.#state,
      message({
        type: "Prop",
        from: this.#state.id,
        to: NO_NODE,
        entries: [proposed({ kind: "normal", data })],
      }),
    );
  }

  /**
   * Asks for a change of the membership. It takes effect on each member when that one calls
   * `applyMembershipChange` for the committed entry. One that comes at the wrong time, while
   * another is on its way, shows as an empty entry instead.
   *
   * @param form `single` for the older entry form: one change, transition auto
   * @throws {RaftError} `proposal-dropped`
   */
  proposeMembershipChange(change: MembershipChange, form: "single" | "list" = "list"): void {
    assertInvariant(
      form === "list" || (change.changes.length === 1 && change.transition === "auto"),
      "membership",
      () => "the single form holds one change and no transition",
    );
    step(
      this.#state,
      message({
        type: "Prop",
        to: NO_NODE,
        entries: [proposed({ kind: "membership", change, form })],
      }),
    );
  }

  /**
   * The committed membership entry that the caller is applying takes effect here.
   *
   * @param index of that entry
   * @returns the membership from now on, for the next snapshot
   * @throws {RaftInvariantError} for a change that does not fit
   */
  applyMembershipChange(change: MembershipChange, index: Index): Membership {
    return applyMembershipChange(this.#state, change, index);
  }

  /** Hands leadership to `target`, if this member leads or knows who does. Best effort. */
  transferLeadership(target: NodeId): void {
    step(this.#state, message({ type: "TransferLeader", from: target, to: NO_NODE }));
  }

  /** A follower stops holding its leader for alive, so that it may vote for another. */
  forgetLeader(): void {
    step(this.#state, this.#own("ForgetLeader"));
  }

  /** The last messages to `peer` did not go through: a stream to it begins anew. */
  reportUnreachable(peer: NodeId): void {
    step(this.#state, message({ type: "Unreachable", from: peer, to: NO_NODE }));
  }

  /**
   * The snapshot to `peer` did or did not get there. To be told for every Snap message: until then,
   * or until the peer's log is heard to meet the leader's, nothing else is sent to it.
   */
  reportSnapshot(peer: NodeId, isDelivered: boolean): void {
    const reject = !isDelivered;
    step(this.#state, message({ type: "SnapStatus", from: peer, to: NO_NODE, reject }));
  }

  /**
   * Asks from where on a read is linearizable: a read state with the same context follows, or
   * nothing if the question is lost on its way; then ask again with another context.
   *
   * @throws {RaftError} `reads-full`
   */
  readIndex(context: Uint8Array): void {
    const entries = [proposed({ kind: "normal", data: context })];
    step(this.#state, message({ type: "ReadIndex", to: NO_NODE, entries }));
  }

  get hasReady(): boolean {
    return this.#cycle.hasReady;
  }

  /**
   * Takes what is to be done, maybe nothing. With synchronous storage `advance` must follow.
   *
   * @throws {RaftInvariantError} when the `advance` of the last one is missing
   */
  ready(): Ready {
    return this.#cycle.take();
  }

  /** Synchronous storage only: what the last Ready asked for is done. */
  advance(): void {
    for (const own of this.#cycle.takeOnAdvance()) step(this.#state, own);
  }

  status(): RaftStatus {
    const state = this.#state;
    return {
      id: state.id,
      ...state.softState,
      ...state.hardState,
      applied: state.log.applied,
      configuration: state.tracker.configuration,
      transferTarget: state.transferTarget,
      progress: new Map(state.role === "leader" ? viewsOf(state) : []),
    };
  }

  /** For tests that need a certain moment: the timeout until it is drawn anew. */
  overrideElectionTimeout(ticks: number): void {
    assertInvariant(ticks > 0, "options", () => "an election timeout is more than 0");
    this.#state.electionTimeoutTicks = ticks;
  }

  #own(type: Message["type"]): Message {
    return message({ type, from: this.#state.id, to: NO_NODE });
  }
}

function viewsOf({ tracker }: RaftState): [NodeId, ProgressView][] {
  return [...tracker.members()].map(([id, progress]) => [id, progress.view()]);
}

function load(state: RaftState, { term, vote, commit }: HardState): void {
  assertInvariant(
    commit <= state.log.lastIndex,
    "commit-range",
    () => `stored commit ${commit} is past the end ${state.log.lastIndex}: part of the log is lost`,
  );
  // A commit from before the snapshot is old news: what a snapshot holds is committed.
  state.log.commitTo(commit);
  state.term = term;
  state.vote = vote;
}
