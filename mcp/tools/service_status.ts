import { z } from "zod";
import { forEachAtOnce } from "../backend/mod.ts";
import {
  counted,
  SERVICE_HEADINGS,
  serviceOf,
  serviceRow,
  ServiceSchema,
  table,
} from "../view/mod.ts";
import { NodeArgument, requireVCluster, VClusterArgument } from "./arguments.ts";
import { callAgent, listNodes } from "./nodes.ts";
import { defineTool, READS, type ToolContext } from "./tool.ts";

const perNodeTimeoutMs = 5_000;
const nodesAtOnce = 50;
const maxNodes = 500;

const NodeServicesSchema = z.object({
  node_id: z.string(),
  reachable: z.boolean(),
  services: z.array(ServiceSchema),
});

type NodeServices = z.infer<typeof NodeServicesSchema>;

/** State of supervised services on one or many nodes (MCP-48). */
export const serviceStatusTool = defineTool({
  name: "pact_service_status",
  description:
    "Shows the state of the services that pact supervises, on one node or on every node " +
    "of a vCluster. Nodes that do not answer are marked as unreachable.",
  action: "service_status",
  rates: ["any"],
  annotations: READS,
  needsToken: true,
  input: z.strictObject({
    node: NodeArgument.optional().describe("Node ID; absent: all nodes of the vCluster"),
    service: z.string().min(1).max(128).optional().describe("Only this service"),
    vcluster: VClusterArgument.optional().describe("vCluster; absent: the configured one"),
  }),
  output: z.object({
    nodes: z.array(NodeServicesSchema),
    total: z.number().int().describe("how many nodes there are, also those not asked"),
  }),
  async run({ node, service, vcluster }, context) {
    if (node !== undefined) {
      const services = await servicesOf(node, service, context, callAgent);
      return answer([{ node_id: node, reachable: true, services }], 1);
    }
    const vclusterId = requireVCluster(vcluster, context.settings.vcluster);
    const { nodes } = await listNodes(context, { vclusterId });
    const asked = nodes.slice(0, maxNodes).map(({ nodeId }) => nodeId);
    const results = await forEachAtOnce(
      asked,
      nodesAtOnce,
      (nodeId) => servicesOrUnreachable(nodeId, service, context),
    );
    return answer(results, nodes.length);
  },
});

async function servicesOf(
  node: string,
  service: string | undefined,
  context: ToolContext,
  call: typeof callAgent,
) {
  const request = { service: service ?? "", operation: "status" };
  const { services } = await call(
    node,
    (agent, options) => agent.serviceControl(request, options),
    context,
  );
  return services.map(serviceOf);
}

async function servicesOrUnreachable(
  node: string,
  service: string | undefined,
  context: ToolContext,
): Promise<NodeServices> {
  const { agents } = context.backend;
  try {
    // The journal has just listed the node, so it is not asked about it again.
    const services = await servicesOf(
      node,
      service,
      context,
      (nodeId, work, { signal }) =>
        agents.call(nodeId, work, { signal, timeoutMs: perNodeTimeoutMs }),
    );
    return { node_id: node, reachable: true, services };
  } catch {
    return { node_id: node, reachable: false, services: [] };
  }
}

function answer(nodes: NodeServices[], total: number) {
  const rows = nodes.flatMap(({ node_id, reachable, services }) => {
    if (!reachable) return [[node_id, "-", "UNREACHABLE", "-", "-", "-"]];
    if (services.length === 0) return [[node_id, "(no services)", "-", "-", "-", "-"]];
    return services.map((service) => serviceRow(node_id, service));
  });
  const left = total - nodes.length;
  const text = rows.length === 0 ? "No nodes." : [
    table(SERVICE_HEADINGS, rows),
    ...(left > 0 ? [`and ${counted(left, "more node")}: ask for single nodes`] : []),
  ].join("\n");
  return { text, structured: { nodes, total } };
}
