/**
 * Mistakes that a quorum must not make, to see whether the simulator notices them. None of them is
 * in the program: each is put between two of its parts, at a seam of the simulated member.
 *
 * @module
 */
import type { Disk } from "../disk/mod.ts";
import type { DiskWork } from "../member/mod.ts";
import {
  type Entry,
  type HardState,
  jointCommitted,
  type Message,
  type NodeId,
  type Term,
} from "../raft/mod.ts";
import { type CollectionName, emptyTables } from "../state/mod.ts";
import type { MemoryState } from "./memory_state.ts";
import type { Seams } from "./seams.ts";

/** A mistake by its name. */
export interface Mutation {
  readonly about: string;
  /** Made anew for each run: some mistakes remember. */
  readonly seams: () => Partial<Seams>;
}

export const MUTATIONS: ReadonlyMap<string, Mutation> = new Map(Object.entries<Mutation>({
  "vote-not-persisted": {
    about: "whom a member voted for is forgotten in a crash",
    seams: () => ({ write: (work) => withHardState(work, { vote: 0 }) }),
  },
  "term-not-persisted": {
    about: "the term is forgotten in a crash, but for the newest entry's",
    seams: () => ({ write: forgettingTerms() }),
  },
  "answer-before-write": {
    about: "votes and acknowledgements leave before the log has written what they promise",
    seams: () => ({ writesBeforeAnswering: false }),
  },
  "sync-skipped": {
    about: "the log takes for durable what the disk only has in its cache",
    seams: () => ({ disk: withoutSync }),
  },
  "old-term-counted": {
    about: "an entry of an older term is committed because a majority has it",
    seams: () => ({ send: countingOldTerms() }),
  },
  "commit-before-majority": {
    about: "members are told that what they are sent is committed",
    seams: () => ({
      send: (message) =>
        message.type === "App" ? withCommit(message, lastIndexOf(message)) : message,
    }),
  },
  "stale-read": {
    about: "a linearizable read is answered without asking the leader",
    seams: () => ({ asksBeforeReading: false }),
  },
  "tail-cut-at-start": {
    about: "a member that starts keeps of its log what it knows to be committed",
    seams: () => ({
      recovered: (log) => ({
        ...log,
        entries: log.entries.filter(({ index }) => index <= log.hardState.commit),
      }),
    }),
  },
  "snapshot-without-membership": {
    about: "a restored snapshot does not bring its membership",
    seams: () => ({ restore: (state) => without(state, ["quorum"]) }),
  },
  "snapshot-without-requests": {
    about: "a restored snapshot does not bring the requests that were executed",
    seams: () => ({ restore: (state) => without(state, ["request_ids", "request_order"]) }),
  },
  "applied-out-of-order": {
    about: "of two committed commands the second is applied first",
    seams: () => ({ apply: swapped }),
  },
  "applied-index-ahead": {
    about: "the state database says that it contains one more entry than it does",
    seams: () => ({ open: oneAhead }),
  },
  "vote-for-shorter-log": {
    about: "members vote for candidates whose log lacks what theirs has",
    seams: () => ({ receive: asIfComplete }),
  },
  "wiped-member-trusted": {
    about: "a member that lost its data counts under its old id",
    seams: () => ({ tellsDirectoriesApart: false }),
  },
  "new-request-each-attempt": {
    about: "a client that tries again does so under another request id",
    seams: () => ({ requestId: (id, attempt) => attempt === 1 ? id : `${id}/${attempt}` }),
  },
}));

function withHardState(work: DiskWork, changes: Partial<HardState>): DiskWork {
  return { ...work, hardState: { ...work.hardState, ...changes } };
}

function forgettingTerms(): Seams["write"] {
  const newest = new Map<NodeId, Term>();
  return (work, id) => {
    const term = Math.max(newest.get(id) ?? 1, work.entries.at(-1)?.term ?? 0);
    newest.set(id, term);
    return term < work.hardState.term ? withHardState(work, { term, vote: 0 }) : work;
  };
}

function withoutSync(disk: Disk): Disk {
  return {
    list: () => disk.list(),
    pathOf: (name) => disk.pathOf(name),
    sizeBytes: (name) => disk.sizeBytes(name),
    read: (name, offset, length) => disk.read(name, offset, length),
    create: (name) => disk.create(name),
    write: (name, offset, parts) => disk.write(name, offset, parts),
    sync: () => {},
    truncate: (name, lengthBytes) => disk.truncate(name, lengthBytes),
    rename: (from, to) => disk.rename(from, to),
    remove: (name) => disk.remove(name),
    syncDirectory: () => disk.syncDirectory(),
    close: () => disk.close(),
  };
}

/**
 * What a majority has counts as committed. A leader that thinks so sends what it took over before
 * what it appended itself, and tells of the commit as soon as it can.
 */
function countingOldTerms(): Seams["send"] {
  return (message, status) => {
    const { type, to, index, entries, commit } = message;
    if (typeof to !== "number" || (type !== "App" && type !== "Heartbeat")) return message;
    const { role, term, configuration, progress } = status();
    if (role !== "leader" || term !== message.term) return message;
    const matchOf = (member: NodeId) => progress.get(member)?.match ?? 0;
    const counted = Math.min(jointCommitted(configuration.voters, matchOf), matchOf(to));
    const takenOver = entries.filter((entry) => entry.term < term);
    const isTold = counted > commit && counted <= (type === "App" ? index : counted);
    return {
      ...isTold ? withCommit(message, counted) : message,
      ...takenOver.length > 0 && { entries: takenOver },
    };
  };
}

function lastIndexOf({ index, entries }: Message): number {
  return index + entries.length;
}

function withCommit(message: Message, commit: number): Message {
  return { ...message, commit: Math.max(message.commit, commit) };
}

function without(state: MemoryState, collections: readonly CollectionName[]): MemoryState {
  const changes = emptyTables();
  for (const collection of collections) {
    for (const [key] of state.list(collection)) changes[collection].set(key, undefined);
  }
  state.write([], changes, []);
  return state;
}

function swapped(entries: readonly Entry[]): readonly Entry[] {
  const at = entries.findIndex((entry, place) => isCommand(entry) && isCommand(entries[place + 1]));
  const [first, second] = [entries[at], entries[at + 1]];
  if (first?.kind !== "normal" || second?.kind !== "normal") return entries;
  return entries.with(at, { ...first, data: second.data }).with(at + 1, {
    ...second,
    data: first.data,
  });
}

function isCommand(entry: Entry | undefined): boolean {
  return entry?.kind === "normal" && entry.data.length > 0;
}

function oneAhead(state: MemoryState): MemoryState {
  const { index, term } = state.applied;
  if (index > 0n) state.advance({ index: index + 1n, term });
  return state;
}

function asIfComplete(message: Message): Message {
  const isVote = message.type === "Vote" || message.type === "PreVote";
  return isVote ? { ...message, logTerm: message.term, index: Number.MAX_SAFE_INTEGER } : message;
}
