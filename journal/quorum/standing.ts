import type { PactError } from "../../common/errors/mod.ts";
import type { LogRole, LogStatus } from "../log/mod.ts";
import type { Member } from "../member/mod.ts";
import { NO_NODE, type NodeId } from "../raft/mod.ts";
import { leaderUnknown, readOnly } from "./log_errors.ts";
import type { Roster } from "./roster.ts";

/** What a member's standing is read from. */
export interface StandingSite {
  readonly member: Pick<Member<unknown>, "leadership" | "extent" | "commitIndex">;
  readonly roster: Roster;
  readonly connected: () => ReadonlySet<NodeId>;
}

/** How this member stands in its quorum, and what it tells those who want what it cannot do. */
export class Standing {
  readonly #self: NodeId;
  readonly #site: StandingSite;
  #lastLeader: NodeId = NO_NODE;
  #failure: string | undefined;

  constructor(self: NodeId, site: StandingSite) {
    this.#self = self;
    this.#site = site;
  }

  /** Why nothing is written or sent any more. */
  get failure(): string | undefined {
    return this.#failure;
  }

  get isLeader(): boolean {
    return this.#failure === undefined && this.#site.member.leadership.role === "leader";
  }

  /** The first failure is the one that counts. */
  fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error.message : String(error);
  }

  /** @throws {PactError} once this member has failed. */
  refuseWhenFailed(): void {
    if (this.#failure !== undefined) throw readOnly(this.#failure);
  }

  /** Somebody leads. */
  sawLeader(leader: NodeId): void {
    if (leader !== NO_NODE) this.#lastLeader = leader;
  }

  role(): LogRole {
    const { role } = this.#site.member.leadership;
    if (this.#failure !== undefined) return "follower";
    if (role === "leader") return "leader";
    if (!this.#site.roster.isVoter) return "learner";
    return role === "follower" ? "follower" : "candidate";
  }

  status(pending: number): LogStatus {
    const { leadership: { leader, term }, extent, commitIndex } = this.#site.member;
    return {
      engine: "raft",
      role: this.role(),
      term: BigInt(term),
      leaderId: leader === NO_NODE || this.#failure !== undefined ? undefined : BigInt(leader),
      firstIndex: BigInt(extent.firstIndex),
      lastIndex: BigInt(extent.lastIndex),
      commitIndex: BigInt(commitIndex),
      pending,
      failure: this.#failure,
      trouble: undefined,
    };
  }

  /** For want of a leader, or of the majority that could elect one. */
  noLeader(): PactError {
    const { voters } = this.#site.roster.membership;
    const connected = this.#site.connected();
    const reachable = voters.filter((id) => id === this.#self || connected.has(id)).length;
    if (voters.length > 0 && reachable * 2 <= voters.length) return this.noQuorum();
    return leaderUnknown("NO_LEADER", "no leader", this.#lastLeader);
  }

  /** What was proposed is not committed in time. */
  noQuorum(): PactError {
    return leaderUnknown("NO_QUORUM", "no quorum", this.#lastLeader);
  }
}
