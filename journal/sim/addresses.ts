import type { MemberAddress } from "../peers/mod.ts";
import { encodeMembershipContext } from "../quorum/mod.ts";
import type { NodeId } from "../raft/mod.ts";

/** Where a simulated member would be found. */
export function addressOf(id: NodeId): MemberAddress {
  return { id, raft: `member-${id}:9444`, api: `member-${id}:9443` };
}

/** What a membership entry says of the members it brings (JRN-54). */
export function addressContext(ids: readonly NodeId[]): Uint8Array {
  const places = ids.map(addressOf).map(({ id, raft, api }) =>
    [String(id), { raft_address: raft, api_address: api }] as const
  );
  return encodeMembershipContext({ members: Object.fromEntries(places) });
}
