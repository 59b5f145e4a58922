import { object, or } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, flag } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import type { journal, lattice } from "../../api/mod.ts";
import {
  quorumJson,
  type QuorumMember,
  quorumOf,
  type QuorumSummary,
} from "../../common/cluster/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import { EXIT, Failure } from "../failure/mod.ts";
import { agoText, type Cell, type Column, printable, tableLines } from "../output/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { confirm } from "./confirm.ts";
import { type ActionParser, define, say, withAction, word } from "./parsing.ts";

const MAX_NODE_ID = 2 ** 32 - 1;

const memberId = () => integer({ metavar: "ID", min: 1, max: MAX_NODE_ID });
const idArgument = argument(memberId(), { description: say("The member's node id.") });

/** `pact cluster ...` (CLI-55, DEP-92). */
export const clusterCommand: ActionParser = or(
  define(
    "add-learner",
    "Add a member that gets the log and does not vote yet.",
    object({
      id: idArgument,
      raft: argument(word("RAFT_ADDR"), { description: say("HOST:PORT for the other members.") }),
      api: argument(word("GRPC_ADDR"), { description: say("HOST:PORT for clients.") }),
    }),
    ({ id, raft, api }) =>
      change(`Add member ${id} (${raft}) to the quorum?`, {
        operation: "add_learner",
        id: BigInt(id),
        raftAddress: raft,
        grpcAddress: api,
      }),
  ),
  define(
    "promote-member",
    "Let a learner that has caught up vote.",
    object({ id: idArgument }),
    ({ id }) => change(`Let member ${id} vote?`, { operation: "promote", id: BigInt(id) }),
  ),
  define(
    "remove-member",
    "Take a member out of the quorum.",
    object({
      id: idArgument,
      force: optional(flag("--force", {
        description: say("Also when too few of the remaining members can be reached."),
      })),
    }),
    ({ id, force }) =>
      change(`Remove member ${id} from the quorum?`, {
        operation: force === true ? "force_remove" : "remove",
        id: BigInt(id),
      }),
  ),
  define(
    "transfer",
    "Hand leadership to a member, or to the one that is furthest.",
    object({ id: optional(argument(memberId())) }),
    ({ id }) =>
      change(`Hand leadership to ${id === undefined ? "another member" : `member ${id}`}?`, {
        operation: "transfer",
        id: BigInt(id ?? 0),
      }),
  ),
  withAction(object({}), () => action(show)),
);

type Change = Partial<
  Pick<journal.ChangeMembershipRequest, "operation" | "id" | "raftAddress" | "grpcAddress">
>;

function change(question: string, request: Change) {
  return action(async (context) => {
    await confirm(context, question);
    const { peer, fleet } = await context.session.journal();
    const quorum = quorumOf(await peer.write((call) => fleet.changeMembership(request, call)));
    await context.out.result(memberLines(context, quorum), quorumJson(quorum));
    return EXIT.ok;
  });
}

async function show(context: CommandContext): Promise<number> {
  const { peer, fleet } = await context.session.journal();
  const quorum = quorumOf(await peer.read((call) => fleet.getClusterStatus({}, call)));
  const scheduler = await latticeStatus(context);
  await context.out.result([
    "=== Pact Journal ===",
    ...(quorum.clusterId === "" ? [] : [fieldLine("Cluster", quorum.clusterId)]),
    ...quorumLines(context, quorum),
    "",
    "=== Lattice Scheduler ===",
    ...scheduler.lines,
  ], { journal: quorumJson(quorum), lattice: scheduler.document });
  return EXIT.ok;
}

function fieldLine(name: string, value: string): string {
  return `${`${name}:`.padEnd(15)}${printable(value)}`;
}

function quorumLines(context: CommandContext, quorum: QuorumSummary): string[] {
  const { leaderId, term, commitIndex, lastApplied, logEngine, logTrouble, members } = quorum;
  const leader = members.find(({ id }) => id === leaderId);
  return [
    fieldLine("Leader", leaderId === undefined ? "none" : `${leaderId} (${leader?.api ?? "?"})`),
    fieldLine("Term", `${term}`),
    fieldLine("Commit index", `${commitIndex}`),
    fieldLine("Last applied", `${lastApplied}`),
    // Members that keep the log themselves are what everybody expects.
    ...(logEngine === undefined || logEngine === "raft" ? [] : [fieldLine("Log", logEngine)]),
    ...(logTrouble === undefined ? [] : [fieldLine("Trouble", logTrouble)]),
    ...memberLines(context, quorum),
  ];
}

const COLUMNS: readonly Column[] = [
  { heading: "ID" },
  { heading: "ADDRESS" },
  { heading: "RAFT" },
  { heading: "ROLE" },
  { heading: "MATCH" },
  { heading: "LAG" },
  { heading: "STATE" },
  { heading: "LAST CONTACT" },
];

function memberLines({ host, out }: CommandContext, { members }: QuorumSummary): string[] {
  const nowMs = host.clock.nowMs();
  return tableLines(COLUMNS, members.map((member) => memberRow(member, nowMs)), out.paint);
}

function memberRow(member: QuorumMember, nowMs: number): Cell[] {
  return [
    String(member.id),
    printable(member.api) || "-",
    printable(member.raft) || "-",
    printable(member.role),
    String(member.matchIndex ?? "-"),
    String(member.lag ?? "-"),
    member.isReachable ? { text: "up", tone: "good" } : { text: "unreachable", tone: "bad" },
    agoText(member.lastContactMs, nowMs),
  ];
}

/** The workload manager's own quorum; that it does not answer is no failure of this one. */
async function latticeStatus(
  { session, settings }: CommandContext,
): Promise<{ readonly lines: readonly string[]; readonly document: JsonValue }> {
  if (settings.latticeEndpoint === undefined) {
    return {
      lines: ["lattice endpoint not configured (set PACT_LATTICE_ENDPOINT)"],
      document: null,
    };
  }
  try {
    const { peer, admin } = await session.lattice(settings.latticeEndpoint);
    const status = await peer.read((call) => admin.getRaftStatus({}, call));
    return { lines: latticeLines(status), document: latticeJson(status) };
  } catch (error) {
    if (!(error instanceof Failure) || error.code === "INTERRUPTED") throw error;
    return {
      lines: [`unavailable: ${printable(error.message)}`],
      document: { error: error.message },
    };
  }
}

function latticeLines(status: lattice.RaftStatusResponse): string[] {
  const { leaderId, currentTerm, commitIndex, lastApplied, members } = status;
  return [
    fieldLine("Leader", leaderId === 0n ? "none" : `${leaderId}`),
    fieldLine("Term", `${currentTerm}`),
    fieldLine("Commit index", `${commitIndex}`),
    fieldLine("Last applied", `${lastApplied}`),
    ...members.map(({ nodeId, address, role, matchIndex }) =>
      fieldLine(`Member ${nodeId}`, `${address} ${role}, match ${matchIndex}`)
    ),
  ];
}

function latticeJson(status: lattice.RaftStatusResponse): JsonValue {
  return {
    leader_id: Number(status.leaderId) || null,
    term: Number(status.currentTerm),
    commit_index: Number(status.commitIndex),
    last_applied: Number(status.lastApplied),
    members: status.members.map((member) => ({
      id: Number(member.nodeId),
      address: member.address,
      role: member.role,
      match_index: Number(member.matchIndex),
    })),
  };
}
