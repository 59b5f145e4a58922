import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { instantToWire, present } from "../../common/wire/mod.ts";
import { type Conflict, conflictValueText } from "../state/mod.ts";
import { callerOf, callerWithRole, type ServiceContext } from "./context.ts";
import { submitGranted } from "./submit_granted.ts";

/** Conflicts the caller may see, oldest first; a node sees its own (journal.md 11.2). */
export async function listConflicts(
  { replica, gatekeeper }: ServiceContext,
  { vclusterId, nodeId, includeClosed }: journal.ListConflictsRequest,
  call: HandlerContext,
): Promise<journal.ListConflictsResponse> {
  const caller = callerWithRole(call);
  const isReadable = await gatekeeper.readable(caller, "diff");
  const isVisible = (scope: { readonly Node: string }) =>
    caller.principal.nodeId === undefined
      ? isReadable(scope)
      : caller.principal.nodeId === scope.Node;
  const conflicts: Conflict[] = [];
  for (const [, conflict] of replica.state.list("conflicts")) {
    const scope = { Node: conflict.node_id };
    if (conflict.state !== "Open" && !includeClosed) continue;
    if (nodeId !== "" && conflict.node_id !== nodeId) continue;
    if (vclusterId !== "" && gatekeeper.vclusterOf(scope) !== vclusterId) continue;
    if (isVisible(scope)) conflicts.push(conflict);
  }
  conflicts.sort((a, b) => Date.parse(a.detected_at) - Date.parse(b.detected_at));
  return create(journal.ListConflictsResponseSchema, { conflicts: conflicts.map(toWire) });
}

/**
 * Decides a conflict for the node's value or for the journal's.
 *
 * @throws {PactError} NOT_FOUND, or PRECONDITION when it is decided already.
 */
export async function resolveConflict(
  context: ServiceContext,
  { id, accept, message }: journal.ResolveConflictRequest,
  call: HandlerContext,
): Promise<journal.AppendEntryResponse> {
  const { replica, gatekeeper } = context;
  const caller = callerOf(call);
  if (accept !== "local" && accept !== "journal") {
    throw new PactError("INVALID_ARGUMENT", "accept must be local or journal");
  }
  const conflict = replica.state.get("conflicts", id);
  if (conflict === undefined) throw new PactError("NOT_FOUND", "conflict ID not found");
  const scope = { Node: conflict.node_id };
  const { category, key } = conflict;
  const change = { categories: [category], keys: [`${category}:${key}`], count: 1 };
  const details = { change };
  const grant = await gatekeeper.admit({ caller, action: "commit", scope, details: () => details });
  const result = await submitGranted(context, call, caller, grant, {
    action: "commit",
    scope,
    command: {
      type: "ResolveConflict",
      conflict_id: id,
      accept,
      ...present("message", message === "" ? undefined : message),
    },
    detail: `conflict ${id}: ${accept} value kept`,
    details,
  });
  const sequence = result.kind === "Ok" ? result.sequence : undefined;
  if (sequence === undefined) throw new PactError("INTERNAL", "the decision gave no sequence");
  return create(journal.AppendEntryResponseSchema, {
    sequence: BigInt(sequence),
    policyRef: grant.policyRef,
  });
}

function toWire(conflict: Conflict) {
  const { id, node_id, category, key, local, journal: theirs, state } = conflict;
  return create(journal.ConflictRecordSchema, {
    id,
    nodeId: node_id,
    category,
    key,
    localValue: conflictValueText(local),
    journalValue: conflictValueText(theirs),
    state,
    detectedAt: instantToWire(conflict.detected_at),
    deadline: instantToWire(conflict.deadline),
    resolvedBy: conflict.closed_by ?? "",
  });
}
