import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { z } from "zod";
import type { Site } from "../../tests/support/site/mod.ts";
import { ASSISTANT } from "./cast.ts";

/** A tool that was called, and what it answered. */
export interface ToolAnswer {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly text: string;
}

const AnswerSchema = z.object({
  content: z.array(z.object({ type: z.literal("text"), text: z.string() })),
});

/** Starts pact-mcp as an MCP client does, asks it for the nodes that run the collector, and ends it. */
export async function askForFleet(site: Site): Promise<ToolAnswer> {
  const transport = new StdioClientTransport(site.mcpCommand(ASSISTANT.name));
  const client = new Client({ name: "pact-demo", version: "1.0.0" });
  await client.connect(transport);
  try {
    const tool = "pact_query_fleet";
    const input = { capability_filter: "service=collector" };
    const answer = AnswerSchema.parse(await client.callTool({ name: tool, arguments: input }));
    return { tool, input, text: answer.content.map(({ text }) => text).join("\n") };
  } finally {
    await client.close();
  }
}
