/**
 * What nobody declared, as it is held against what it was once the node had converged (OBS-9): files,
 * mounts, kernel modules. Addresses are the network's.
 *
 * @module
 */
export { filesWatch } from "./files_watch.ts";
export { modulesWatch, type ModulesWatchOptions } from "./modules_watch.ts";
export { mountsWatch } from "./mounts_watch.ts";
