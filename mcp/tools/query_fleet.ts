import { z } from "zod";
import type { capability, journal } from "../../api/mod.ts";
import { forEachAtOnce } from "../backend/mod.ts";
import {
  FIELDS,
  FilterError,
  matchNode,
  needsReport,
  type NodeFacts,
  parseFilter,
  type Term,
} from "../fleet_filter/mod.ts";
import { counted, instantText, oneLine, stateWord, table } from "../view/mod.ts";
import { VClusterArgument } from "./arguments.ts";
import { isUnknownNode, listNodes } from "./nodes.ts";
import { defineTool, READS, type ToolContext, ToolError } from "./tool.ts";

const reportsAtOnce = 50;
const maxMatches = 500;

const MatchSchema = z.object({
  node_id: z.string(),
  vcluster_id: z.string().nullable(),
  state: z.string(),
  last_seen: z.string().nullable(),
  facts: z.array(z.string()).describe("the facts that made it match, as FIELD=VALUE"),
});

type Match = z.infer<typeof MatchSchema>;

/** Finds nodes (MCP-49). */
export const queryFleetTool = defineTool({
  name: "pact_query_fleet",
  description: "Finds the nodes that satisfy criteria of health, hardware or configuration, and " +
    "tells by which facts they do.",
  action: "query_fleet",
  rates: ["any"],
  annotations: READS,
  needsToken: true,
  input: z.strictObject({
    vcluster: VClusterArgument.optional().describe("Only nodes of this vCluster"),
    capability_filter: z.string().min(1).max(1024).optional().describe(
      "Conditions FIELD OP VALUE joined by `and`, such as `gpu_health=degraded and memory_gb>=512`. " +
        `OP is one of = != < > <= >=. FIELD is one of ${Object.keys(FIELDS).join(", ")}`,
    ),
    config_state: z.enum(["committed", "drifted", "converging", "emergency", "observe_only"])
      .optional().describe("Only nodes in this configuration state"),
  }),
  output: z.object({
    nodes: z.array(MatchSchema),
    matched: z.number().int(),
    examined: z.number().int(),
    without_report: z.number().int().describe("nodes that never reported their hardware"),
  }),
  async run({ vcluster, capability_filter, config_state }, context) {
    const terms = capability_filter === undefined ? [] : readFilter(capability_filter);
    const fleet = await listNodes(context, { vclusterId: vcluster, stateFilter: config_state });
    const wanted = config_state === undefined
      ? fleet.nodes
      : fleet.nodes.filter((node) => stateWord(node.configState) === config_state.toUpperCase());
    const facts = await factsOf(wanted, terms, context);
    const matches = facts.flatMap((node): Match[] => {
      const found = matchNode(terms, node);
      return found === undefined ? [] : [matchOf(node.state, found)];
    });
    const counts = {
      matched: matches.length,
      examined: wanted.length,
      without_report: needsReport(terms)
        ? facts.filter(({ report }) => report === undefined).length
        : 0,
    };
    const nodes = matches.slice(0, maxMatches);
    return { text: textOf(nodes, counts), structured: { nodes, ...counts } };
  },
});

function readFilter(text: string): Term[] {
  try {
    return parseFilter(text);
  } catch (error) {
    if (error instanceof FilterError) throw new ToolError(`capability_filter: ${error.message}`);
    throw error;
  }
}

async function factsOf(
  nodes: readonly journal.NodeStateDetail[],
  terms: readonly Term[],
  context: ToolContext,
): Promise<NodeFacts[]> {
  if (!needsReport(terms)) return nodes.map((state) => ({ state, report: undefined }));
  return await forEachAtOnce(nodes, reportsAtOnce, async (state) => ({
    state,
    report: await reportOf(state.nodeId, context),
  }));
}

/** A node's last report; undefined when it never sent one. */
async function reportOf(
  nodeId: string,
  { backend, signal }: ToolContext,
): Promise<capability.CapabilityReport | undefined> {
  try {
    return await backend.journal.call(
      ({ fleet }, options) => fleet.getCapability({ nodeId }, options),
      { signal },
    );
  } catch (error) {
    if (isUnknownNode(error)) return undefined;
    throw error;
  }
}

function matchOf(state: journal.NodeStateDetail, facts: readonly string[]): Match {
  return {
    node_id: oneLine(state.nodeId),
    vcluster_id: oneLine(state.vclusterId) || null,
    state: stateWord(state.configState),
    last_seen: instantText(state.lastSeen) ?? null,
    facts: [...facts],
  };
}

function textOf(
  nodes: readonly Match[],
  counts: { matched: number; examined: number; without_report: number },
): string {
  const left = counts.matched - nodes.length;
  const unreported = counts.without_report === 0
    ? ""
    : ` ${counted(counts.without_report, "node")} without a hardware report.`;
  return [
    ...(nodes.length === 0 ? [] : [
      table(
        ["NODE", "VCLUSTER", "STATE", "LAST SEEN", "FACTS"],
        nodes.map(({ node_id, vcluster_id, state, last_seen, facts }) => [
          node_id,
          vcluster_id ?? "-",
          state,
          last_seen ?? "never",
          facts.join(" "),
        ]),
      ),
    ]),
    ...(left > 0 ? [`and ${counted(left, "more node")}: narrow the filter`] : []),
    `Matched ${counts.matched} of ${counted(counts.examined, "node")}.${unreported}`,
  ].join("\n");
}
