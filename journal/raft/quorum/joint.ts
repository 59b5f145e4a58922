import type { NodeId } from "../ids.ts";
import {
  type AckedIndex,
  majorityCommitted,
  majorityVote,
  type VoteOf,
  type VoteResult,
} from "./majority.ts";

/**
 * Two sets of voters that must both agree while the cluster passes from one to the other; outside
 * of such a passage `outgoing` is empty.
 */
export interface JointVoters {
  readonly incoming: ReadonlySet<NodeId>;
  readonly outgoing: ReadonlySet<NodeId>;
}

/** The highest index that both halves hold. */
export function jointCommitted(voters: JointVoters, acked: AckedIndex): number {
  return Math.min(
    majorityCommitted(voters.incoming, acked),
    majorityCommitted(voters.outgoing, acked),
  );
}

/** Won when both halves are won, lost as soon as one is. */
export function jointVote(voters: JointVoters, voteOf: VoteOf): VoteResult {
  const incoming = majorityVote(voters.incoming, voteOf);
  const outgoing = majorityVote(voters.outgoing, voteOf);
  if (incoming === outgoing) return incoming;
  return incoming === "lost" || outgoing === "lost" ? "lost" : "pending";
}
