import {
  type Address,
  type Configuration,
  type Entry,
  isJoint,
  type Membership,
  type Message,
  NO_NODE,
  type ProgressView,
  type Ready,
  type Role,
  type Snapshot,
} from "../../journal/raft/mod.ts";
import { formatChanges } from "./change_tokens.ts";
import { quoteBytes } from "./go_text.ts";

const ROLES: Readonly<Record<Role, string>> = {
  "follower": "StateFollower",
  "pre-candidate": "StatePreCandidate",
  "candidate": "StateCandidate",
  "leader": "StateLeader",
};

export function describeRole(role: Role): string {
  return ROLES[role];
}

/** Ids inside messages are hexadecimal. */
function describeAddress(address: Address): string {
  if (address === "append-thread") return "AppendThread";
  if (address === "apply-thread") return "ApplyThread";
  return address === NO_NODE ? "None" : address.toString(16);
}

export function describeEntry(entry: Entry): string {
  const at = `${entry.term}/${entry.index}`;
  if (entry.kind === "normal") return `${at} EntryNormal ${quoteBytes(entry.data)}`;
  const type = entry.form === "single" ? "EntryConfChange" : "EntryConfChangeV2";
  const tokens = formatChanges(entry.change.changes);
  return `${at} ${type}${tokens === "" ? "" : ` ${tokens}`}`;
}

function entryLines(entries: readonly Entry[]): string {
  return entries.map((entry) => `${describeEntry(entry)}\n`).join("");
}

export function describeSnapshot({ index, term, membership }: Snapshot): string {
  return `Index:${index} Term:${term} ConfState:${describeMembership(membership)}`;
}

function describeMembership(membership: Membership): string {
  const list = (ids: readonly number[]) => `[${ids.join(" ")}]`;
  return `Voters:${list(membership.voters)} VotersOutgoing:${list(membership.votersOutgoing)} ` +
    `Learners:${list(membership.learners)} LearnersNext:${list(membership.learnersNext)} ` +
    `AutoLeave:${membership.autoLeave}`;
}

/** A message, at a depth of indentation that only its further lines show. */
export function describeMessage(message: Message, indent = ""): string {
  const { type, from, to, term, logTerm, index, commit, vote, snapshot } = message;
  const parts = [
    `${indent}${describeAddress(from)}->${describeAddress(to)} Msg${type} ` +
    `Term:${term} Log:${logTerm}/${index}`,
    message.reject ? ` Rejected (Hint: ${message.rejectHint})` : "",
    commit === 0 ? "" : ` Commit:${commit}`,
    vote === NO_NODE ? "" : ` Vote:${vote}`,
    describeEntries(message.entries, indent),
    snapshot === undefined || snapshot.index === 0
      ? ""
      : `\n${indent}  Snapshot: ${describeSnapshot(snapshot)}`,
    describeResponses(message.responses, indent),
  ];
  return parts.join("");
}

function describeEntries(entries: readonly Entry[], indent: string): string {
  const [only] = entries;
  if (only === undefined) return "";
  if (entries.length === 1) return ` Entries:[${describeEntry(only)}]`;
  const lines = entries.map((entry) => `\n${indent}  ${describeEntry(entry)}`);
  return ` Entries:[${lines.join("")}\n${indent}]`;
}

function describeResponses(responses: readonly Message[], indent: string): string {
  if (responses.length === 0) return "";
  const lines = responses.map((response) => `\n${describeMessage(response, `${indent}  `)}`);
  return ` Responses:[${lines.join("")}\n${indent}]`;
}

export function describeReady(ready: Ready): string {
  const { softState, hardState, readStates, snapshot } = ready;
  const vote = hardState === undefined || hardState.vote === NO_NODE
    ? ""
    : ` Vote:${hardState.vote}`;
  const reads = readStates.map(({ index, context }) => `{${index} [${context.join(" ")}]}`);
  const parts = [
    softState ? `Lead:${softState.leader} State:${describeRole(softState.role)}\n` : "",
    hardState ? `HardState Term:${hardState.term}${vote} Commit:${hardState.commit}\n` : "",
    reads.length > 0 ? `ReadStates [${reads.join(" ")}]\n` : "",
    ready.entries.length > 0 ? `Entries:\n${entryLines(ready.entries)}` : "",
    snapshot ? `Snapshot ${describeSnapshot(snapshot)}\n` : "",
    ready.committed.length > 0 ? `CommittedEntries:\n${entryLines(ready.committed)}` : "",
    ready.messages.length > 0
      ? `Messages:\n${ready.messages.map((sent) => `${describeMessage(sent)}\n`).join("")}`
      : "",
  ];
  const text = parts.join("");
  return text === "" ? "<empty Ready>" : `Ready MustSync=${ready.mustSync}:\n${text}`;
}

export function describeConfiguration(configuration: Configuration): string {
  const set = (ids: ReadonlySet<number>) =>
    `(${[...ids].sort((a, b) => a - b).map((id) => id.toString(16)).join(" ")})`;
  const { voters, learners, learnersNext, autoLeave } = configuration;
  return [
    `voters=${set(voters.incoming)}`,
    isJoint(configuration) ? `&&${set(voters.outgoing)}` : "",
    learners.size > 0 ? ` learners=${set(learners)}` : "",
    learnersNext.size > 0 ? ` learners_next=${set(learnersNext)}` : "",
    autoLeave ? " autoleave" : "",
  ].join("");
}

const PROGRESS_STATES = {
  probe: "StateProbe",
  replicate: "StateReplicate",
  snapshot: "StateSnapshot",
} as const;

/** One line for each member, by id. */
export function describeProgress(members: Iterable<readonly [number, ProgressView]>): string {
  return [...members].map(([id, progress]) =>
    [
      `${id}: ${PROGRESS_STATES[progress.state]} match=${progress.match} next=${progress.next}`,
      progress.isLearner ? " learner" : "",
      progress.isPaused ? " paused" : "",
      progress.pendingSnapshot > 0 ? ` pendingSnap=${progress.pendingSnapshot}` : "",
      progress.isRecentlyActive ? "" : " inactive",
      progress.inflightCount > 0 ? ` inflight=${progress.inflightCount}` : "",
      progress.inflightCount > 0 && progress.isInflightFull ? "[full]" : "",
      "\n",
    ].join("")
  ).join("");
}
