import type { MemberAddress } from "../peers/mod.ts";
import type { Entry } from "../raft/mod.ts";
import { encodeWrite, type WalThread } from "../wal/mod.ts";
import { encodeMembershipContext } from "./membership_context.ts";

/**
 * Writes the first entries of a new group's log: its members, and which cluster it is (JRN-55).
 * They count as committed; the others get them by replication.
 */
export async function foundQuorum(
  wal: WalThread,
  members: readonly MemberAddress[],
  now: Date,
  clusterId: string = crypto.randomUUID(),
): Promise<void> {
  const sorted = members.toSorted((a, b) => a.id - b.id);
  const entries = sorted.map((member, at): Entry => ({
    kind: "membership",
    form: "list",
    term: 1,
    index: at + 1,
    change: {
      transition: "auto",
      changes: [{ kind: "add-voter", id: member.id }],
      context: encodeMembershipContext({
        ...at === 0 && { cluster: { cluster_id: clusterId, created_at: now.toISOString() } },
        members: {
          [String(member.id)]: { raft_address: member.raft, api_address: member.api },
        },
      }),
    },
  }));
  const hardState = { term: 1, vote: 0, commit: entries.length };
  await wal.write(encodeWrite({ hardState, entries }), true);
}
