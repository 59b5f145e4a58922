/** Whether there is a quorum behind the contact with a journal. */
export { createQuorumDesk, type QuorumDesk, type QuorumDeskOptions } from "./quorum_desk.ts";
