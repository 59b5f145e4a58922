import { create } from "@bufbuild/protobuf";
import { journal } from "../../api/mod.ts";
import { type Scope, scopeText } from "../../common/model/mod.ts";
import { instantToWire, present, scopeToWire } from "../../common/wire/mod.ts";
import type { Caller } from "../access/mod.ts";
import type { Emergency, StateView } from "../state/mod.ts";
import type { ServiceContext } from "./context.ts";

/** Emergency sessions the caller may see, of one vCluster or of all (EMG-1). */
export async function listEmergencies(
  { replica, gatekeeper, clock }: ServiceContext,
  { vclusterId, includeClosed }: journal.ListEmergenciesRequest,
  caller: Caller,
): Promise<journal.ListEmergenciesResponse> {
  const isReadable = await gatekeeper.readable(caller, "status");
  const sessions: Emergency[] = [];
  for (const [, session] of replica.state.list("emergencies")) {
    const { scope, ended_at } = session;
    if (ended_at !== undefined && !includeClosed) continue;
    if (vclusterId !== "" && gatekeeper.vclusterOf(scope) !== vclusterId) continue;
    if (!isReadable(scope)) continue;
    sessions.push(session);
  }
  sessions.sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));
  return create(journal.ListEmergenciesResponseSchema, {
    sessions: sessions.map((session) => sessionToWire(session, clock.nowMs())),
  });
}

/** The open emergencies that cover a node: its own, and its vCluster's (EMG-1). */
export function emergenciesOver(
  state: StateView,
  nodeId: string,
  nowMs: number,
): journal.ListEmergenciesResponse {
  const vclusterId = state.get("node_assignments", nodeId)?.vcluster_id;
  const scopes: Scope[] = [
    { Node: nodeId },
    ...(vclusterId === undefined ? [] : [{ VCluster: vclusterId }]),
  ];
  const sessions = scopes.flatMap((scope) => {
    const open = state.get("open_emergencies", scopeText(scope));
    const session = open && state.get("emergencies", open.session_id);
    return session === undefined ? [] : [sessionToWire(session, nowMs)];
  });
  return create(journal.ListEmergenciesResponseSchema, { sessions });
}

function sessionToWire(session: Emergency, nowMs: number) {
  const { id, scope, principal, reason, started_at, expires_at, ended_at, stale_since } = session;
  const holdSince = ended_at === undefined ? stale_since : undefined;
  return create(journal.EmergencySessionSchema, {
    id,
    scope: scopeToWire(scope),
    principal,
    reason,
    startedAt: instantToWire(started_at),
    expiresAt: instantToWire(expires_at),
    ...present("endedAt", ended_at === undefined ? undefined : instantToWire(ended_at)),
    endedBy: session.ended_by ?? "",
    forced: session.forced ?? false,
    ...present("holdSince", holdSince === undefined ? undefined : instantToWire(holdSince)),
    stale: ended_at === undefined && Date.parse(expires_at) <= nowMs,
  });
}
