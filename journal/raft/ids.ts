/** Name of a member within one cluster: a whole number from 1. */
export type NodeId = number;

/** Where a leader or a vote is asked for and there is none. */
export const NO_NODE: NodeId = 0;

/**
 * A member's own storage threads. They take work and give acknowledgements by messages like
 * peers, but are no members: names instead of reserved numbers keep them out of every set of ids.
 */
export type StorageThread = "append-thread" | "apply-thread";

/** Either end of a message. */
export type Address = NodeId | StorageThread;

export function isStorageThread(address: Address): address is StorageThread {
  return typeof address === "string";
}

/** Ids in ascending order, without repetition: the order in which members are always visited. */
export function ascending(...groups: readonly Iterable<NodeId>[]): NodeId[] {
  const ids = new Set(groups.flatMap((group) => [...group]));
  return [...ids].sort((a, b) => a - b);
}
