import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { config, journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { DOMAIN_VCLUSTER, type Scope, scopeText } from "../../common/model/mod.ts";
import { metadata } from "../../common/rpc/mod.ts";
import {
  counterFromWire,
  documentedEntryToWire,
  entryToWire,
  entryTypeFromWire,
  hiddenEntryToWire,
  instantFromWire,
  present,
  scopeFromWire,
} from "../../common/wire/mod.ts";
import type { Caller } from "../access/mod.ts";
import { isStale } from "../overlay/mod.ts";
import { appendEntry } from "./append_entry.ts";
import { listCheckpoints } from "./checkpoints.ts";
import { callerOf, callerWithRole, type ServiceContext } from "./context.ts";
import { vclusterIdFromWire } from "./identifiers.ts";
import { nodeDetail, requireKnownNode } from "./node_detail.ts";
import { OverlayVersions } from "./overlay_versions.ts";

/** Most entries one ListEntries call may ask for. */
const MAX_LIST_LIMIT = 1_000_000;

/** The configuration log: append and read (api.md section 3). */
export function configService(
  context: ServiceContext,
): ServiceImpl<typeof journal.ConfigService> {
  const { replica, gatekeeper } = context;
  const overlays = new OverlayVersions(context);
  return {
    appendEntry: (request, call) => appendEntry(context, overlays, request, call),
    getEntry: async (request, call) => {
      const sequence = counterFromWire(request.sequence);
      const entry = replica.entry(sequence);
      if (entry === undefined) throw new PactError("NOT_FOUND", `entry ${sequence} not found`);
      await gatekeeper.require({ caller: callerOf(call), action: "log", scope: entry.scope });
      return entryToWire(entry);
    },
    getNodeState: async ({ nodeId }, call) => {
      requireKnownNode(context, nodeId);
      await gatekeeper.require({
        caller: callerOf(call),
        action: "status",
        scope: { Node: nodeId },
      });
      const detail = nodeDetail(context, nodeId);
      return { nodeId, configState: detail.configState, detail };
    },
    listEntries: (request, call) => listEntries(context, request, call),
    listCheckpoints: (request, call) => listCheckpoints(context, request, call),
    getOverlay: async ({ vclusterId }, call) => {
      const id = vclusterIdFromWire(vclusterId || DOMAIN_VCLUSTER);
      await gatekeeper.require({
        caller: callerOf(call),
        action: "status",
        scope: id === DOMAIN_VCLUSTER ? "Global" : { VCluster: id },
      });
      const overlay = await replica.overlay(id);
      if (isStale(replica.state, id)) call.responseTrailer.set(metadata.overlayStale, "true");
      return {
        vclusterId: id,
        version: BigInt(overlay.version),
        data: new TextEncoder().encode(overlay.data),
        checksum: overlay.checksum,
        builtFromSequence: BigInt(overlay.built_from_sequence),
      };
    },
  };
}

async function* listEntries(
  context: ServiceContext,
  request: journal.ListEntriesRequest,
  call: HandlerContext,
): AsyncGenerator<config.ConfigEntry> {
  const caller = callerWithRole(call);
  const scope = request.scope?.scope.case === undefined ? undefined : scopeFromWire(request.scope);
  if (scope !== undefined && scope !== "Global") {
    await context.gatekeeper.require({ caller, action: "log", scope });
  }
  const types = request.entryTypes.map((number) => {
    const type = entryTypeFromWire(number);
    if (type === undefined) throw new PactError("INVALID_ARGUMENT", `unknown entry type ${number}`);
    return type;
  });
  const isVisible = await visibility(context, caller);
  let left = request.limit === undefined || request.limit === 0
    ? MAX_LIST_LIMIT
    : Math.min(request.limit, MAX_LIST_LIMIT);
  const entries = context.replica.entries({
    ...present("scope", scope),
    ...(request.includeMemberNodes ? { includeMemberNodes: true } : {}),
    ...(types.length === 0 ? {} : { types }),
    ...present("fromSequence", optionalCounter(request.fromSequence)),
    ...present("toSequence", optionalCounter(request.toSequence)),
    ...present("sinceMs", request.since && Date.parse(instantFromWire(request.since))),
    ...present("untilMs", request.until && Date.parse(instantFromWire(request.until))),
    descending: request.descending,
  });
  const toWire = request.includeDocuments ? documentedEntryToWire : entryToWire;
  for await (const entry of entries) {
    if (call.signal.aborted) return;
    if (isVisible(entry.scope)) yield toWire(entry);
    else if (request.includeHidden) yield hiddenEntryToWire(entry);
    else continue;
    if (--left === 0) return;
  }
}

/** Whether a caller may read entries of a scope; each scope is decided once (API-35). */
async function visibility(
  { gatekeeper }: ServiceContext,
  caller: Caller,
): Promise<(scope: Scope) => boolean> {
  const isReadable = await gatekeeper.readable(caller, "log");
  const known = new Map<string, boolean>();
  return (scope) => {
    const key = scopeText(scope);
    const isVisible = known.get(key) ?? isReadable(scope);
    known.set(key, isVisible);
    return isVisible;
  };
}

function optionalCounter(counter: bigint | undefined): number | undefined {
  return counter === undefined ? undefined : counterFromWire(counter);
}
