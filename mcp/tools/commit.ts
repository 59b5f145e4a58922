import { z } from "zod";
import { config } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { type Scope, scopeText } from "../../common/model/mod.ts";
import { scopeToWire } from "../../common/wire/mod.ts";
import { callHeaders, metadata } from "../../common/rpc/mod.ts";
import { oneLine } from "../view/mod.ts";
import { scopeOf, VClusterArgument } from "./arguments.ts";
import { callAgentToWrite } from "./nodes.ts";
import { type Answer, defineTool, type ToolContext, ToolError, WRITES } from "./tool.ts";

const output = z.object({
  status: z.enum(["committed", "approval_required"]),
  scope: z.string(),
  sequence: z.number().int().optional(),
  policy_ref: z.string().optional(),
  approval_id: z.string().optional(),
  approval_expires: z.string().optional(),
});

type Result = Answer<z.output<typeof output>>;

/** Accepts a node's drift, or records a note for a vCluster (MCP-43). */
export const commitTool = defineTool({
  name: "pact_commit",
  description: "Accepts the current drift of a node as its new configuration (scope node:X), or " +
    "records a change note for a vCluster (scope vc:X). Refused unless the site's policy lets " +
    "this server commit there.",
  action: "commit",
  rates: ["any", "write"],
  annotations: WRITES,
  needsToken: true,
  input: z.strictObject({
    message: z.string().min(1).max(4096).describe("Why: kept in the history, for people to read"),
    scope: z.string().max(320).regex(/^(node|vc):.+$/, { message: "must be node:X or vc:X" })
      .optional().describe("What to commit: node:X or vc:X; absent: the default vCluster"),
    vcluster: VClusterArgument.optional().describe("Another way to say scope vc:X"),
  }),
  output,
  missing: { message: "commit message required" },
  async run({ message, scope, vcluster }, context): Promise<Result> {
    if (message.trim() === "") throw new ToolError("commit message required");
    const target = targetOf(scope, vcluster ?? context.settings.vcluster);
    try {
      return target !== "Global" && "Node" in target
        ? await commitNode(target, target.Node, message, context)
        : await commitVCluster(target, message, context);
    } catch (error) {
      if (error instanceof PactError && error.code === "APPROVAL_REQUIRED") {
        return approvalRequired(error, scopeText(target));
      }
      throw error;
    }
  },
});

function targetOf(scope: string | undefined, vcluster: string | undefined): Scope {
  if (scope !== undefined) return scopeOf(scope);
  if (vcluster === undefined) throw new ToolError("scope required");
  return { VCluster: vcluster };
}

async function commitNode(
  scope: Scope,
  node: string,
  message: string,
  context: ToolContext,
): Promise<Result> {
  const headers = callHeaders({ requestId: context.requestId() });
  const { sequence, policyRef } = await callAgentToWrite(
    node,
    (agent, options) => agent.localCommit({ message }, { ...options, headers }),
    context,
  );
  context.backend.journal.noteWrite(sequence);
  return committed(scopeText(scope), sequence, policyRef);
}

async function commitVCluster(
  scope: Scope,
  message: string,
  { backend, signal, requestId }: ToolContext,
): Promise<Result> {
  const entry = { entryType: config.EntryType.COMMIT, scope: scopeToWire(scope), message };
  const { sequence, policyRef } = await backend.journal.call(
    (services, options) => services.config.appendEntry({ entry }, options),
    { signal, requestId: requestId() },
  );
  backend.journal.noteWrite(sequence);
  return committed(scopeText(scope), sequence, policyRef);
}

function committed(scope: string, sequence: bigint, policyRef: string): Result {
  const policy = oneLine(policyRef);
  return {
    text: `Committed (seq:${sequence}) on ${scope}  policy: ${policy || "-"}`,
    structured: { status: "committed", scope, sequence: Number(sequence), policy_ref: policy },
  };
}

/** Waiting for a second person is an outcome, not an error. */
function approvalRequired({ trailers }: PactError, scope: string): Result {
  const id = oneLine(trailers[metadata.approvalId] ?? "");
  const expires = oneLine(trailers[metadata.approvalExpires] ?? "");
  const until = expires === "" ? "" : ` (expires ${expires})`;
  return {
    text: `Approval required: ${id}${until}. A human must approve.`,
    structured: {
      status: "approval_required",
      scope,
      approval_id: id,
      ...(expires === "" ? {} : { approval_expires: expires }),
    },
  };
}
