import { create, toBinary } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { lock, stream } from "../../api/mod.ts";
import { PLATFORM_ADMIN } from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { canonicalBytes } from "../../common/json/mod.ts";
import { DOMAIN_VCLUSTER, type Entry, type Scope } from "../../common/model/mod.ts";
import { counterFromWire, instantToWire, present } from "../../common/wire/mod.ts";
import type { Caller } from "../access/mod.ts";
import type { Metrics } from "../http/mod.ts";
import {
  type Delivery,
  follow,
  type Interest,
  type SiteTrust,
  type UpdateKind,
} from "../streams/mod.ts";
import { callerOf, type ServiceContext } from "./context.ts";
import { nodeIdFromWire, vclusterIdFromWire } from "./identifiers.ts";
import { lockList } from "./lock_service.ts";
import { watchLocks } from "./lock_watch.ts";
import { tokenExpiry } from "./token_expiry.ts";
import { servesUidMap, uidMapChange } from "./uid_map.ts";

/** Updates from a sequence on, history first (SUB-1). */
export async function* subscription(
  context: ServiceContext,
  metrics: Pick<Metrics, "subscriptionOpened">,
  request: stream.SubscribeRequest,
  call: HandlerContext,
): AsyncGenerator<stream.ConfigUpdate> {
  const caller = callerOf(call);
  const scopes = scopesOf(request, caller);
  const interest = await interestOf(context, request, caller, scopes);
  const from = counterFromWire(request.fromSequence);
  // Only the node's own stream says that it is here; people may watch it too.
  const { nodeId } = caller.principal;
  const closed = nodeId === undefined ? () => {} : context.liveness.opened(nodeId);
  const end = metrics.subscriptionOpened();
  const expiry = tokenExpiry(caller, context.clock);
  const locks = watchLocks(context, caller, scopes);
  try {
    const signal = AbortSignal.any([call.signal, expiry.signal, locks.signal]);
    const followed = nodeId === undefined
      ? { ...context, trust: undefined, identities: undefined }
      : { ...context, servesIdentities: () => servesUidMap(context, nodeId) };
    for await (const delivery of follow(followed, interest, from, signal)) {
      yield update(context, delivery);
    }
    if (expiry.signal.aborted) throw new PactError("UNAUTHENTICATED", "token expired");
    locks.signal.throwIfAborted();
  } finally {
    locks.cancel();
    expiry.cancel();
    end();
    closed();
  }
}

/** What people want to hear of; nodes hear of themselves. */
function scopesOf({ nodeId, vclusterId }: stream.SubscribeRequest, { principal }: Caller): Scope[] {
  if (principal.nodeId !== undefined) return [];
  return [
    ...(vclusterId === "" ? [] : [{ VCluster: vclusterIdFromWire(vclusterId) }]),
    ...(nodeId === "" ? [] : [{ Node: nodeIdFromWire(nodeId) }]),
  ];
}

/** What the caller may hear of (API-50). */
async function interestOf(
  { gatekeeper }: ServiceContext,
  { nodeId, vclusterId }: stream.SubscribeRequest,
  caller: Caller,
  scopes: readonly Scope[],
): Promise<Interest> {
  if (caller.principal.nodeId !== undefined) {
    return ownInterest(caller.principal.nodeId, gatekeeper, nodeId, vclusterId);
  }
  if (vclusterId === "" && nodeId === "") {
    if (!isPlatformAdmin(caller)) {
      throw new PactError("PERMISSION_DENIED", `watching every vCluster needs ${PLATFORM_ADMIN}`);
    }
    return { withMemberNodes: true, everything: true };
  }
  for (const scope of scopes) await gatekeeper.require({ caller, action: "watch", scope });
  return {
    ...present("nodeId", nodeId === "" ? undefined : nodeId),
    ...present("vclusterId", vclusterId === "" ? undefined : vclusterId),
    withMemberNodes: nodeId === "",
    everything: false,
  };
}

/** A node hears of itself and of the vCluster it is assigned to, or of the domain's defaults. */
function ownInterest(
  own: string,
  gatekeeper: ServiceContext["gatekeeper"],
  nodeId: string,
  vclusterId: string,
): Interest {
  if (own !== nodeId) {
    throw new PactError("PERMISSION_DENIED", `this certificate is of node ${own}`);
  }
  const assigned = gatekeeper.vclusterOf({ Node: own }) ?? DOMAIN_VCLUSTER;
  if ((vclusterId || DOMAIN_VCLUSTER) !== assigned) {
    // It was moved while it was away; the answer is the one it would have had live (SUB-4).
    throw new PactError(
      "VCLUSTER_CHANGED",
      `VCLUSTER_CHANGED: node ${own} is not in ${vclusterId}`,
    );
  }
  return { nodeId, vclusterId: assigned, isNode: true, withMemberNodes: false, everything: false };
}

function isPlatformAdmin({ principal }: Caller): boolean {
  return principal.roles.includes(PLATFORM_ADMIN);
}

/** Updates of live entries: one is made for all who hear of it (SUB-9). */
const shared = new WeakMap<Entry, stream.ConfigUpdate>();
const sharedTrust = new WeakMap<SiteTrust, stream.TrustBundle>();

/** The same for entries about locks, of which nodes get the list and people the entry. */
const sharedLists = new WeakMap<Entry, stream.ConfigUpdate>();

function update(context: ServiceContext, delivery: Delivery): stream.ConfigUpdate {
  if (delivery.kind === "progress") {
    const { trust, identities } = delivery;
    return create(stream.ConfigUpdateSchema, {
      sequence: BigInt(Math.max(delivery.sequence, 0)),
      ...present("trust", trust && trustBundle(trust)),
      ...present("identityMap", identities && uidMapChange(identities)),
    });
  }
  const { entry, kind } = delivery;
  const cache = kind === "lockChange" ? sharedLists : shared;
  const known = cache.get(entry);
  if (known !== undefined) return known;
  const message = create(stream.ConfigUpdateSchema, {
    sequence: BigInt(entry.sequence),
    timestamp: instantToWire(entry.timestamp),
    update: { case: kind, value: payloadOf(context, kind, entry) },
  });
  cache.set(entry, message);
  return message;
}

function trustBundle(trust: SiteTrust): stream.TrustBundle {
  const known = sharedTrust.get(trust);
  if (known !== undefined) return known;
  const encoder = new TextEncoder();
  const message = create(stream.TrustBundleSchema, {
    certificates: encoder.encode(trust.certificatesPem),
    leaving: encoder.encode(trust.leavingPem),
    ...present("tokenIssuer", trust.tokenIssuer),
  });
  sharedTrust.set(trust, message);
  return message;
}

function payloadOf(context: ServiceContext, kind: UpdateKind, entry: Entry) {
  const { replica, gatekeeper } = context;
  switch (kind) {
    case "lockChange":
      return toBinary(lock.ListLocksResponseSchema, lockList(context));
    case "policyChange":
      return canonicalBytes(gatekeeper.policyOf(vclusterOf(entry)));
    case "blacklistChange":
      return canonicalBytes(replica.state.get("blacklists", vclusterOf(entry))?.patterns ?? []);
    default:
      return canonicalBytes(entry);
  }
}

function vclusterOf({ scope }: Entry): string {
  return scope !== "Global" && "VCluster" in scope ? scope.VCluster : "";
}
