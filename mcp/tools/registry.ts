import type { Settings } from "../config/mod.ts";
import { commitTool } from "./commit.ts";
import { diffTool } from "./diff.ts";
import { emergencyTool } from "./emergency.ts";
import { execTool } from "./exec.ts";
import { logTool } from "./log.ts";
import { queryFleetTool } from "./query_fleet.ts";
import { serviceStatusTool } from "./service_status.ts";
import { statusTool } from "./status.ts";
import { type Tool, ToolError } from "./tool.ts";

/** Every tool there is. What is not here cannot be done, whatever a policy allows (SAF-1, MCP-31). */
export const TOOLS: readonly Tool[] = [
  statusTool,
  diffTool,
  logTool,
  commitTool,
  execTool,
  serviceStatusTool,
  queryFleetTool,
  emergencyTool,
];

type Limits = Pick<Settings, "readOnly" | "tools">;

/** The tools that the settings leave (MCP-21, SAF-11). */
export function offeredTools(limits: Limits): Tool[] {
  return TOOLS.filter((tool) => refusalOf(tool, limits) === undefined);
}

/**
 * Holds a call to the same limits as the list (SAF-11).
 *
 * @throws {ToolError} naming the limit.
 */
export function requireOffered(tool: Tool, limits: Limits): void {
  const refusal = refusalOf(tool, limits);
  if (refusal !== undefined) throw new ToolError(refusal);
}

function refusalOf(tool: Tool, { readOnly, tools }: Limits): string | undefined {
  if (readOnly && !tool.annotations.readOnlyHint) {
    return `${tool.name} changes things and this server only reads (PACT_MCP_READ_ONLY)`;
  }
  if (tools !== undefined && !tools.includes(tool.name)) {
    return `${tool.name} is not among this server's tools (PACT_MCP_TOOLS)`;
  }
  return undefined;
}
