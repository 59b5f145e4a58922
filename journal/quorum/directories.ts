/**
 * With which data directory each member takes part. A member that lost its data forgot what it had
 * acknowledged and whom it had voted for; it comes back with a directory that draws another id, and
 * must not count under its old one, or an entry that only it and one other held could be lost.
 *
 * What a peer is, from what the log says of its id and what it says itself:
 *
 * | the log says   | the peer says | verdict      | what follows                                   |
 * |----------------|---------------|--------------|------------------------------------------------|
 * | D              | D             | `counts`     | everything it sends is taken                   |
 * | D              | not D         | `other`      | it is not spoken with, and is told so          |
 * | nothing of it  | anything      | `unrecorded` | its answers count for nothing; the leader      |
 * |                |               |              | records what it says                           |
 * | nothing at all | anything      | `counts`     | as before there were ids; a leader records     |
 * |                |               |              | them once it has heard of a majority           |
 *
 * "The log" is what is in it, committed or not. That is what makes it safe: whoever is elected by
 * a majority has every committed entry, so also the one that recorded a member before any answer of
 * that member counted; and whoever lacks that entry does not count the member at all.
 *
 * Pure: no disk, no network, no clock. The process and the simulator drive the same code.
 *
 * @module
 */
import type { DirectoryVerdict, MemberAddress, PeerDirectories } from "../peers/mod.ts";
import type {
  Entry,
  EntryId,
  Index,
  Membership,
  MembershipChange,
  MessageType,
  NodeId,
} from "../raft/mod.ts";
import { readEntry } from "../wal/mod.ts";
import { decodeMembershipContext, encodeMembershipContext } from "./membership_context.ts";
import type { QuorumLogOptions } from "./quorum_options.ts";

/** Answers that a candidate or a leader counts majorities by. */
const COUNTED: ReadonlySet<MessageType> = new Set([
  "AppResp",
  "VoteResp",
  "PreVoteResp",
  "HeartbeatResp",
]);

/** By which others are elected. */
const ASKS_FOR_VOTES: ReadonlySet<MessageType> = new Set(["Vote", "PreVote"]);

/** What was not taken, as another change is under way, is tried again, but not with every tick. */
const RECORD_EVERY_MS = 500;

/** What the book of one member begins with. */
export interface DirectoriesOptions {
  readonly self: NodeId;
  /** This member's own data directory. */
  readonly own: string;
  /** As the state has it. */
  readonly stored: ReadonlyMap<NodeId, string>;
}

/** The book of one member. */
export class Directories implements PeerDirectories {
  readonly #self: NodeId;
  readonly #own: string;
  #stored: ReadonlyMap<NodeId, string>;
  /** In the log, but not in the state yet; oldest first. */
  #ahead: { readonly index: Index; readonly id: NodeId; readonly directory: string }[] = [];

  /** Index of a snapshot that is not the state yet: who knows what it says. 0 for none. */
  #awaited: Index = 0;
  #recordedMs = -Infinity;

  constructor({ self, own, stored }: DirectoriesOptions) {
    this.#self = self;
    this.#own = own;
    this.#stored = stored;
  }

  /**
   * Entries are put into the log, in the place of what stood there and behind; or a snapshot in the
   * place of all of it, which says what it says only once it is the state.
   */
  appended(entries: readonly Entry[], snapshot?: EntryId): void {
    if (snapshot !== undefined) this.#awaited = snapshot.index;
    const [first] = entries;
    if (first === undefined) return;
    if (this.#ahead.length > 0) {
      this.#ahead = this.#ahead.filter(({ index }) => index < first.index);
    }
    for (const entry of entries) {
      if (entry.kind !== "membership") continue;
      const { directories } = decodeMembershipContext(entry.change.context);
      for (const [id, directory] of Object.entries(directories)) {
        this.#ahead.push({ index: entry.index, id: Number(id), directory });
      }
    }
  }

  /** The state contains everything up to `index`. */
  applied(stored: ReadonlyMap<NodeId, string>, index: Index): void {
    this.#stored = stored;
    this.#ahead = this.#ahead.filter((each) => each.index > index);
    if (index >= this.#awaited) this.#awaited = 0;
  }

  /** What the log says of a member: the first that was said of it counts. */
  recorded(id: NodeId): string | undefined {
    return this.#stored.get(id) ?? this.#ahead.find((each) => each.id === id)?.directory;
  }

  /** What a peer is that says this of itself. */
  judge(id: NodeId, said: string | undefined): DirectoryVerdict {
    const recorded = this.recorded(id);
    if (recorded !== undefined) return recorded === said ? "counts" : "other";
    return this.#isKept ? "unrecorded" : "counts";
  }

  isTaken(verdict: DirectoryVerdict, type: MessageType): boolean {
    return verdict === "counts" || (verdict === "unrecorded" && !COUNTED.has(type));
  }

  /** Whether this member itself is known by another directory: it must not take part. */
  get isDisplaced(): boolean {
    return this.judge(this.#self, this.#own) === "other";
  }

  /** Whether this member may send a message of this type: nobody asks for votes before it is known. */
  maySend(type: MessageType): boolean {
    return !ASKS_FOR_VOTES.has(type) || this.judge(this.#self, this.#own) === "counts";
  }

  /**
   * What a leader puts into the log; undefined when there is nothing to say. `heard` are the members
   * whose connection is up, and the directories they say they have.
   */
  toRecord(
    { voters, votersOutgoing, learners }: Membership,
    heard: ReadonlyMap<NodeId, string | undefined>,
    nowMs: number,
  ): MembershipChange | undefined {
    if (votersOutgoing.length > 0 || nowMs - this.#recordedMs < RECORD_EVERY_MS) return undefined;
    const saidBy = (id: NodeId) => id === this.#self ? this.#own : heard.get(id);
    const found = [...voters, ...learners].flatMap((id) => {
      const directory = this.recorded(id) === undefined ? saidBy(id) : undefined;
      return directory === undefined ? [] : [{ id, directory }];
    });
    const [first] = found;
    if (first === undefined || (!this.#isKept && !this.#isEnough(voters, found, heard))) {
      return undefined;
    }
    this.#recordedMs = nowMs;
    const directories = Object.fromEntries(found.map(({ id, directory }) => [id, directory]));
    return {
      transition: "auto",
      changes: [{ kind: "update", id: first.id }],
      context: encodeMembershipContext({ directories }),
    };
  }

  /**
   * A group that kept no book so far begins when a majority is known, for nobody else counts from
   * then on, and when nobody is there of a version that could not read it.
   */
  #isEnough(
    voters: readonly NodeId[],
    found: readonly { readonly id: NodeId }[],
    heard: ReadonlyMap<NodeId, string | undefined>,
  ): boolean {
    const known = found.filter(({ id }) => voters.includes(id)).length;
    return known * 2 > voters.length && ![...heard.values()].includes(undefined);
  }

  get #isKept(): boolean {
    return this.#awaited > 0 || this.#stored.size + this.#ahead.length > 0;
  }
}

/** The book of a member as its state and the rest of its log have it. */
export function recoverDirectories(
  { id, directoryId, configured = [], applied, wal, logFiles }: QuorumLogOptions,
): Directories {
  const directories = new Directories({
    self: id,
    own: directoryId,
    stored: directoriesOf(configured),
  });
  for (const { index, place } of wal.recovered.entries) {
    if (index > applied.index) directories.appended([readEntry(logFiles, place)]);
  }
  return directories;
}

/** What addresses say of data directories. */
export function directoriesOf(addresses: readonly MemberAddress[]): ReadonlyMap<NodeId, string> {
  return new Map(
    addresses.flatMap(({ id, directoryId }) =>
      directoryId === undefined ? [] : [[id, directoryId]]
    ),
  );
}
