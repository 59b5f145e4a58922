/**
 * One member of a Raft cluster: its states and events, and the data that all roles share.
 *
 * | role          | event                                   | becomes                            |
 * |---------------|-----------------------------------------|------------------------------------|
 * | follower      | election timeout, with pre-vote         | pre-candidate                      |
 * | follower      | election timeout without, TimeoutNow    | candidate                          |
 * | pre-candidate | a quorum would vote for it              | candidate                          |
 * | pre-candidate | a quorum would not; a leader is heard   | follower                           |
 * | candidate     | a quorum votes for it                   | leader                             |
 * | candidate     | a quorum does not; a leader is heard    | follower                           |
 * | candidate     | election timeout                        | candidate or pre-candidate, anew   |
 * | leader        | no quorum is active; removed            | follower (check-quorum; step-down) |
 * | any           | a message of a higher term              | follower; not for votes in a lease |
 *
 * Events are the messages of messages.ts, ticks, and the switch to a new configuration. Effects
 * collect in the outboxes, the log and the read states, from where a Ready takes them.
 *
 * @module
 */
import type { Index, Term } from "./entry.ts";
import type { RaftEvent } from "./events.ts";
import { isStorageThread, NO_NODE, type NodeId } from "./ids.ts";
import { RaftLog } from "./log/mod.ts";
import { assertInvariant } from "./errors.ts";
import type { Message } from "./messages.ts";
import type { RaftSettings } from "./options.ts";
import { Tracker } from "./progress/mod.ts";
import { PendingReads, type ReadState } from "./reads.ts";
import type { HardState } from "./storage.ts";

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

/** What need not be durable: changes of it are worth knowing. */
export interface SoftState {
  readonly leader: NodeId;
  readonly role: Role;
}

/** All data of a member; what may be done to it is in the files by role. */
export class RaftState {
  readonly settings: RaftSettings;
  readonly id: NodeId;
  readonly log: RaftLog;
  readonly tracker: Tracker;

  role: Role = "follower";
  leader: NodeId = NO_NODE;
  term: Term = 0;
  vote: NodeId = NO_NODE;

  electionElapsedTicks = 0;
  heartbeatElapsedTicks = 0;
  electionTimeoutTicks = 0;

  /** To whom leadership is being handed; NO_NODE for nobody. */
  transferTarget: NodeId = NO_NODE;
  /** The configuration is that of the state after this entry; 0 for the one at the start. */
  configurationIndex: Index = 0;
  /** No further membership change is proposed before this entry is applied. */
  pendingChangeIndex: Index = 0;
  /** Payload of entries this leader has appended and not yet seen applied. */
  uncommittedBytes = 0;

  reads = new PendingReads();
  /** Reads that wait for this leader's first commit of its own term. */
  postponedReads: Message[] = [];
  /** Reads that this member's own caller may serve. */
  readStates: ReadState[] = [];

  /** May leave at once. */
  immediate: Message[] = [];
  /** May leave, or reach the member itself, when everything unstable at their time is durable. */
  afterAppend: Message[] = [];

  constructor(settings: RaftSettings) {
    this.settings = settings;
    this.id = settings.id;
    this.log = new RaftLog(settings.storage, settings.maxApplyingBytes);
    this.tracker = new Tracker({
      maxCount: settings.maxInflightMessages,
      maxBytes: settings.maxInflightBytes,
    });
  }

  get softState(): SoftState {
    return { leader: this.leader, role: this.role };
  }

  get hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  /** May become leader: a voter that knows its own log and membership. */
  get isPromotable(): boolean {
    const own = this.tracker.progress(this.id);
    return own !== undefined && !own.isLearner && this.log.unstable.snapshot === undefined;
  }

  tell(event: RaftEvent): void {
    this.settings.onEvent(event);
  }
}

/** The sender of a message that only members send. */
export function memberFrom({ from, type }: Message): NodeId {
  assertInvariant(!isStorageThread(from), "role", () => `${type} from a storage thread`);
  return from;
}
