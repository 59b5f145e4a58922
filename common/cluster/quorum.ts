import { type journal, timestampMs } from "../../api/mod.ts";
import type { JsonValue } from "../json/mod.ts";

/** A member of the quorum as admins see it. */
export interface QuorumMember {
  readonly id: number;
  /** Where clients reach it, as `host:port`. */
  readonly api: string;
  /** Where the other members reach it. */
  readonly raft: string;
  /** `leader`, `voter` or `learner`. */
  readonly role: string;
  /** Up to where its log agrees with the leader's; undefined where nobody said. */
  readonly matchIndex: bigint | undefined;
  /** Entries it is behind the leader. */
  readonly lag: bigint | undefined;
  readonly isReachable: boolean;
  readonly lastContactMs: number | undefined;
}

/** The quorum as admins see it. */
export interface QuorumSummary {
  readonly clusterId: string;
  readonly leaderId: number | undefined;
  readonly term: bigint;
  readonly commitIndex: bigint;
  /** Last entry of the log that the member which answered has applied. */
  readonly lastApplied: bigint;
  readonly nextSequence: bigint;
  readonly version: string;
  /** What keeps the log, `raft` or `etcd`; undefined of a journal that does not say. */
  readonly logEngine: string | undefined;
  /** What stands in the way of writes at the member that answered. */
  readonly logTrouble: string | undefined;
  readonly members: readonly QuorumMember[];
}

/** What a journal said of its quorum. A match index of 0 means that it does not know it. */
export function quorumOf(answer: journal.ClusterStatusResponse): QuorumSummary {
  const { clusterId, leaderId, term, commitIndex, lastApplied, nextSequence, version } = answer;
  return {
    clusterId,
    leaderId: leaderId === 0n ? undefined : Number(leaderId),
    term,
    commitIndex,
    lastApplied,
    nextSequence,
    version,
    logEngine: answer.logEngine || undefined,
    logTrouble: answer.logTrouble || undefined,
    members: answer.members.map((member) => {
      const matchIndex = member.matchIndex === 0n ? undefined : member.matchIndex;
      const behind = commitIndex - (matchIndex ?? 0n);
      return {
        id: Number(member.id),
        api: member.grpcAddress,
        raft: member.raftAddress,
        role: member.role,
        matchIndex,
        lag: matchIndex === undefined ? undefined : behind > 0n ? behind : 0n,
        isReachable: member.healthy,
        lastContactMs: member.lastContact && timestampMs(member.lastContact),
      };
    }),
  };
}

/** The summary as a document for programs. */
export function quorumJson(quorum: QuorumSummary): { [key: string]: JsonValue } {
  return {
    cluster_id: quorum.clusterId || null,
    leader_id: quorum.leaderId ?? null,
    term: Number(quorum.term),
    commit_index: Number(quorum.commitIndex),
    last_applied: Number(quorum.lastApplied),
    next_sequence: Number(quorum.nextSequence),
    version: quorum.version,
    ...quorum.logEngine !== undefined && { log_engine: quorum.logEngine },
    ...quorum.logTrouble !== undefined && { log_trouble: quorum.logTrouble },
    members: quorum.members.map((member) => ({
      id: member.id,
      grpc_address: member.api,
      raft_address: member.raft,
      role: member.role,
      match_index: member.matchIndex === undefined ? null : Number(member.matchIndex),
      lag: member.lag === undefined ? null : Number(member.lag),
      healthy: member.isReachable,
      last_contact: member.lastContactMs === undefined
        ? null
        : new Date(member.lastContactMs).toISOString(),
    })),
  };
}
