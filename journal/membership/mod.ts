/**
 * Who is in the quorum, and what an admin may change of it.
 *
 * @module
 */
export {
  createQuorumAdmin,
  type QuorumAdmin,
  type QuorumAdminOptions,
  type QuorumControl,
} from "./admin.ts";
export { judge, MEMBERS_MAX, PROMOTE_MAX_LAG, type Verdict } from "./rules.ts";
export type { ClusterView, MemberChange, MemberView } from "./view.ts";
