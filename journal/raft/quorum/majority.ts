import type { NodeId } from "../ids.ts";

/** How a vote stands. */
export type VoteResult = "pending" | "lost" | "won";

/** What a voter is known to hold; 0 when nothing is known. */
export type AckedIndex = (id: NodeId) => number;

/** A voter's vote; undefined while it has not come. */
export type VoteOf = (id: NodeId) => boolean | undefined;

/** How many of `size` voters are a majority. */
export function majorityOf(size: number): number {
  return Math.floor(size / 2) + 1;
}

/**
 * The highest index that a majority of `voters` holds. Without voters nobody can object:
 * infinity, so that an empty half leaves a joint quorum to the other half.
 */
export function majorityCommitted(voters: ReadonlySet<NodeId>, acked: AckedIndex): number {
  if (voters.size === 0) return Infinity;
  const indexes = [...voters].map(acked).sort((a, b) => b - a);
  return indexes[majorityOf(voters.size) - 1] ?? 0;
}

/** Whether a majority of `voters` has said yes, still can, or cannot any more. */
export function majorityVote(voters: ReadonlySet<NodeId>, voteOf: VoteOf): VoteResult {
  if (voters.size === 0) return "won";
  const votes = [...voters].map(voteOf);
  const yes = votes.filter((vote) => vote === true).length;
  const missing = votes.filter((vote) => vote === undefined).length;
  const needed = majorityOf(voters.size);
  if (yes >= needed) return "won";
  return yes + missing >= needed ? "pending" : "lost";
}
