import type { Clock, TimerHandle } from "../../../../common/clock/mod.ts";
import { PactError } from "../../../../common/errors/mod.ts";
import type { LogStatus } from "../../../../journal/log/mod.ts";
import {
  createQuorumAdmin,
  type QuorumAdmin,
  type QuorumControl,
} from "../../../../journal/membership/mod.ts";
import {
  applyChange,
  EMPTY_CONFIGURATION,
  type Membership,
  type MembershipChange,
  membershipOf,
  type NodeId,
  restoreConfiguration,
} from "../../../../journal/raft/mod.ts";

/** Time that passes as fast as it is waited for. */
class HastyClock implements Clock {
  #nowMs = 0;
  #ids = 0;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  nowMs = () => Date.UTC(2026, 0, 1) + this.#nowMs;
  monotonicMs = () => this.#nowMs;

  setTimer(delayMs: number, fire: () => void): TimerHandle {
    const id = ++this.#ids;
    const dueMs = this.#nowMs + delayMs;
    const timer = setTimeout(() => {
      this.#timers.delete(id);
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      fire();
    }, 0);
    this.#timers.set(id, timer);
    return { id };
  }

  clearTimer({ id }: TimerHandle): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }
}

type Handler = (from: NodeId, data: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;

/**
 * A quorum without logs: members that agree at once on what the leader proposes, as long as a
 * majority of them is up. Each test says who leads, who is up and how far everybody is.
 */
export class FakeQuorum implements Disposable {
  readonly clock = new HastyClock();
  readonly down = new Set<NodeId>();
  readonly match = new Map<NodeId, number>();
  readonly addresses = new Map<NodeId, { raft: string; api: string }>();
  readonly proposed: MembershipChange[] = [];
  leader: NodeId | undefined = 1;
  commit = 5_000;
  /** Whether a transfer succeeds. */
  canTransfer = true;
  membership: Membership;
  readonly #handlers = new Map<NodeId, Handler>();
  readonly #admins = new Map<NodeId, QuorumAdmin>();

  constructor(voters: readonly NodeId[] = [1, 2, 3]) {
    this.membership = { ...membershipOf(EMPTY_CONFIGURATION), voters };
    for (const id of voters) this.#place(id);
  }

  /** The admin at member `id`. */
  at(id: NodeId): QuorumAdmin {
    const known = this.#admins.get(id);
    if (known !== undefined) return known;
    const admin = createQuorumAdmin({
      control: this.#control(id),
      clock: this.clock,
      clusterId: () => "c-1",
      appliedIndex: () => 4_999n,
      encodeAddresses: (member, raft, api) =>
        new TextEncoder().encode(JSON.stringify({ member, raft, api })),
    });
    this.#admins.set(id, admin);
    return admin;
  }

  /** Voters that are up. */
  get upVoters(): NodeId[] {
    return this.membership.voters.filter((id) => !this.down.has(id));
  }

  get hasMajority(): boolean {
    return this.upVoters.length * 2 > this.membership.voters.length;
  }

  #place(id: NodeId): void {
    this.addresses.set(id, { raft: `m${id}:9444`, api: `m${id}:9443` });
    this.match.set(id, this.commit);
  }

  #control(id: NodeId): QuorumControl {
    // deno-lint-ignore no-this-alias
    const quorum = this;
    return {
      id,
      get membership() {
        return quorum.membership;
      },
      status: () => this.#status(id),
      matchIndexes: () => this.match,
      connected: () =>
        new Set([...this.addresses.keys()].filter((each) => each !== id && !this.down.has(each))),
      addresses: () => this.addresses,
      proposeMembershipChange: (change) => {
        this.proposed.push(change);
        if (this.hasMajority) setTimeout(() => this.#commit(change), 0);
        return true;
      },
      transferLeadership: (target) => {
        if (this.canTransfer) setTimeout(() => this.leader = target, 0);
      },
      callLeader: async (_kind, data, signal) => {
        const handler = this.leader === undefined ? undefined : this.#handlers.get(this.leader);
        if (handler === undefined || this.leader === id) {
          throw new PactError("NO_LEADER", "no leader");
        }
        return await handler(id, data, signal);
      },
      handleCalls: (_kind, handler) => void this.#handlers.set(id, handler),
    };
  }

  #commit(change: MembershipChange): void {
    const { configuration } = applyChange(
      restoreConfiguration(this.membership).configuration,
      change,
    );
    this.membership = membershipOf(configuration);
    for (const { kind, id } of change.changes) {
      if (kind === "add-learner") this.#place(id);
      if (kind === "remove") this.addresses.delete(id);
    }
  }

  #status(id: NodeId): LogStatus {
    return {
      engine: "raft",
      role: this.leader === id
        ? "leader"
        : this.membership.voters.includes(id)
        ? "follower"
        : "learner",
      term: 7n,
      leaderId: this.leader === undefined ? undefined : BigInt(this.leader),
      firstIndex: 1n,
      lastIndex: BigInt(this.commit),
      commitIndex: BigInt(this.commit),
      pending: 0,
      failure: undefined,
      trouble: undefined,
    };
  }

  [Symbol.dispose](): void {
    for (const admin of this.#admins.values()) admin.close();
  }
}
