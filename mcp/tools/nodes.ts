import type { journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { type AgentClient, Unreachable } from "../backend/mod.ts";
import { type ToolContext, ToolError } from "./tool.ts";
import type { CallOptions } from "@connectrpc/connect";

/** Nodes of a page of the journal's list, and how many are asked for in all. */
const pageSize = 500;
const maxPages = 200;

/** A fleet as the journal sees it. */
export interface Fleet {
  readonly nodes: readonly journal.NodeStateDetail[];
  readonly warnings: readonly journal.HomogeneityWarning[];
}

/** Every node that the filters let through, over all pages. */
export async function listNodes(
  { backend, signal }: ToolContext,
  filters: { readonly vclusterId?: string | undefined; readonly stateFilter?: string | undefined },
): Promise<Fleet> {
  const nodes: journal.NodeStateDetail[] = [];
  const warnings: journal.HomogeneityWarning[] = [];
  let pageToken = "";
  for (let page = 0; page < maxPages; page++) {
    const answer = await backend.journal.call(
      ({ fleet }, options) =>
        fleet.listNodeStates({
          vclusterId: filters.vclusterId ?? "",
          stateFilter: filters.stateFilter ?? "",
          pageSize,
          pageToken,
        }, options),
      { signal },
    );
    nodes.push(...answer.nodes);
    warnings.push(...answer.warnings);
    pageToken = answer.nextPageToken;
    if (pageToken === "") break;
  }
  return { nodes, warnings };
}

/**
 * What the journal knows of one node.
 *
 * @throws {ToolError} `node X not found`.
 */
export async function inspectNode(
  node: string,
  { backend, signal }: ToolContext,
): Promise<journal.NodeStateDetail | undefined> {
  try {
    const { detail } = await backend.journal.call(
      ({ config }, options) => config.getNodeState({ nodeId: node }, options),
      { signal },
    );
    return detail;
  } catch (error) {
    if (isUnknownNode(error)) throw new ToolError(`node ${node} not found`);
    throw error;
  }
}

/** Whether a server says that it does not know the node. */
export function isUnknownNode(error: unknown): boolean {
  return error instanceof PactError &&
    (error.code === "NOT_FOUND" || error.code === "NODE_NOT_ENROLLED");
}

/** Deadline of calls to an agent that only look (MCP-24). */
const agentTimeoutMs = 10_000;

/**
 * Calls the agent of a node after asking the journal whether there is such a node; when the journal
 * cannot be reached the agent is tried all the same (CLI-43, MCP-23).
 *
 * @throws {ToolError} for a node that is unknown or revoked.
 */
export async function callAgent<T>(
  node: string,
  work: (agent: AgentClient, options: CallOptions) => Promise<T>,
  context: ToolContext,
  timeoutMs: number = agentTimeoutMs,
): Promise<T> {
  if (node !== "local" && node !== "localhost") await requireNode(node, context);
  return await context.backend.agents.call(node, work, { signal: context.signal, timeoutMs });
}

/**
 * Calls the agent of a node to change something. The journal must be there to know that the node is
 * not in an emergency: nothing is changed in the dark (SAF-6).
 *
 * @throws {ToolError} for a node that is unknown, revoked or in an emergency.
 * @throws {Unreachable} when the journal or the agent cannot be reached.
 */
export async function callAgentToWrite<T>(
  node: string,
  work: (agent: AgentClient, options: CallOptions) => Promise<T>,
  context: ToolContext,
): Promise<T> {
  const detail = await requireLiveNode(node, context);
  if (detail !== undefined && detail.emergencySession !== "") {
    throw new ToolError("scope is in emergency mode; AI writes are suspended");
  }
  const { signal, backend } = context;
  return await backend.agents.call(node, work, { signal, timeoutMs: agentTimeoutMs });
}

async function requireNode(node: string, context: ToolContext): Promise<void> {
  try {
    await requireLiveNode(node, context);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
  }
}

async function requireLiveNode(node: string, context: ToolContext) {
  const detail = await inspectNode(node, context);
  if (detail?.enrollmentState === "Revoked") throw new ToolError(`node ${node} is decommissioned`);
  return detail;
}
