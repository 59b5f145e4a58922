/**
 * What a majority, or two majorities at once, agree on.
 *
 * @module
 */
export { jointCommitted, jointVote, type JointVoters } from "./joint.ts";
export {
  type AckedIndex,
  majorityCommitted,
  majorityOf,
  majorityVote,
  type VoteOf,
  type VoteResult,
} from "./majority.ts";
