import { z } from "zod";
import { NodeArgument } from "./arguments.ts";
import { callAgent } from "./nodes.ts";
import { OutputBuffer } from "./output_buffer.ts";
import { defineTool, type ToolContext, ToolError, WRITES } from "./tool.ts";

const output = z.object({
  node_id: z.string(),
  command: z.string(),
  args: z.array(z.string()),
  exit_code: z.number().int(),
  stdout: z.string(),
  stderr: z.string(),
});

/** Runs one allowed program on a node (MCP-45). */
export const execTool = defineTool({
  name: "pact_exec",
  description:
    "Runs one diagnostic program on a node and returns its output. No shell: one program " +
    "and its arguments. It must be on the node's list of allowed programs, and the site must have " +
    "allowed this server to run programs there.",
  action: "exec",
  rates: ["any", "write", "exec"],
  annotations: WRITES,
  needsToken: true,
  input: z.strictObject({
    node: NodeArgument.describe("Target node ID"),
    command: z.string().min(1).max(4096).describe("Program to run; must be allowed on that node"),
    args: z.array(z.string().max(4096)).max(256).optional().describe("Arguments, passed unchanged"),
    timeout_seconds: z.int().min(1).max(300).default(60).describe("How long it may run"),
  }),
  output,
  missing: { node: "node ID required", command: "command required" },
  async run({ node, command, args, timeout_seconds }, context) {
    const [program, words] = splitCommand(command, args);
    const result = await execute(node, program, words, timeout_seconds * 1000, context);
    const { stdout, stderr, exitCode } = result;
    const lines = [stdout, stderr === "" ? "" : `stderr: ${stderr}`]
      .map((text) => text.replace(/\n+$/, "")).filter((text) => text !== "");
    return {
      text: [
        `[${node}] ${[program, ...words].join(" ")}`,
        ...(lines.length === 0 ? [] : [context.quote(lines.join("\n"))]),
        `(exit code: ${exitCode})`,
      ].join("\n"),
      structured: {
        node_id: node,
        command: program,
        args: words,
        exit_code: exitCode,
        stdout,
        stderr,
      },
      isError: exitCode !== 0,
    };
  },
});

/** The program and its arguments; without `args` the command is split at spaces, never by a shell. */
function splitCommand(command: string, args: string[] | undefined): [string, string[]] {
  const [program, ...words] = command.trim().split(/\s+/);
  if (program === undefined || program === "") throw new ToolError("command required");
  if (args === undefined) return [program, words];
  if (words.length > 0) throw new ToolError("command: must be a single word when args are given");
  return [program, args];
}

async function execute(
  node: string,
  command: string,
  args: string[],
  timeoutMs: number,
  context: ToolContext,
) {
  // Head and tail of both streams, and what stands around them, fit one result together.
  const partBytes = Math.max(64, Math.floor((context.settings.maxOutputBytes - 1024) / 4));
  const stdout = new OutputBuffer(partBytes);
  const stderr = new OutputBuffer(partBytes);
  const exitCode = await callAgent(
    node,
    async (agent, options) => {
      for await (const { output } of agent.exec({ command, args }, options)) {
        switch (output.case) {
          case "stdout":
            stdout.write(output.value);
            break;
          case "stderr":
            stderr.write(output.value);
            break;
          case "exitCode":
            return output.value;
          case "error":
            throw new ToolError(output.value);
        }
      }
      throw new ToolError(`the agent of ${node} ended the call without an exit code`);
    },
    context,
    timeoutMs,
  );
  return { stdout: stdout.text(), stderr: stderr.text(), exitCode };
}
