import type { Entry } from "../../common/model/mod.ts";

/** What a subscriber wants to hear of (SUB-2, API-50). */
export interface Interest {
  /** Its own node; absent for people who watch a vCluster. */
  readonly nodeId?: string;
  /** A node's agent listens, not a person who watches the node. */
  readonly isNode?: boolean;
  /** Its vCluster; absent means every vCluster, or an unassigned node's none. */
  readonly vclusterId?: string;
  /** Also entries of the vCluster's member nodes, or of all nodes where no vCluster is named. */
  readonly withMemberNodes: boolean;
  /** Everything of the site, for platform administrators. */
  readonly everything: boolean;
}

/** Which field of a ConfigUpdate an entry travels in (SUB-3). */
export type UpdateKind =
  | "vclusterChange"
  | "nodeChange"
  | "policyChange"
  | "blacklistChange"
  | "lockChange";

/** The field for `entry`, or undefined when this subscriber does not hear of it. */
export function updateKind(
  entry: Entry,
  interest: Interest,
  vclusterOfNode: (nodeId: string) => string | undefined,
): UpdateKind | undefined {
  const { scope } = entry;
  if (interest.isNode === true && isLockEntry(entry)) return "lockChange";
  if (scope === "Global") return "vclusterChange";
  if ("Node" in scope) {
    const isOwn = interest.nodeId === scope.Node;
    const isMember = interest.withMemberNodes &&
      (interest.everything || vclusterOfNode(scope.Node) === interest.vclusterId);
    return isOwn || isMember ? "nodeChange" : undefined;
  }
  if (!interest.everything && interest.vclusterId !== scope.VCluster) return undefined;
  if (entry.entry_type === "PolicyUpdate") return "policyChange";
  if (entry.entry_type === "BlacklistUpdate") return "blacklistChange";
  return "vclusterChange";
}

function isLockEntry({ entry_type }: Entry): boolean {
  return entry_type === "LockSet" || entry_type === "LockReleased";
}
