/** What is mounted where, as the mount table has it. */
interface Mount {
  readonly mountPoint: string;
  readonly fsType: string;
}

/** Pinned namespaces, and what the kernel or a daemon mounts for itself. */
const TYPES: ReadonlySet<string> = new Set([
  "autofs",
  "binfmt_misc",
  "fuse.gvfsd-fuse",
  "fuse.portal",
  "nsfs",
  "rpc_pipefs",
]);

/** Where container engines and service managers mount for what they run. */
const PLACES = [
  "/run/containerd",
  "/run/containers",
  "/run/credentials",
  "/run/docker",
  "/run/netns",
  "/run/systemd",
  "/snap",
  "/var/lib/containerd",
  "/var/lib/containers",
  "/var/lib/docker",
  "/var/lib/kubelet",
  "/var/snap",
];

/** Whether mounts come and go here with containers, services and sessions, and nobody made them. */
export function isIncidentalPlace(mountPoint: string): boolean {
  return PLACES.some((place) => isAtOrBelow(mountPoint, place));
}

/**
 * The mount points that somebody chose, without those that come and go by themselves: of containers,
 * of namespaces, of the automounter and what it mounts (OBS-9).
 *
 * ```ts
 * import { chosenMountPoints } from "./incidental_mounts.ts";
 * import assert from "node:assert/strict";
 *
 * const table = [
 *   { mountPoint: "/home", fsType: "autofs" },
 *   { mountPoint: "/home/ann", fsType: "nfs" },
 *   { mountPoint: "/scratch", fsType: "lustre" },
 * ];
 * assert.deepEqual(chosenMountPoints(table), ["/scratch"]);
 * ```
 */
export function chosenMountPoints(table: readonly Mount[]): string[] {
  const automounted = table.filter(({ fsType }) => fsType === "autofs")
    .map(({ mountPoint }) => mountPoint);
  const chosen = table.filter(({ mountPoint, fsType }) =>
    !TYPES.has(fsType) && !isIncidentalPlace(mountPoint) &&
    !automounted.some((place) => isAtOrBelow(mountPoint, place))
  );
  return [...new Set(chosen.map(({ mountPoint }) => mountPoint))];
}

function isAtOrBelow(path: string, place: string): boolean {
  return path === place || path.startsWith(place === "/" ? "/" : `${place}/`);
}
