import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { readKnownVersion } from "../../common/rpc/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import {
  firstIdOf,
  identityKey,
  LOCAL_ORG,
  type PosixIdentity,
  uidMapVersion,
} from "../state/mod.ts";
import { callerOf, ownNodeOf, type ServiceContext } from "./context.ts";

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
    { actor: SYSTEM_IDENTITY, signal: call.signal },
  );
  if (result.kind !== "UidAssigned") throw new PactError("INTERNAL", "no identity was assigned");
  return toWire(result.identity);
}

/**
 * The whole map, for nodes that supervise their services by pact alone (UID-5). A node that says which
 * version it has, and has the newest, gets the number alone.
 */
export function uidMap(
  { replica, gatekeeper }: ServiceContext,
  call: HandlerContext,
): journal.UidMap {
  const { nodeId } = ownNodeOf(callerOf(call));
  const version = BigInt(uidMapVersion(replica.state));
  const policy = gatekeeper.policyOf(gatekeeper.vclusterOf({ Node: nodeId }));
  const isKnown = readKnownVersion(call.requestHeader) === version;
  if (isKnown || policy.supervisor_backend === "systemd") {
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

function toWire(identity: PosixIdentity): journal.UidEntry {
  return create(journal.UidEntrySchema, identity);
}
