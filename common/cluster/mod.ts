/** The quorum of journals, as the command lines show it. */
export { quorumJson, type QuorumMember, quorumOf, type QuorumSummary } from "./quorum.ts";
