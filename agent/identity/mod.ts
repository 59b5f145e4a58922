/**
 * Who owns files on a shared file system (agent.md section 7): the identity map as the name service of
 * this node sees it.
 *
 * @module
 */
export {
  type IdentityMap,
  type IdentityMapOptions,
  type MappingMode,
  openIdentityMap,
} from "./identity_map.ts";
export { encodeGroups, encodeUsers } from "./database.ts";
export { isNetworkFileSystem } from "./nfs.ts";
export { type MappedGroup, type MappedUser, peopleOf } from "./people.ts";
export { localAccounts } from "./local_accounts.ts";
