import { PactError } from "../../common/errors/mod.ts";
import type { NodeId, SingleChange } from "../raft/mod.ts";
import type { ClusterView, MemberChange, MemberView } from "./view.ts";

/** What comes of a change that an admin wants, as the leader decides it. */
export type Verdict =
  /** It is so already. */
  | { readonly kind: "nothing" }
  /** Goes into the log; `id` is then `becomes`. */
  | {
    readonly kind: "propose";
    readonly change: SingleChange;
    readonly becomes: "learner" | "voter" | "gone";
  }
  | { readonly kind: "transfer"; readonly to: NodeId }
  /** The leader cannot take itself out: another must lead, who then does. */
  | { readonly kind: "transfer-then-again"; readonly to: NodeId };

/** Most members of a quorum, learners counted. */
export const MEMBERS_MAX = 63;

/** Entries a learner may be behind and still be promoted: what ordinary load puts in flight. */
export const PROMOTE_MAX_LAG = 1_000n;

/**
 * Whether a change may be made, from what the leader sees (DEP-92, JRN-50).
 *
 * @throws {PactError} PRECONDITION, NOT_FOUND, CONFLICT or INVALID_ARGUMENT, saying what stands against it.
 */
export function judge(view: ClusterView, change: MemberChange): Verdict {
  if (view.isChanging && change.operation !== "transfer") throw changeUnderWay();
  switch (change.operation) {
    case "add_learner":
      return judgeAdd(view, change);
    case "promote":
      return judgePromote(view, memberOf(view, change.id));
    case "remove":
      return judgeRemove(view, memberOf(view, change.id), change.force);
    case "transfer":
      return judgeTransfer(view, change.id);
  }
}

/** One change of the membership at a time. */
export function changeUnderWay(): PactError {
  return new PactError(
    "CONFLICT",
    "another change of the membership is under way: wait until it is done, then try again",
  );
}

function judgeAdd(
  { members }: ClusterView,
  { id, raft, api }: Extract<MemberChange, { operation: "add_learner" }>,
): Verdict {
  const known = members.find((member) => member.id === id);
  if (known !== undefined) {
    if (known.raft === raft && known.api === api) return { kind: "nothing" };
    throw new PactError(
      "PRECONDITION",
      `member ${id} exists, at ${known.raft} (Raft) and ${known.api} (API): remove it first, or give the ` +
        "new one another id",
    );
  }
  if (members.length >= MEMBERS_MAX) {
    throw new PactError("PRECONDITION", `there are ${members.length} members, which is the most`);
  }
  for (const address of [raft, api]) {
    const holder = members.find((member) => member.raft === address || member.api === address);
    if (holder === undefined) continue;
    throw new PactError("PRECONDITION", `member ${holder.id} has the address ${address} already`);
  }
  return { kind: "propose", change: { kind: "add-learner", id }, becomes: "learner" };
}

function judgePromote(view: ClusterView, { id, role, ...member }: MemberView): Verdict {
  if (role !== "learner") return { kind: "nothing" };
  if (!member.isReachable) {
    throw new PactError(
      "PRECONDITION",
      `member ${id} cannot be reached: start it at ${member.raft}, then promote it`,
    );
  }
  const match = member.matchIndex ?? 0n;
  const lag = view.commitIndex - match;
  if (lag > PROMOTE_MAX_LAG) {
    throw new PactError(
      "PRECONDITION",
      `member ${id} is ${lag} entries behind (${match} of ${view.commitIndex}): promote it when it has ` +
        "caught up",
    );
  }
  return { kind: "propose", change: { kind: "add-voter", id }, becomes: "voter" };
}

function judgeRemove(
  view: ClusterView,
  { id, role }: MemberView,
  isForced: boolean,
): Verdict {
  if (role === "learner") {
    return { kind: "propose", change: { kind: "remove", id }, becomes: "gone" };
  }
  const rest = votersOf(view).filter((member) => member.id !== id);
  if (rest.length === 0) {
    throw new PactError(
      "PRECONDITION",
      `member ${id} is the last one that votes: add and promote another before it is removed`,
    );
  }
  const reachable = rest.filter(({ isReachable }) => isReachable).length;
  const needed = Math.floor(rest.length / 2) + 1;
  if (reachable < needed && !isForced) {
    throw new PactError(
      "PRECONDITION",
      `without member ${id} there are ${rest.length} voters, ${reachable} of them can be reached and ` +
        `${needed} are needed: no write would be accepted any more. Bring another member up first, or ` +
        "force it",
    );
  }
  if (id !== view.leaderId) {
    return { kind: "propose", change: { kind: "remove", id }, becomes: "gone" };
  }
  const heir = furthest(rest);
  if (heir === undefined) {
    throw new PactError("PRECONDITION", `member ${id} leads and no other voter can be reached`);
  }
  return { kind: "transfer-then-again", to: heir.id };
}

function judgeTransfer(view: ClusterView, id: NodeId | undefined): Verdict {
  if (id === undefined) {
    const heir = furthest(votersOf(view).filter((member) => member.id !== view.leaderId));
    if (heir !== undefined) return { kind: "transfer", to: heir.id };
    throw new PactError("PRECONDITION", "no other voter can be reached: nobody can take over");
  }
  const member = memberOf(view, id);
  if (id === view.leaderId) return { kind: "nothing" };
  if (member.role === "learner") {
    throw new PactError("PRECONDITION", `member ${id} is a learner: promote it before it can lead`);
  }
  if (!member.isReachable) {
    throw new PactError("PRECONDITION", `member ${id} cannot be reached: it cannot take over`);
  }
  return { kind: "transfer", to: id };
}

function memberOf({ members }: ClusterView, id: NodeId): MemberView {
  const member = members.find((each) => each.id === id);
  if (member !== undefined) return member;
  const known = members.map((each) => each.id).join(", ");
  throw new PactError("NOT_FOUND", `there is no member ${id}; the members are ${known || "none"}`);
}

function votersOf({ members }: ClusterView): MemberView[] {
  return members.filter(({ role }) => role !== "learner");
}

/** The reachable one whose log is longest: it takes over at once. */
function furthest(members: readonly MemberView[]): MemberView | undefined {
  return members.filter(({ isReachable }) => isReachable).reduce<MemberView | undefined>(
    (best, each) => (best?.matchIndex ?? -1n) >= (each.matchIndex ?? 0n) ? best : each,
    undefined,
  );
}
