import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { journal } from "../../api/mod.ts";
import { deltaItems, scopeText } from "../../common/model/mod.ts";
import { declaredNow, isTtlExpiry } from "../state/mod.ts";
import { configStateFilter } from "./config_state.ts";
import { callerWithRole, type ServiceContext } from "./context.ts";
import { knownNodes, nodeDetail } from "./node_detail.ts";

/** Most nodes on one page. */
const MAX_PAGE = 10_000;

/** Nodes the caller may see, by id, a page at a time. */
export async function listNodeStates(
  context: ServiceContext,
  request: journal.ListNodeStatesRequest,
  call: HandlerContext,
): Promise<journal.ListNodeStatesResponse> {
  const caller = callerWithRole(call);
  const isReadable = await context.gatekeeper.readable(caller, "status");
  const wanted = configStateFilter(request.stateFilter);
  const pageSize = request.pageSize === 0 ? MAX_PAGE : Math.min(request.pageSize, MAX_PAGE);
  const nodes: journal.NodeStateDetail[] = [];
  for (const nodeId of knownNodes(context)) {
    if (nodeId <= request.pageToken) continue;
    const scope = { Node: nodeId };
    if (request.vclusterId !== "" && context.gatekeeper.vclusterOf(scope) !== request.vclusterId) {
      continue;
    }
    if (!isReadable(scope)) continue;
    const detail = nodeDetail(context, nodeId);
    if (wanted !== undefined && detail.configState !== wanted) continue;
    nodes.push(detail);
    if (nodes.length > pageSize) break;
  }
  const page = nodes.slice(0, pageSize);
  return create(journal.ListNodeStatesResponseSchema, {
    nodes: page,
    nextPageToken: page.length < nodes.length ? page.at(-1)?.nodeId ?? "" : "",
    warnings: page.flatMap(({ nodeId }) => homogeneityWarnings(context, nodeId)),
  });
}

/**
 * Where a node departs from its vCluster: deltas that are live, and expired ones its agent has not
 * taken back yet (JRN-34, ND3).
 */
function homogeneityWarnings({ replica }: ServiceContext, nodeId: string) {
  const scope = { Node: nodeId };
  const live = [...declaredNow(replica.state, scope).values()].map(keyText);
  const head = replica.state.get("scope_heads", scopeText(scope))?.state_changing;
  const applied = replica.state.get("node_states", nodeId)?.applied_sequence ?? 0;
  const withdrawal = head === undefined || head <= applied ? undefined : replica.entry(head);
  const expired = withdrawal !== undefined && isTtlExpiry(withdrawal)
    ? [...deltaItems(withdrawal.state_delta ?? {})].map(([category, { key }]) =>
      keyText({ category, key })
    )
    : [];
  return [
    ...(live.length === 0 ? [] : [{ nodeId, keys: live.sort(), expired: false }]),
    ...(expired.length === 0 ? [] : [{ nodeId, keys: expired, expired: true }]),
  ];
}

function keyText({ category, key }: { readonly category: string; readonly key: string }): string {
  return `${category}:${key}`;
}
