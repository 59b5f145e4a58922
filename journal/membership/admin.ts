/**
 * The admin's side of the quorum: who is in it, and changes of that. A change is judged and proposed
 * where the leader is; any member passes it on to there. It owns a timer that notes who is heard of,
 * and ends with `close`; changes under way then end with SHUTTING_DOWN.
 *
 * @module
 */
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { LogStatus } from "../log/mod.ts";
import type { Index, Membership, MembershipChange, NodeId } from "../raft/mod.ts";
import { decodeAnswer, decodeQuestion, encodeAnswer, encodeQuestion } from "./peer_calls.ts";
import { changeUnderWay, judge, type Verdict } from "./rules.ts";
import type { ClusterView, MemberChange, MemberView } from "./view.ts";

/** What is asked of this member's log; the quorum's log has all of it. */
export interface QuorumControl {
  readonly id: NodeId;
  /** The applied membership. */
  readonly membership: Membership;
  status(): LogStatus;
  /** Up to where the members' logs are known to agree with the leader's; empty unless leader. */
  matchIndexes(): ReadonlyMap<NodeId, Index>;
  /** Peers whose connection is up. */
  connected(): ReadonlySet<NodeId>;
  addresses(): ReadonlyMap<NodeId, { readonly raft: string; readonly api: string }>;
  proposeMembershipChange(change: MembershipChange): boolean;
  transferLeadership(target: NodeId): void;
  callLeader(kind: "ForwardWrite", data: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  handleCalls(
    kind: "ForwardWrite",
    handler: (from: NodeId, data: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>,
  ): void;
}

/** What the admin of the quorum is made of. */
export interface QuorumAdminOptions {
  readonly control: QuorumControl;
  readonly clock: Clock;
  readonly clusterId: () => string | undefined;
  readonly appliedIndex: () => bigint;
  /** The context of a membership entry that tells where a new member is. */
  readonly encodeAddresses: (id: NodeId, raft: string, api: string) => Uint8Array;
}

/** Shows and changes who is in the quorum. */
export interface QuorumAdmin {
  /** The quorum as this member sees it; of others' progress only a leader knows. */
  view(): ClusterView;
  /** How long nobody has been known to lead; 0 while somebody is. To a second. */
  leaderlessMs(): number;
  /** As the leader sees it, or this member where nobody leads or the leader does not answer. */
  leaderView(signal?: AbortSignal): Promise<ClusterView>;
  /**
   * Makes a change, wherever the leader is, and waits until it has taken effect. What is so already
   * is no error, so that it may be tried again.
   *
   * @throws {PactError} what stands against it (see the rules); NO_LEADER, NO_QUORUM or UNAVAILABLE
   * when it may not have happened.
   */
  change(change: MemberChange, signal?: AbortSignal): Promise<void>;
  close(): void;
}

/** Longest wait for a change to commit, and for another member to take over. */
const CHANGE_LIMIT_MS = 10_000;
const TRANSFER_LIMIT_MS = 5_000;
/** How long the leader's view is waited for before this member's own has to do. */
const VIEW_LIMIT_MS = 1_000;
const POLL_MS = 20;
const SIGHT_INTERVAL_MS = 1_000;

/** The admin of the quorum at one member; also answers what other members ask of the leader. */
export function createQuorumAdmin(options: QuorumAdminOptions): QuorumAdmin {
  const { control, clock, clusterId, appliedIndex, encodeAddresses } = options;
  const lastSeenMs = new Map<NodeId, number>();
  const closing = new AbortController();
  let isChanging = false;
  let ledMs = clock.monotonicMs();

  let sightTimer: TimerHandle = clock.setTimer(0, look);
  function look(): void {
    for (const id of control.connected()) lastSeenMs.set(id, clock.nowMs());
    if (control.status().leaderId !== undefined) ledMs = clock.monotonicMs();
    sightTimer = clock.setTimer(SIGHT_INTERVAL_MS, look);
  }

  const view = (): ClusterView => {
    const status = control.status();
    const { votersOutgoing, learnersNext } = control.membership;
    return {
      clusterId: clusterId(),
      leaderId: status.leaderId === undefined ? undefined : Number(status.leaderId),
      term: status.term,
      commitIndex: status.commitIndex,
      appliedIndex: appliedIndex(),
      members: membersOf(control, status, lastSeenMs, clock.nowMs()),
      isChanging: votersOutgoing.length > 0 || learnersNext.length > 0,
    };
  };

  const isLeading = () => control.status().role === "leader";

  async function ask(question: Parameters<typeof encodeQuestion>[0], signal: AbortSignal) {
    const answer = await control.callLeader("ForwardWrite", encodeQuestion(question), signal);
    return decodeAnswer(answer);
  }

  /** Makes the change here, where the leader is; one at a time. */
  async function lead(change: MemberChange, signal: AbortSignal): Promise<void> {
    if (!isLeading()) {
      throw new PactError("NO_LEADER", "another member leads by now: try again");
    }
    if (isChanging) throw changeUnderWay();
    isChanging = true;
    try {
      await carryOut(judge(view(), change), change, signal);
    } finally {
      isChanging = false;
    }
  }

  async function carryOut(
    verdict: Verdict,
    change: MemberChange,
    signal: AbortSignal,
  ): Promise<void> {
    if (verdict.kind === "nothing") return;
    if (verdict.kind === "propose") return await propose(verdict, change, signal);
    await transfer(verdict.to, signal);
    if (verdict.kind === "transfer-then-again") await ask({ ask: "change", change }, signal);
  }

  async function propose(
    { change, becomes }: Extract<Verdict, { kind: "propose" }>,
    wanted: MemberChange,
    signal: AbortSignal,
  ): Promise<void> {
    const context = wanted.operation === "add_learner"
      ? encodeAddresses(wanted.id, wanted.raft, wanted.api)
      : new Uint8Array(0);
    const isTaken = control.proposeMembershipChange({
      transition: "auto",
      changes: [change],
      context,
    });
    if (!isTaken) throw changeUnderWay();
    const isDone = () => stateOf(control.membership, change.id) === becomes;
    if (await waitFor(clock, isDone, CHANGE_LIMIT_MS, signal)) return;
    throw new PactError(
      "NO_QUORUM",
      `the change was not committed within ${
        CHANGE_LIMIT_MS / 1000
      } s; it may still be: look at the ` +
        "members before you try again",
    );
  }

  async function transfer(to: NodeId, signal: AbortSignal): Promise<void> {
    control.transferLeadership(to);
    const leader = () => control.status().leaderId;
    const hasMoved = () => !isLeading() && leader() !== undefined;
    if (await waitFor(clock, hasMoved, TRANSFER_LIMIT_MS, signal)) return;
    throw new PactError(
      "PRECONDITION",
      `member ${to} did not take over within ${
        TRANSFER_LIMIT_MS / 1000
      } s; member ${control.id} leads on`,
    );
  }

  control.handleCalls("ForwardWrite", async (_from, data, signal) => {
    try {
      const question = decodeQuestion(data);
      if (question.ask === "view") return encodeAnswer({ view: view() });
      await lead(question.change, AbortSignal.any([signal, closing.signal]));
      return encodeAnswer({ done: true });
    } catch (error) {
      if (!(error instanceof PactError)) throw error;
      return encodeAnswer({ error });
    }
  });

  return {
    view,
    leaderlessMs: () => control.status().leaderId === undefined ? clock.monotonicMs() - ledMs : 0,
    leaderView: async (signal) => {
      const own = view();
      if (isLeading() || own.leaderId === undefined) return own;
      const late = new AbortController();
      const limit = clock.setTimer(VIEW_LIMIT_MS, () => late.abort());
      const ends = [late.signal, closing.signal, ...signal === undefined ? [] : [signal]];
      try {
        const answer = await ask({ ask: "view" }, AbortSignal.any(ends));
        if (!("view" in answer)) return own;
        const members = answer.view.members.map((member) => ({
          ...member,
          isSelf: member.id === control.id,
        }));
        return { ...answer.view, appliedIndex: own.appliedIndex, members };
      } catch {
        // The leader may have gone this moment; what this member sees is true as well.
        return own;
      } finally {
        clock.clearTimer(limit);
      }
    },
    change: async (change, signal) => {
      const ends = AbortSignal.any([closing.signal, ...signal === undefined ? [] : [signal]]);
      if (isLeading()) return await lead(change, ends);
      await ask({ ask: "change", change }, ends);
    },
    close: () => {
      clock.clearTimer(sightTimer);
      closing.abort(new PactError("SHUTTING_DOWN", "journal shutting down"));
    },
  };
}

function membersOf(
  control: QuorumControl,
  status: LogStatus,
  lastSeenMs: ReadonlyMap<NodeId, number>,
  nowMs: number,
): MemberView[] {
  const { voters, votersOutgoing, learners, learnersNext } = control.membership;
  const ids = new Set([...voters, ...votersOutgoing, ...learners, ...learnersNext]);
  const matches = status.role === "leader" ? control.matchIndexes() : undefined;
  const connected = control.connected();
  const addresses = control.addresses();
  const matchOf = (id: NodeId) => {
    if (id === control.id) return status.role === "leader" ? status.lastIndex : status.commitIndex;
    const match = matches?.get(id);
    return match === undefined ? undefined : BigInt(match);
  };
  return [...ids].sort((a, b) => a - b).map((id) => {
    const isSelf = id === control.id;
    const isReachable = isSelf || connected.has(id);
    const isVoting = voters.includes(id) || votersOutgoing.includes(id);
    const isLeader = status.leaderId !== undefined && Number(status.leaderId) === id;
    return {
      id,
      raft: addresses.get(id)?.raft ?? "",
      api: addresses.get(id)?.api ?? "",
      role: isLeader ? "leader" : isVoting ? "voter" : "learner",
      matchIndex: matchOf(id),
      isReachable,
      lastContactMs: isReachable ? nowMs : lastSeenMs.get(id),
      isSelf,
    };
  });
}

function stateOf(
  { voters, votersOutgoing, learners, learnersNext }: Membership,
  id: NodeId,
): "voter" | "learner" | "gone" | "changing" {
  if (votersOutgoing.length > 0 || learnersNext.length > 0) return "changing";
  if (voters.includes(id)) return "voter";
  return learners.includes(id) ? "learner" : "gone";
}

/** Whether `condition` came true in time. */
async function waitFor(
  clock: Clock,
  condition: () => boolean,
  limitMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadlineMs = clock.monotonicMs() + limitMs;
  while (!condition()) {
    signal.throwIfAborted();
    if (clock.monotonicMs() >= deadlineMs) return false;
    await new Promise<void>((resolve) => clock.setTimer(POLL_MS, resolve));
  }
  return true;
}
