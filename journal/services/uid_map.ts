import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { journal, stream } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { readKnownVersion } from "../../common/rpc/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import { present } from "../../common/wire/mod.ts";
import {
  firstIdOf,
  identityKey,
  LOCAL_ORG,
  type PosixIdentity,
  uidMapVersion,
} from "../state/mod.ts";
import type { IdentityChange } from "../streams/mod.ts";
import { callerOf, ownNodeOf, type ServiceContext, waitSignalOf } from "./context.ts";

/**
 * The POSIX identity of a subject that signed in on the calling node (UID-2, UID-3).
 *
 * @throws {PactError} PERMISSION_DENIED `identity not provisioned` where ids are given beforehand.
 */
export async function assignUid(
  { replica, gatekeeper }: ServiceContext,
  { org, subject, username }: journal.AssignUidRequest,
  call: HandlerContext,
): Promise<journal.UidEntry> {
  const { nodeId } = ownNodeOf(callerOf(call));
  const known = replica.state.get("uid_map", identityKey(org || LOCAL_ORG, subject));
  if (known !== undefined) return toWire(known);
  const { identity_mode } = gatekeeper.policyOf(gatekeeper.vclusterOf({ Node: nodeId }));
  if (identity_mode === "pre-provisioned") {
    throw new PactError("PERMISSION_DENIED", "identity not provisioned");
  }
  const result = await replica.submit(
    { type: "AssignUid", org: org || LOCAL_ORG, subject, username },
    { actor: SYSTEM_IDENTITY, signal: waitSignalOf(call) },
  );
  if (result.kind !== "UidAssigned") throw new PactError("INTERNAL", "no identity was assigned");
  return toWire(result.identity);
}

/**
 * The whole map, for nodes that supervise their services by pact alone (UID-5). A node that says which
 * version it has, and has the newest, gets the number alone.
 */
export function uidMap(context: ServiceContext, call: HandlerContext): journal.UidMap {
  const { replica } = context;
  const { nodeId } = ownNodeOf(callerOf(call));
  const version = BigInt(uidMapVersion(replica.state));
  const isKnown = readKnownVersion(call.requestHeader) === version;
  if (isKnown || !servesUidMap(context, nodeId)) {
    return create(journal.UidMapSchema, { version });
  }
  const people = [...replica.state.list("uid_map")].map(([, identity]) => identity);
  const members = Map.groupBy(people, ({ org }) => org);
  return create(journal.UidMapSchema, {
    version,
    entries: people.map(toWire),
    groups: [...replica.state.list("orgs")].map(([name, { index }]) => ({
      name,
      gid: firstIdOf(index),
      members: members.get(name)?.map(({ username }) => username) ?? [],
    })),
  });
}

/** Whether a node is to serve the map: not where systemd runs its services (UID-5). */
export function servesUidMap({ gatekeeper }: ServiceContext, nodeId: string): boolean {
  const { supervisor_backend } = gatekeeper.policyOf(gatekeeper.vclusterOf({ Node: nodeId }));
  return supervisor_backend !== "systemd";
}

/** One message for all who hear of a change. */
const sharedChanges = new WeakMap<IdentityChange, stream.IdentityMapChange>();

/** A change of the map as streams carry it (UID-5). */
export function uidMapChange(change: IdentityChange): stream.IdentityMapChange {
  const known = sharedChanges.get(change);
  if (known !== undefined) return known;
  const message = create(stream.IdentityMapChangeSchema, {
    version: BigInt(change.version),
    ...present("since", change.since === undefined ? undefined : BigInt(change.since)),
    entries: change.people.map(toWire),
    groups: change.orgs.map(({ name, index }) => ({ name, gid: firstIdOf(index) })),
  });
  sharedChanges.set(change, message);
  return message;
}

function toWire(identity: PosixIdentity): journal.UidEntry {
  return create(journal.UidEntrySchema, identity);
}
