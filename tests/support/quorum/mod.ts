/**
 * A quorum of real journals on this machine.
 *
 * @module
 */
export {
  entryOf,
  type MemberClients,
  type MemberHealth,
  type MemberPlace,
  openQuorumSite,
  QuorumSite,
} from "./quorum_site.ts";
export { type AppendedUnderLoad, appendUntil, readLog } from "./load.ts";
