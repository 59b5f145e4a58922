/** File systems whose files belong to numbers of other machines (IDM-1). */
const NETWORK_TYPES: readonly string[] = ["nfs", "nfs4"];

/** Whether a type of file system needs the identity map. */
export function isNetworkFileSystem(type: string): boolean {
  return NETWORK_TYPES.includes(type);
}

/** Whether one is mounted, by the text of /proc/self/mounts. */
export function hasNetworkMount(mounts: string): boolean {
  return mounts.split("\n").some((line) => isNetworkFileSystem(line.split(" ")[2] ?? ""));
}
