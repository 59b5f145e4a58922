import type { MemberAddress } from "../peers/mod.ts";
import {
  type Entry,
  type EntryId,
  LEAVE_JOINT,
  type MembershipChange,
  type NodeId,
} from "../raft/mod.ts";
import { type DurableLog, encodeWrite } from "../wal/mod.ts";
import { encodeMembershipContext, type MembershipContext } from "./membership_context.ts";

/** What a new group begins with. */
export interface Founding {
  /** The member that founds; it is among the members. */
  readonly founder: NodeId;
  readonly members: readonly MemberAddress[];
  readonly clusterId: string;
  readonly now: Date;
  /** What a restored state contains of the log of its former cluster; the new one begins behind it. */
  readonly base?: EntryId;
  /**
   * The data directories of a majority of the members, the founder's among them: whose directory is
   * not known counts for nothing. Empty for a group that does not look at them.
   */
  readonly directories?: ReadonlyMap<NodeId, string>;
}

/**
 * The first entries of a new group's log: the founder alone, then a joint step to all, then out of
 * it. They count as committed at the founder at once; the others get them by replication (JRN-55).
 * Whoever has only some of them needs the founder's vote for everything, so nobody can elect a
 * leader that lacks the rest.
 */
export function foundingEntries(
  { founder, members, clusterId, now, base = NO_BASE, directories = NOBODY }: Founding,
): Entry[] {
  const cluster = { cluster_id: clusterId, created_at: now.toISOString() };
  const self = members.filter(({ id }) => id === founder);
  const others = members.filter(({ id }) => id !== founder).toSorted((a, b) => a.id - b.id);
  const first: MembershipChange = {
    transition: "auto",
    changes: [{ kind: "add-voter", id: founder }],
    context: encodeMembershipContext({
      cluster,
      members: addressesOf(self),
      ...directoriesOf(self, directories),
    }),
  };
  const rest: MembershipChange = {
    transition: "explicit",
    changes: others.map(({ id }) => ({ kind: "add-voter", id })),
    context: encodeMembershipContext({
      members: addressesOf(others),
      ...directoriesOf(others, directories),
    }),
  };
  const changes = others.length === 0 ? [first] : [first, rest, LEAVE_JOINT];
  return changes.map((change, at) => ({
    kind: "membership",
    form: "list",
    term: base.term + 1,
    index: base.index + at + 1,
    change,
  }));
}

const NO_BASE: EntryId = { index: 0, term: 0 };
const NOBODY: ReadonlyMap<NodeId, string> = new Map();

/** Writes the {@link foundingEntries} into an empty log. */
export async function foundQuorum(wal: DurableLog, founding: Founding): Promise<void> {
  const entries = foundingEntries(founding);
  const { base } = founding;
  const { index, term } = base ?? NO_BASE;
  const hardState = { term: term + 1, vote: 0, commit: index + entries.length };
  const restart = base === undefined ? {} : { restart: base };
  await wal.write(encodeWrite({ hardState, entries, ...restart }), true);
}

function addressesOf(members: readonly MemberAddress[]) {
  return Object.fromEntries(
    members.map(({ id, raft, api }) => [String(id), { raft_address: raft, api_address: api }]),
  );
}

function directoriesOf(
  members: readonly MemberAddress[],
  known: ReadonlyMap<NodeId, string>,
): Partial<MembershipContext> {
  const directories = Object.fromEntries(
    members.flatMap(({ id }) => {
      const directory = known.get(id);
      return directory === undefined ? [] : [[String(id), directory]];
    }),
  );
  return Object.keys(directories).length === 0 ? {} : { directories };
}
