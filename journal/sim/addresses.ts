import type { MemberAddress } from "../peers/mod.ts";
import { encodeMembershipContext } from "../quorum/mod.ts";
import type { NodeId } from "../raft/mod.ts";

/** Where a simulated member would be found. */
export function addressOf(id: NodeId): MemberAddress {
  return { id, raft: `member-${id}:9444`, api: `member-${id}:9443` };
}

/** The id of a machine's data directory; each disk that it gets is another one. */
export function directoryOf(id: NodeId, disk: number): string {
  return `${disk}`.padStart(16, "d") + `${id}`.padStart(16, "0");
}

/** What a membership entry says of the members it brings (JRN-54), which have their first disks. */
export function addressContext(ids: readonly NodeId[]): Uint8Array {
  const places = ids.map(addressOf).map(({ id, raft, api }) =>
    [String(id), { raft_address: raft, api_address: api }] as const
  );
  return encodeMembershipContext({
    members: Object.fromEntries(places),
    directories: Object.fromEntries(ids.map((id) => [String(id), directoryOf(id, 1)])),
  });
}
