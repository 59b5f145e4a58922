import { create } from "@bufbuild/protobuf";
import { config, durationFromMs, shell } from "../../api/mod.ts";
import { nodeEntry, RefusedError, type Written } from "../entries/mod.ts";
import { ConvergenceError, type PreparedCommit } from "../window/mod.ts";
import { admitCall, type CallGrant, grantCall } from "./access.ts";
import { approvedGrant } from "./approved_grant.ts";
import type { CallContext, CallHandler } from "./call_server.ts";
import { unaryCall } from "./handler.ts";
import type { CallNode } from "./node.ts";
import { withoutRules } from "./without_rules.ts";

const { method } = shell.ShellService;

/** Bounds of a delta's life in seconds (ND1, ND2). */
const TTL_MIN_SECONDS = 900;
const TTL_MAX_SECONDS = 864_000;
const MESSAGE_MAX_CHARS = 4096;
/** Longest time that an approval may be pending (APR-10), whatever the journal's clock says. */
const MAX_APPROVAL_MS = 86_400_000;

/** The node's configuration state: show, commit, roll back, extend (node-ops.md 4 and 5). */
export function stateCalls(node: CallNode): Record<string, CallHandler> {
  return {
    [method.getStatus.name]: unaryCall(method.getStatus, (_request, call) => {
      grantCall(node.standing(), call.caller, "status");
      return Promise.resolve(node.status());
    }),
    [method.getCapability.name]: unaryCall(method.getCapability, (_request, call) => {
      grantCall(node.standing(), call.caller, "cap");
      return Promise.resolve(node.capability());
    }),
    [method.extendCommitWindow.name]: unaryCall(
      method.extendCommitWindow,
      (request, call) => extend(node, request, call),
    ),
    [method.localCommit.name]: unaryCall(
      method.localCommit,
      (request, call) => commit(node, request, call),
    ),
    [method.localRollback.name]: unaryCall(
      method.localRollback,
      (request, call) => rollback(node, request, call),
    ),
  };
}

async function extend(node: CallNode, request: shell.ExtendWindowRequest, call: CallContext) {
  const wanted = { action: "extend", command: "", args: [] };
  const { author } = await approvedGrant(node, call, wanted);
  const detail = `commit window extended by ${request.additionalMinutes} min`;
  await node.auditFirst("config.window_extended", author, detail);
  const remaining = await orRefuse(() => node.convergence.extend(request.additionalMinutes));
  return { success: true, newDeadlineSeconds: remaining };
}

async function commit(node: CallNode, request: shell.LocalCommitRequest, call: CallContext) {
  const grant = admitLocally(node, call, "commit");
  checkCommit(request);
  const prepared = await orRefuse(() =>
    node.convergence.prepareCommit(request.keys.length === 0 ? undefined : request.keys)
  );
  try {
    const written = await writeCommit(node, call, grant, request, prepared);
    const sequence = written.kind === "appended" ? written.sequence : undefined;
    const requestId = written.kind === "queued" ? written.requestId : undefined;
    await node.convergence.confirmCommit(prepared.id, sequence, requestId);
    return {
      sequence: sequence ?? 0n,
      policyRef: written.kind === "appended" ? written.policyRef : `degraded:${grant.policyRef}`,
      delta: prepared.delta,
    };
  } catch (error) {
    node.convergence.abortCommit(prepared.id);
    await holdWindow(node, error);
    throw error;
  }
}

/** While a second person is waited for the window's clock stands still (WIN-8). */
async function holdWindow(node: CallNode, error: unknown): Promise<void> {
  if (!(error instanceof RefusedError) || error.code !== "APPROVAL_REQUIRED") return;
  const waitMs = Date.parse(error.approval.expires) - node.clock.nowMs();
  if (waitMs > 0) await node.convergence.approvalPending(Math.min(waitMs, MAX_APPROVAL_MS));
}

/**
 * The journal asks the site's rules about the entry; without contact the degraded table holds, and so
 * it does where the journal turns out to have no quorum that could take the entry.
 */
function admitLocally(node: CallNode, { caller }: CallContext, action: string): CallGrant {
  const grant = admitCall(node.standing(), caller, action);
  return node.isConnected() ? grant : withoutRules(node.standing(), grant, action);
}

function checkCommit({ message, ttlSeconds }: shell.LocalCommitRequest): void {
  if (message.trim() === "") throw new RefusedError("INVALID_ARGUMENT", "commit message required");
  if (message.length > MESSAGE_MAX_CHARS) {
    throw new RefusedError(
      "INVALID_ARGUMENT",
      `message longer than ${MESSAGE_MAX_CHARS} characters`,
    );
  }
  if (ttlSeconds !== 0 && ttlSeconds < TTL_MIN_SECONDS) {
    throw new RefusedError("TTL_OUT_OF_BOUNDS", "TTL must be >= 900 seconds (15 minutes)");
  }
  if (ttlSeconds > TTL_MAX_SECONDS) {
    throw new RefusedError("TTL_OUT_OF_BOUNDS", "TTL must be <= 864000 seconds (10 days)");
  }
}

async function writeCommit(
  node: CallNode,
  call: CallContext,
  grant: CallGrant,
  request: shell.LocalCommitRequest,
  prepared: PreparedCommit,
): Promise<Written> {
  const entry = nodeEntry(node.standing().nodeId, node.clock.nowMs(), grant.author, {
    entryType: config.EntryType.COMMIT,
    stateDelta: prepared.delta,
    message: request.message,
    policyRef: grant.policyRef,
    ...(request.ttlSeconds === 0 ? {} : { ttl: durationFromMs(request.ttlSeconds * 1000) }),
  });
  return await node.writer.write({
    entry,
    expectedHead: request.expectedHead,
    approval: approvalOf(call, grant),
    checkKept: () => void withoutRules(node.standing(), grant, "commit"),
  });
}

/** The journal lets the entry wait, or uses the permit with it (APR-12). */
function approvalOf({ caller, approvalId }: CallContext, { needsApproval }: CallGrant) {
  return { subject: caller.subject, id: approvalId, isRequired: needsApproval };
}

/**
 * Reverts what has drifted, and the node's own deltas newer than the target (RBK-1). The entry comes
 * first: where the journal refuses the target, nothing is touched.
 */
async function rollback(node: CallNode, request: shell.LocalRollbackRequest, call: CallContext) {
  const grant = admitLocally(node, call, "rollback");
  if (request.force && !grant.isPlatformAdmin) {
    throw new RefusedError(
      "PERMISSION_DENIED",
      "only a platform admin may force a rollback (RBK-5)",
    );
  }
  const target = request.targetSequence;
  const entry = nodeEntry(node.standing().nodeId, node.clock.nowMs(), grant.author, {
    entryType: config.EntryType.ROLLBACK,
    parent: target,
    message: `rolled back to seq:${target}`,
    policyRef: grant.policyRef,
  });
  const written = await node.writer.write({
    entry,
    expectedHead: request.expectedHead,
    approval: approvalOf(call, grant),
    checkKept: () => void withoutRules(node.standing(), grant, "rollback"),
  });
  const reverted = await orRefuse(() => node.convergence.rollback({ force: request.force }));
  if (reverted.incomplete.length > 0) {
    const names = reverted.incomplete.map(({ name, reason }) => `${name} (${reason})`).join(", ");
    throw new RefusedError("PRECONDITION", `rollback incomplete: ${names}`);
  }
  const newer = (node.declared()?.nodeDeltas ?? []).filter((sequence) => sequence > target);
  return create(shell.LocalRollbackResponseSchema, {
    sequence: written.kind === "appended" ? written.sequence : 0n,
    entriesReverted: newer.length,
  });
}

/** The convergence's refusals as the wire knows them. */
async function orRefuse<Result>(command: () => Promise<Result>): Promise<Result> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof ConvergenceError)) throw error;
    const code = error.code === "FAILED_PRECONDITION" ? "PRECONDITION" : error.code;
    const blocked = error.blockedBy.length === 0 ? "" : `: ${error.blockedBy.join("; ")}`;
    throw new RefusedError(code, `${error.message}${blocked}`);
  }
}
