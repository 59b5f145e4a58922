/**
 * The quorum itself as part of the replicated state: its membership, its identity, and where its
 * members are. These documents follow the membership entries of the Raft log, not commands; the
 * changes computed here are stored in the batch that advances past such an entry.
 *
 * @module
 */
import type { Membership } from "../raft/mod.ts";
import type { ClusterIdentity, MemberAddresses, QuorumMembership } from "./documents.ts";
import { type DocumentChanges, type DocumentsView, emptyTables } from "./view.ts";

const MEMBERSHIP_KEY = "membership";
const CLUSTER_KEY = "cluster";

/**
 * What changes when `membership` becomes the applied one. `addresses` tells of members that are new
 * or moved, by member id; those of everyone who is no member any more are dropped. `directories`
 * tells with which data directory members take part; of each the first one told counts, for as long
 * as it is a member.
 */
export function applyMembership(
  view: DocumentsView,
  membership: Membership,
  addresses: ReadonlyMap<number, MemberAddresses> = new Map(),
  directories: ReadonlyMap<number, string> = new Map(),
): DocumentChanges {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = membership;
  const changes = emptyTables();
  changes.quorum.set(MEMBERSHIP_KEY, {
    voters: [...voters],
    voters_outgoing: [...votersOutgoing],
    learners: [...learners],
    learners_next: [...learnersNext],
    auto_leave: autoLeave,
  });
  const belongs = new Set([...voters, ...votersOutgoing, ...learners, ...learnersNext].map(String));
  for (const [id] of view.list("members")) {
    if (!belongs.has(id)) changes.members.set(id, undefined);
  }
  for (const id of new Set([...addresses.keys(), ...directories.keys()])) {
    const key = String(id);
    const stored = view.get("members", key);
    const where = addresses.get(id) ?? stored;
    if (where === undefined || !belongs.has(key)) continue;
    const directory = stored?.directory_id ?? directories.get(id);
    changes.members.set(key, {
      ...where,
      ...directory !== undefined && { directory_id: directory },
    });
  }
  return changes;
}

/** What changes when a cluster gets its identity; nothing when it has one, which it keeps. */
export function foundCluster(view: DocumentsView, identity: ClusterIdentity): DocumentChanges {
  const changes = emptyTables();
  if (storedCluster(view) === undefined) changes.quorum.set(CLUSTER_KEY, identity);
  return changes;
}

/** The membership as of the last applied entry; undefined before the first. */
export function quorumMembership(
  view: Pick<DocumentsView, "get">,
): QuorumMembership | undefined {
  const document = view.get("quorum", MEMBERSHIP_KEY);
  return document !== undefined && "voters" in document ? document : undefined;
}

/** Which cluster this state belongs to; undefined before it was founded. */
export function storedCluster(
  view: Pick<DocumentsView, "get">,
): ClusterIdentity | undefined {
  const document = view.get("quorum", CLUSTER_KEY);
  return document !== undefined && "cluster_id" in document ? document : undefined;
}

/** Where each member is, by id. */
export function memberAddresses(view: DocumentsView): Map<number, MemberAddresses> {
  return new Map([...view.list("members")].map(([id, where]) => [Number(id), where]));
}
