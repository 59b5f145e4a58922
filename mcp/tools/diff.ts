import { z } from "zod";
import {
  ChangeSchema,
  driftLine,
  driftOf,
  EntrySchema,
  entryText,
  logEntryOf,
} from "../view/mod.ts";
import { NodeArgument } from "./arguments.ts";
import { callAgent, isUnknownNode } from "./nodes.ts";
import { type Answer, defineTool, READS, type ToolContext, ToolError } from "./tool.ts";

const output = z.object({
  node_id: z.string(),
  drift: z.array(ChangeSchema).optional().describe("live differences"),
  deltas: z.array(EntrySchema).optional().describe("committed changes of this node alone"),
});

/** What differs on a node (MCP-41). */
export const diffTool = defineTool({
  name: "pact_diff",
  description:
    "Shows what differs between the declared and the observed configuration of a node; " +
    "with committed: the node's own committed changes that are not promoted to its vCluster.",
  action: "diff",
  rates: ["any"],
  annotations: READS,
  needsToken: true,
  input: z.strictObject({
    node: NodeArgument.optional().describe("Node ID; may be absent where a default is configured"),
    committed: z.boolean().default(false).describe(
      "Show committed node deltas instead of live drift",
    ),
  }),
  output,
  run({ node, committed }, context) {
    const nodeId = node ?? context.settings.node;
    if (nodeId === undefined) throw new ToolError("node required");
    return committed ? committedDeltas(nodeId, context) : liveDrift(nodeId, context);
  },
});

async function liveDrift(
  node: string,
  context: ToolContext,
): Promise<Answer<z.output<typeof output>>> {
  const status = await callAgent(node, (agent, options) => agent.getStatus({}, options), context);
  const drift = driftOf(status.driftItems);
  const text = drift.length === 0
    ? `No differences on ${node}.`
    : `Differences on ${node}:\n${context.quote(drift.map(driftLine).join("\n"))}`;
  return { text, structured: { node_id: node, drift } };
}

async function committedDeltas(
  node: string,
  context: ToolContext,
): Promise<Answer<z.output<typeof output>>> {
  const deltas = await listDeltas(node, context);
  const text = deltas.length === 0
    ? `No committed node deltas on ${node}.`
    : `Committed node deltas on ${node}:\n${context.quote(deltas.map(entryText).join("\n"))}`;
  return { text, structured: { node_id: node, deltas } };
}

async function listDeltas(node: string, { backend, signal }: ToolContext) {
  try {
    const { deltas } = await backend.journal.call(
      ({ fleet }, options) => fleet.listDeltas({ nodeId: node }, options),
      { signal },
    );
    return deltas.map(logEntryOf);
  } catch (error) {
    if (isUnknownNode(error)) throw new ToolError(`node ${node} not found`);
    throw error;
  }
}
