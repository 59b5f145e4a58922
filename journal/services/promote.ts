import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { canonicalJson, type JsonValue } from "../../common/json/mod.ts";
import {
  type DeltaCategory,
  type Identity,
  type StateDelta,
  StateDeltaSchema,
  SYSTEM_IDENTITY,
} from "../../common/model/mod.ts";
import { readRequestId } from "../../common/rpc/mod.ts";
import { deltaToWire, present } from "../../common/wire/mod.ts";
import { identityOf } from "../access/mod.ts";
import type { Doc } from "../state/mod.ts";
import { callerOf, type ServiceContext } from "./context.ts";
import { requireKnownNode } from "./node_detail.ts";

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
  const grant = await gatekeeper.require({ caller, action: "promote", scope });
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
  if (promoted.length === 0) {
    throw new PactError(
      "PRECONDITION",
      `node ${request.nodeId} has no committed deltas to promote`,
    );
  }
  const result = await replica.submit({
    type: "AppendEntry",
    entry: {
      entry_type: "Commit",
      scope,
      author,
      state_delta: deltaOf(promoted),
      policy_ref: `promote:${request.nodeId}`,
      ...present("message", request.message === "" ? undefined : request.message),
    },
  }, {
    actor: author,
    signal: call.signal,
    ...present("requestId", readRequestId(call.requestHeader)),
  });
  if (result.kind !== "EntryAppended") throw new PactError("INTERNAL", "commit gave no sequence");
  await overwrite(context, author, clashes, request);
  await withdraw(context, author, request);
  return create(journal.PromoteResponseSchema, {
    ...answer,
    sequence: BigInt(result.sequence),
    overlayVersion: BigInt((await replica.overlay(vclusterId)).version),
  });
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

/** Replaces the clashing values of the nodes whose decision is `overwrite`, one commit each. */
async function overwrite(
  { replica }: ServiceContext,
  author: Identity,
  clashes: readonly Clash[],
  request: journal.PromoteRequest,
): Promise<void> {
  const byNode = Map.groupBy(
    clashes.filter((clash) => decisionFor(clash, request.decisions) === "overwrite"),
    (clash) => clash.nodeId,
  );
  for (const [nodeId, own] of byNode) {
    await replica.submit({
      type: "AppendEntry",
      entry: {
        entry_type: "Commit",
        scope: { Node: nodeId },
        author,
        state_delta: deltaOf(own.map((clash) => clash.promoted)),
        policy_ref: `promote:${request.nodeId}`,
        message: `overwritten by the promotion of ${request.nodeId}`,
      },
    }, { actor: author });
  }
}

/**
 * Takes the promoted deltas off the node, now that its vCluster declares the same: a Rollback to
 * what was declared before the oldest of them. Where only some keys were promoted, or nothing was
 * declared before, they stay; their values are equal, so nothing changes on the node.
 */
async function withdraw(
  { replica, gatekeeper }: ServiceContext,
  author: Identity,
  request: journal.PromoteRequest,
): Promise<void> {
  if (request.keys.length > 0) return;
  const scope = { Node: request.nodeId };
  const declared = [...replica.state.list("declared", `node:${request.nodeId}\n`)];
  const oldest = Math.min(...declared.map(([, doc]) => doc.sequence));
  const vclusterId = gatekeeper.vclusterOf(scope);
  if (vclusterId === undefined || !Number.isFinite(oldest) || oldest === 0) return;
  const before = replica.entries({
    scope: { VCluster: vclusterId },
    types: ["Commit", "Rollback"],
    toSequence: oldest - 1,
    descending: true,
    limit: 1,
  });
  for await (const { sequence } of before) {
    await replica.submit({
      type: "AppendEntry",
      entry: {
        entry_type: "Rollback",
        scope,
        // The journal's own doing: a person may not roll a node back to its vCluster's head (API-33).
        author: SYSTEM_IDENTITY,
        parent: sequence,
        policy_ref: `promote:${request.nodeId}`,
        message: `promoted to vCluster ${vclusterId} by ${author.principal}`,
      },
    }, { actor: SYSTEM_IDENTITY });
  }
}

function textOf({ value, absent }: Declared): string {
  if (absent === true) return "(removed)";
  const json: JsonValue = value ?? null;
  return typeof json === "string" ? json : canonicalJson(json);
}
