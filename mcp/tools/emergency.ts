import { z } from "zod";
import { defineTool, READS, ToolError } from "./tool.ts";

const refusals = {
  start: "AI agents are restricted from entering emergency mode (P8). emergency mode restricted " +
    "to human admins. Request a human admin to enter emergency mode.",
  end: "AI agents cannot end emergency mode (P8). emergency mode restricted to human admins.",
} as const;

/** Explains that emergency mode belongs to people; calls nothing (MCP-50, SAF-1). */
export const emergencyTool = defineTool({
  name: "pact_emergency",
  description: "Explains why emergency mode cannot be started or ended from here: it belongs to " +
    "human admins. Always refuses.",
  action: "emergency_start",
  rates: ["any"],
  annotations: READS,
  needsToken: false,
  input: z.strictObject({
    action: z.enum(["start", "end"]).describe("What was wanted"),
    reason: z.string().max(1024).optional().describe("Why it was wanted"),
    force: z.boolean().default(false).describe("Makes no difference"),
  }),
  output: z.object({}),
  missing: { action: "action required (start/end)" },
  run: ({ action }) => Promise.reject(new ToolError(refusals[action])),
});
