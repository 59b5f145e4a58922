import { config, shell } from "../../api/mod.ts";
import { redactArguments } from "../../contracts/mod.ts";
import { nodeEntry, RefusedError } from "../entries/mod.ts";
import {
  effectiveWhitelist,
  type ExecEvent,
  execLogMessage,
  type ExecPlan,
  type ExecRefusal,
  type ExecRights,
  type ExecSummary,
} from "../exec/mod.ts";
import { type CallGrant, grantCall } from "./access.ts";
import { approvedGrant } from "./approved_grant.ts";
import type { CallContext, CallHandler } from "./call_server.ts";
import { streamingCall, unaryCall } from "./handler.ts";
import type { CallNode } from "./node.ts";

const { method } = shell.ShellService;

/** Running single commands (node-ops.md 8.2). */
export function execCalls(node: CallNode): Record<string, CallHandler> {
  return {
    [method.exec.name]: streamingCall(method.exec, (request, call) => exec(node, request, call)),
    [method.listCommands.name]: unaryCall(method.listCommands, (_request, call) => {
      grantCall(node.standing(), call.caller, "status");
      const commands = node.executor.list(rightsOf(node, grantOrNone(node, call))).map((
        listed,
      ) => ({
        command: listed.name,
        stateChanging: listed.stateChanging,
        description: listed.description,
        installed: listed.installed,
      }));
      return Promise.resolve({ commands });
    }),
  };
}

async function* exec(
  node: CallNode,
  request: shell.ExecRequest,
  call: CallContext,
): AsyncGenerator<{ output: shell.ExecOutput["output"] }> {
  const grant = grantCall(node.standing(), call.caller, "exec");
  const preparation = node.executor.prepare(request, rightsOf(node, grant));
  if (preparation.kind === "refused") {
    logRefusal(node, grant, request, preparation.refusal);
    yield* refused(preparation.refusal);
    return;
  }
  const { plan } = preparation;
  const changesState = plan.class !== "read-only";
  const { command, args } = plan;
  const wanted = { action: "exec", changesState, command, args };
  const grantForClass = await approvedGrant(node, call, wanted);
  await recordExec(node, grantForClass, plan);
  const run = node.executor.run(plan, node.newId(), { signal: call.signal });
  if (changesState) node.attribute(grant.author.principal);
  try {
    for await (const event of run.events) yield { output: outputOf(event) };
  } finally {
    // Also when the caller has gone in the middle of it: every command leaves an entry (S4).
    logExec(node, grantForClass, plan, await run.summary);
    if (changesState) node.attribute(grant.author.principal);
    if (changesState) await node.convergence.scan();
  }
}

/**
 * Puts a command on record. One that changes the node, is not on the whitelist or runs on a regulated
 * node is run only once its record is durable (AUD-5, AS-6, EXE-8).
 */
async function recordExec(node: CallNode, grant: CallGrant, plan: ExecPlan): Promise<void> {
  const bypass = plan.bypass ? " whitelist_bypass: true" : "";
  const detail = `${plan.command} ${redactArguments(plan.args)} (${plan.class})${bypass}`;
  const isDue = plan.class !== "read-only" || plan.bypass ||
    node.standing().policy?.regulated === true;
  if (isDue) await node.auditFirst("admin.exec", grant.author, detail);
  else node.audit("admin.exec", grant.author, detail);
}

function outputOf(event: ExecEvent): shell.ExecOutput["output"] {
  switch (event.kind) {
    case "stdout":
    case "stderr":
      return { case: event.kind, value: new Uint8Array(event.bytes) };
    case "error":
      return { case: "error", value: event.message };
    case "exit":
      return { case: "exitCode", value: event.code };
  }
}

/** What the caller may run here (WHL-2, WHL-6). */
function rightsOf(node: CallNode, grant: CallGrant | undefined): ExecRights {
  const { policy } = node.standing();
  return {
    whitelist: effectiveWhitelist(policy?.execWhitelist ?? []).names,
    bypassesWhitelist: grant?.isPlatformAdmin ?? false,
    isPlatformAdmin: grant?.isPlatformAdmin ?? false,
    readOnlyOnly: grant?.readOnlyOnly ?? true,
  };
}

function grantOrNone(node: CallNode, call: CallContext): CallGrant | undefined {
  try {
    return grantCall(node.standing(), call.caller, "exec");
  } catch (error) {
    if (error instanceof RefusedError) return undefined;
    throw error;
  }
}

function* refused(refusal: ExecRefusal): Generator<{ output: shell.ExecOutput["output"] }> {
  if (refusal.code === "INVALID_ARGUMENT") {
    throw new RefusedError("INVALID_ARGUMENT", refusal.message);
  }
  yield { output: { case: "error", value: refusal.message } };
  if (refusal.code === "NOT_INSTALLED") {
    yield { output: { case: "exitCode", value: refusal.exitCode } };
  }
}

/** Every command leaves an entry, run or refused (EXE-8, S4). */
function logExec(node: CallNode, grant: CallGrant, plan: ExecPlan, summary: ExecSummary): void {
  const [, approval = ""] = /^approved:(.+)$/.exec(grant.policyRef) ?? [];
  const message = execLogMessage(summary, { degraded: !node.writer.isReachable, approval });
  write(node, grant, message, plan.command);
}

function logRefusal(
  node: CallNode,
  grant: CallGrant,
  request: shell.ExecRequest,
  refusal: ExecRefusal,
): void {
  const message = JSON.stringify({
    command: refusal.command || request.command.slice(0, 128),
    refused: refusal.message.slice(0, 512),
    exit_code: refusal.exitCode,
  });
  write(node, grant, message, refusal.command);
}

function write(node: CallNode, grant: CallGrant, message: string, command: string): void {
  const entry = nodeEntry(node.standing().nodeId, node.clock.nowMs(), grant.author, {
    entryType: config.EntryType.EXEC_LOG,
    message,
    policyRef: grant.policyRef,
  });
  node.writer.write({ entry }).catch((error: unknown) =>
    node.log.error("exec entry refused by the journal", { command, error: String(error) })
  );
}
