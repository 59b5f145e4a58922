import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { canonicalJson, type JsonValue } from "../../common/json/mod.ts";
import {
  type DeltaCategory,
  scopeText,
  type StateDelta,
  StateDeltaSchema,
} from "../../common/model/mod.ts";
import { readRequestId } from "../../common/rpc/mod.ts";
import { deltaToWire } from "../../common/wire/mod.ts";
import { identityOf } from "../access/mod.ts";
import { compositeKey, type Doc } from "../state/mod.ts";
import { changeFacts } from "../policy/mod.ts";
import { callerOf, type ServiceContext } from "./context.ts";
import { requireKnownNode } from "./node_detail.ts";
import { submitGranted } from "./submit_granted.ts";

type Declared = Doc<"declared">;

/** A node of the same vCluster that declares another value for a promoted key (CON-4). */
interface Clash {
  readonly nodeId: string;
  readonly promoted: Declared;
  readonly local: Declared;
}

/**
 * Makes what one node declares the declaration of its vCluster. Nodes that declare something else
 * for a key need a decision each: `overwrite` or `keep` (CON-4). A dry run writes nothing.
 *
 * @throws {PactError} PROMOTE_CONFLICT where a decision is missing.
 */
export async function promote(
  context: ServiceContext,
  request: journal.PromoteRequest,
  call: HandlerContext,
): Promise<journal.PromoteResponse> {
  const { gatekeeper, replica } = context;
  const caller = callerOf(call);
  requireKnownNode(context, request.nodeId);
  const vclusterId = gatekeeper.vclusterOf({ Node: request.nodeId });
  if (vclusterId === undefined) {
    throw new PactError("PRECONDITION", `node ${request.nodeId} belongs to no vCluster`);
  }
  const scope = { VCluster: vclusterId };
  const details = () => ({ change: changeFacts(deltaOf(promotable(context, request))) });
  const grant = await gatekeeper.admit({ caller, action: "promote", scope, details });
  const promoted = promotable(context, request);
  const clashes = findClashes(context, request.nodeId, vclusterId, promoted);
  const author = identityOf(caller, grant.role);
  const answer = {
    vclusterId,
    delta: deltaToWire(deltaOf(promoted)),
    conflicts: clashes.map((clash) => conflictOf(context, clash)),
  };
  if (request.dryRun) return create(journal.PromoteResponseSchema, answer);
  requireDecisions(clashes, request.decisions);
  const requestId = readRequestId(call.requestHeader);
  // A repeated request finds nothing left to promote; it gets its first answer (JRN-57).
  if (promoted.length === 0 && !isRepeated(context, author.principal, requestId)) {
    throw new PactError(
      "PRECONDITION",
      `node ${request.nodeId} has no committed deltas to promote`,
    );
  }
  const withdraw = withdrawals(request, vclusterId, promoted, clashes);
  const result = await submitGranted(context, call, caller, grant, {
    action: "promote",
    scope,
    command: {
      type: "Promote",
      entry: {
        entry_type: "Commit",
        scope,
        author,
        state_delta: deltaOf(promoted),
        policy_ref: `promote:${request.nodeId}`,
        message: request.message === "" ? `promoted from ${request.nodeId}` : request.message,
      },
      check_services: true,
      withdraw,
    },
    actor: author,
    detail: `from node ${request.nodeId}`,
    heads: headsOf(context, [request.nodeId, ...clashes.map(({ nodeId }) => nodeId)]),
    requestId,
  });
  if (result.kind !== "EntryAppended") throw new PactError("INTERNAL", "commit gave no sequence");
  return create(journal.PromoteResponseSchema, {
    ...answer,
    sequence: BigInt(result.sequence),
    overlayVersion: BigInt((await replica.overlay(vclusterId)).version),
  });
}

/** What the promotion was worked out from: what these nodes declare (APR-11). */
function headsOf({ replica }: ServiceContext, nodes: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    nodes.map((id) => scopeText({ Node: id })).map((scope) => [
      scope,
      replica.state.get("scope_heads", scope)?.state_changing ?? -1,
    ]),
  );
}

function isRepeated(
  { replica }: ServiceContext,
  principal: string,
  requestId: string | undefined,
): boolean {
  return requestId !== undefined &&
    replica.state.get("request_ids", compositeKey(principal, requestId)) !== undefined;
}

/**
 * Which deltas end because the vCluster declares the keys now: the promoted ones of the node itself
 * and those of other nodes whose decision is `overwrite`.
 */
function withdrawals(
  request: journal.PromoteRequest,
  vclusterId: string,
  promoted: readonly Declared[],
  clashes: readonly Clash[],
) {
  const overwritten = Map.groupBy(
    clashes.filter((clash) => decisionFor(clash, request.decisions) === "overwrite"),
    (clash) => clash.nodeId,
  );
  return [
    {
      node_id: request.nodeId,
      message: `promoted to vCluster ${vclusterId}`,
      deltas: promoted.map(declarationOf),
    },
    ...[...overwritten].map(([node_id, own]) => ({
      node_id,
      message: `overwritten by the promotion of ${request.nodeId}`,
      deltas: own.map((clash) => declarationOf(clash.local)),
    })),
  ];
}

function declarationOf({ category, key, sequence }: Declared) {
  return { category, key, sequence };
}

/** What the node declares, or the asked-for keys of it (`category:key`). */
function promotable({ replica }: ServiceContext, request: journal.PromoteRequest): Declared[] {
  const declared = [...replica.state.list("declared", `node:${request.nodeId}\n`)].map(([, doc]) =>
    doc
  );
  if (request.keys.length === 0) return declared;
  const wanted = new Set(request.keys);
  return declared.filter((doc) => wanted.has(`${doc.category}:${doc.key}`));
}

function deltaOf(declared: readonly Declared[]): StateDelta {
  const delta: Partial<Record<DeltaCategory, unknown[]>> = {};
  for (const { category, key, value, absent } of declared) {
    const item = absent === true ? { action: "Remove", key } : { action: "Modify", key, value };
    (delta[category] ??= []).push(item);
  }
  return StateDeltaSchema.parse(delta);
}

function findClashes(
  { replica }: ServiceContext,
  nodeId: string,
  vclusterId: string,
  promoted: readonly Declared[],
): Clash[] {
  const clashes: Clash[] = [];
  for (const [other, assignment] of replica.state.list("node_assignments")) {
    if (other === nodeId || assignment.vcluster_id !== vclusterId) continue;
    for (const doc of promoted) {
      const local = replica.state.get("declared", `node:${other}\n${doc.category}\n${doc.key}`);
      if (local !== undefined && textOf(local) !== textOf(doc)) {
        clashes.push({ nodeId: other, promoted: doc, local });
      }
    }
  }
  return clashes;
}

function conflictOf({ replica }: ServiceContext, { nodeId, promoted, local }: Clash) {
  return {
    nodeId,
    category: promoted.category,
    key: promoted.key,
    promotedValue: textOf(promoted),
    localValue: textOf(local),
    author: replica.entry(local.sequence)?.author.principal ?? "",
  };
}

function requireDecisions(
  clashes: readonly Clash[],
  decisions: readonly journal.PromoteDecision[],
): void {
  const open = clashes.filter((clash) => decisionFor(clash, decisions) === undefined);
  if (open.length === 0) return;
  const list = open.map(({ nodeId, promoted }) =>
    `${promoted.category}:${promoted.key} on ${nodeId}`
  );
  throw new PactError(
    "PROMOTE_CONFLICT",
    `PROMOTE_CONFLICT: decide overwrite or keep for ${list.join(", ")}`,
  );
}

function decisionFor(
  { nodeId, promoted }: Clash,
  decisions: readonly journal.PromoteDecision[],
): "overwrite" | "keep" | undefined {
  const { decision } = decisions.find((candidate) =>
    candidate.nodeId === nodeId &&
    (candidate.key === "" ||
      (candidate.category === promoted.category && candidate.key === promoted.key))
  ) ?? {};
  return decision === "overwrite" || decision === "keep" ? decision : undefined;
}

function textOf({ value, absent }: Declared): string {
  if (absent === true) return "(removed)";
  const json: JsonValue = value ?? null;
  return typeof json === "string" ? json : canonicalJson(json);
}
