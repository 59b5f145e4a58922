import { object, or } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import type { enrollment } from "../../api/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import { EXIT, Failure, usageFailure } from "../failure/mod.ts";
import { type Cell, type Column, printable, stateTone, tableLines } from "../output/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { confirm } from "./confirm.ts";
import { enroll, enrollParser } from "./enroll.ts";
import { type ActionParser, define, say, word } from "./parsing.ts";
import { requireNodeId, requireVCluster } from "./targets.ts";

/** Nodes asked for at once, and pages followed at most. */
const PAGE_SIZE = 1000;
const MAX_PAGES = 1000;

const RULE_WIDTH = 90;

/** `pact enroll status [NODE]`: what `pact node list` and `pact node inspect` show. */
export function enrollmentStatus(context: CommandContext, node?: string): Promise<number> {
  return node === undefined
    ? list(context, { state: undefined, unassigned: undefined })
    : inspect(context, node);
}

const nodeArgument = object({ node: argument(word("NODE")) });

/** `pact node ...` (CLI-115, CLI-116). */
export const nodeCommand: ActionParser = or(
  define(
    "enroll",
    "Register a node by its hardware, or those of a CSV file.",
    enrollParser,
    (options) => action((context) => enroll(context, options)),
  ),
  define(
    "list",
    "Show the registered nodes.",
    object({
      state: optional(option("--state", word("STATE"), {
        description: say("Registered, Active, Inactive or Revoked."),
      })),
      unassigned: optional(flag("--unassigned", {
        description: say("Only nodes without a vCluster."),
      })),
    }),
    (options) => action((context) => list(context, options)),
  ),
  define(
    "inspect",
    "Show what is known of a node.",
    nodeArgument,
    ({ node }) => action((context) => inspect(context, node)),
  ),
  define(
    "assign",
    "Put a node into the vCluster that --vcluster names.",
    nodeArgument,
    ({ node }) => action((context) => assign(context, node)),
  ),
  define(
    "unassign",
    "Take a node out of its vCluster.",
    nodeArgument,
    ({ node }) => action((context) => unassign(context, node)),
  ),
  define(
    "move",
    "Move a node to another vCluster.",
    object({
      node: argument(word("NODE")),
      to: option("--to-vcluster", word("NAME"), { description: say("The other vCluster.") }),
    }),
    ({ node, to }) => action((context) => move(context, node, to)),
  ),
  define(
    "decommission",
    "Take a node out of the domain: its certificate is refused from now on.",
    object({
      node: argument(word("NODE")),
      force: optional(flag("--force", {
        description: say("Also while sessions are open there; they are ended."),
      })),
      message: optional(option("-m", "--message", word("TEXT"), { description: say("Why.") })),
    }),
    (options) => action((context) => decommission(context, options)),
  ),
);

const LIST_COLUMNS: readonly Column[] = [
  { heading: "NODE ID", width: 20 },
  { heading: "STATE", width: 12 },
  { heading: "VCLUSTER", width: 20 },
  { heading: "LAST SEEN", width: 20 },
  { heading: "MAC" },
];

async function list(
  context: CommandContext,
  { state, unassigned }: {
    readonly state: string | undefined;
    readonly unassigned: true | undefined;
  },
): Promise<number> {
  const { peer, enrollment } = await context.session.journal();
  const nodes: enrollment.NodeSummary[] = [];
  let pageToken = "";
  for (let page = 0; page < MAX_PAGES; page++) {
    const request = {
      stateFilter: state === undefined ? "" : capitalised(state),
      vclusterFilter: context.flags["vcluster"] ?? "",
      unassignedOnly: unassigned === true,
      pageSize: PAGE_SIZE,
      pageToken,
    };
    const answer = await peer.read((call) => enrollment.listNodes(request, call));
    nodes.push(...answer.nodes);
    pageToken = answer.nextPageToken;
    if (pageToken === "") break;
  }
  const [heading = "", ...rows] = tableLines(LIST_COLUMNS, nodes.map(listRow), context.out.paint);
  const lines = nodes.length === 0
    ? ["No nodes found."]
    : [heading, "-".repeat(RULE_WIDTH), ...rows];
  await context.out.result(lines, { nodes: nodes.map(summaryJson) });
  return EXIT.ok;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();
}

function listRow(node: enrollment.NodeSummary): Cell[] {
  const state = printable(node.enrollmentState);
  return [
    printable(node.nodeId),
    { text: state, tone: stateTone(state) },
    printable(node.vclusterId) || "(none)",
    printable(node.lastSeen) || "-",
    printable(node.macAddress),
  ];
}

function summaryJson(node: enrollment.NodeSummary): JsonValue {
  return {
    node_id: node.nodeId,
    enrollment_state: node.enrollmentState,
    vcluster_id: node.vclusterId || null,
    last_seen: node.lastSeen || null,
    mac_address: node.macAddress || null,
    config_state: node.configState || null,
    cert_expires_at: node.certExpiresAt || null,
    live: node.live,
  };
}

async function inspect(context: CommandContext, node: string): Promise<number> {
  const { peer, enrollment } = await context.session.journal();
  const found = await peer.read((call) =>
    enrollment.inspectNode({ nodeId: requireNodeId(node) }, call)
  );
  const hardware = found.hardwareIdentity;
  const fields: [string, string][] = [
    ["Node", found.nodeId],
    ["Domain", found.domainId],
    ["Enrollment State", found.enrollmentState],
    ["MAC Address", hardware?.macAddress ?? ""],
    ["BMC Serial", hardware?.bmcSerial ?? ""],
    ...Object.entries(hardware?.extra ?? {}),
    ["vCluster", found.vclusterId || "(none)"],
    ["Certificate", found.certSerial],
    ["Cert Expires", found.certExpiresAt],
    ["Last Seen", found.lastSeen],
    ["Enrolled At", found.enrolledAt],
    ["Enrolled By", found.enrolledBy],
    ["Active Sessions", String(found.activeSessions)],
  ];
  const lines = fields.map(([name, value]) => `${`${name}:`.padEnd(18)}${printable(value) || "-"}`);
  await context.out.result(lines, {
    node_id: found.nodeId,
    domain_id: found.domainId,
    enrollment_state: found.enrollmentState,
    mac_address: hardware?.macAddress || null,
    bmc_serial: hardware?.bmcSerial || null,
    identifiers: hardware?.extra ?? {},
    vcluster_id: found.vclusterId || null,
    cert_serial: found.certSerial || null,
    cert_expires_at: found.certExpiresAt || null,
    last_seen: found.lastSeen || null,
    enrolled_at: found.enrolledAt || null,
    enrolled_by: found.enrolledBy || null,
    active_sessions: found.activeSessions,
  });
  return EXIT.ok;
}

async function assign(context: CommandContext, node: string): Promise<number> {
  const vcluster = context.flags["vcluster"];
  if (vcluster === undefined) throw usageFailure("say to which vCluster: --vcluster NAME");
  const request = { nodeId: requireNodeId(node), vclusterId: requireVCluster(vcluster) };
  const { peer, enrollment } = await context.session.journal();
  await peer.write((call) => enrollment.assignNode(request, call));
  await context.out.result([`Assigned node ${node} to vCluster ${vcluster}`], {
    node_id: node,
    vcluster_id: vcluster,
  });
  return EXIT.ok;
}

async function unassign(context: CommandContext, node: string): Promise<number> {
  const { peer, enrollment } = await context.session.journal();
  await peer.write((call) => enrollment.unassignNode({ nodeId: requireNodeId(node) }, call));
  await context.out.result([`Unassigned node ${node} from vCluster`], {
    node_id: node,
    vcluster_id: null,
  });
  return EXIT.ok;
}

async function move(context: CommandContext, node: string, to: string): Promise<number> {
  const request = { nodeId: requireNodeId(node), toVclusterId: requireVCluster(to) };
  const { peer, enrollment } = await context.session.journal();
  const answer = await peer.write((call) => enrollment.moveNode(request, call));
  const from = answer.fromVclusterId || "(none)";
  await context.out.result([`Moved node ${node} from ${printable(from)} to ${to}`], {
    node_id: node,
    from_vcluster_id: answer.fromVclusterId || null,
    vcluster_id: to,
  });
  return EXIT.ok;
}

interface Decommission {
  readonly node: string;
  readonly force: true | undefined;
  readonly message: string | undefined;
}

/** On a terminal, open sessions are a question; else they are the server's refusal (CLI-116). */
async function decommission(context: CommandContext, options: Decommission): Promise<number> {
  const nodeId = requireNodeId(options.node);
  const { peer, enrollment } = await context.session.journal();
  const ask = (force: boolean) =>
    peer.write((call) =>
      enrollment.decommissionNode({ nodeId, force, reason: options.message ?? "" }, call)
    );
  let answer: enrollment.DecommissionNodeResponse;
  try {
    answer = await ask(options.force === true);
  } catch (error) {
    const isOpen = error instanceof Failure && error.code === "ACTIVE_SESSIONS";
    if (!isOpen || !(context.assumeYes || context.host.stdin.isTerminal)) throw error;
    await confirm(context, `${error.message.replace(/ — .*$/, "")}: end them?`);
    answer = await ask(true);
  }
  const state = printable(answer.enrollmentState);
  await context.out.result([
    `Decommissioned node ${printable(nodeId)} — state: ${state}`,
    ...(answer.certSerialRevoked === ""
      ? []
      : [`  Certificate revoked: ${printable(answer.certSerialRevoked)}`]),
    `  Sessions terminated: ${answer.sessionsTerminated}`,
  ], {
    node_id: nodeId,
    enrollment_state: answer.enrollmentState,
    cert_serial_revoked: answer.certSerialRevoked || null,
    sessions_terminated: answer.sessionsTerminated,
  });
  return EXIT.ok;
}
