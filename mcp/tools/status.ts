import { z } from "zod";
import {
  counted,
  NODE_STATE_HEADINGS,
  nodeStateOf,
  nodeStateRow,
  NodeStateSchema,
  nodeStateText,
  table,
} from "../view/mod.ts";
import { NodeArgument, VClusterArgument } from "./arguments.ts";
import { inspectNode, listNodes } from "./nodes.ts";
import { type Answer, defineTool, READS, type ToolContext } from "./tool.ts";

const maxNodes = 500;

const output = z.object({
  nodes: z.array(NodeStateSchema),
  total: z.number().int().describe("how many nodes there are, also those not listed"),
});

/** Which state nodes are in (MCP-40). */
export const statusTool = defineTool({
  name: "pact_status",
  description: "Shows which configuration state nodes are in, how far they drifted from what is " +
    "declared, and whether their services and hardware look right. Without a node: every node of " +
    "the vCluster.",
  action: "status",
  rates: ["any"],
  annotations: READS,
  needsToken: true,
  input: z.strictObject({
    node: NodeArgument.optional().describe("Node ID; absent: all nodes of the vCluster"),
    vcluster: VClusterArgument.optional().describe(
      "vCluster whose nodes are shown; absent: the configured one, or all that you may see",
    ),
  }),
  output,
  run: ({ node, vcluster }, context) =>
    node === undefined
      ? statusOfFleet(vcluster ?? context.settings.vcluster, context)
      : statusOfNode(node, context),
});

async function statusOfNode(
  node: string,
  context: ToolContext,
): Promise<Answer<z.output<typeof output>>> {
  const detail = await inspectNode(node, context);
  if (detail === undefined) {
    return { text: `Node: ${node}  State: UNKNOWN`, structured: { nodes: [], total: 1 } };
  }
  const state = nodeStateOf(detail, []);
  return { text: nodeStateText(state, detail), structured: { nodes: [state], total: 1 } };
}

async function statusOfFleet(
  vclusterId: string | undefined,
  context: ToolContext,
): Promise<Answer<z.output<typeof output>>> {
  const fleet = await listNodes(context, { vclusterId });
  const nodes = fleet.nodes.slice(0, maxNodes).map((detail) => nodeStateOf(detail, fleet.warnings));
  const left = fleet.nodes.length - nodes.length;
  const text = nodes.length === 0 ? "No nodes." : [
    table(NODE_STATE_HEADINGS, nodes.map(nodeStateRow)),
    ...(left > 0
      ? [`and ${counted(left, "more node")}: name a vcluster, or filter with pact_query_fleet`]
      : []),
  ].join("\n");
  return { text, structured: { nodes, total: fleet.nodes.length } };
}
