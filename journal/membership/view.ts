import type { NodeId } from "../raft/mod.ts";

/** A member as one of the members sees it. */
export interface MemberView {
  readonly id: NodeId;
  /** Where the other members reach it, as `host:port`; empty while nobody said. */
  readonly raft: string;
  /** Where clients reach it. */
  readonly api: string;
  readonly role: "leader" | "voter" | "learner";
  /** Up to where its log agrees with the leader's; only the leader knows it of others. */
  readonly matchIndex: bigint | undefined;
  readonly isReachable: boolean;
  /** When it was last heard of, in epoch milliseconds. */
  readonly lastContactMs: number | undefined;
  /** Whether this is the member that speaks. */
  readonly isSelf: boolean;
}

/** The quorum as one of its members sees it. */
export interface ClusterView {
  readonly clusterId: string | undefined;
  readonly leaderId: NodeId | undefined;
  readonly term: bigint;
  readonly commitIndex: bigint;
  readonly appliedIndex: bigint;
  /** By id, ascending. */
  readonly members: readonly MemberView[];
  /** A change of the membership has not wholly taken effect. */
  readonly isChanging: boolean;
}

/** What an admin wants of the membership. */
export type MemberChange =
  | {
    readonly operation: "add_learner";
    readonly id: NodeId;
    readonly raft: string;
    readonly api: string;
  }
  | { readonly operation: "promote"; readonly id: NodeId }
  | {
    readonly operation: "remove";
    readonly id: NodeId;
    /** Also when too few of the remaining members can be reached to go on. */
    readonly force: boolean;
  }
  | {
    readonly operation: "transfer";
    /** Who is to lead; undefined: whoever is furthest. */
    readonly id: NodeId | undefined;
  };
