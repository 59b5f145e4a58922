import {
  isAllocationId,
  NAMESPACE_TYPES,
  namespacePin,
  type NamespaceType,
  type NodePaths,
} from "../../contracts/mod.ts";
import { isShimError, MS, type Shim, UMOUNT } from "../../ffi/mod.ts";

/*
 * Shell: owns PATH-11, the bind mounts that keep namespaces while no process is in them. They outlive
 * the agent, which finds them again (NS-21, WLI-6).
 */

/** The namespaces of an allocation that are pinned. */
export interface Pinned {
  readonly allocationId: string;
  readonly types: readonly NamespaceType[];
}

/** The pins of a node. */
export interface Pins {
  /** Makes the directory a mount of its own that is private, as pins of mount namespaces need it. */
  prepare(): Promise<void>;
  pin(allocationId: string, type: NamespaceType, namespaceFile: string): Promise<void>;
  /** A descriptor of a pinned namespace, the caller's to close. */
  open(allocationId: string, type: NamespaceType): number;
  /** Removes all pins of an allocation; what is not there is no error. */
  remove(allocationId: string): Promise<void>;
  list(): readonly Pinned[];
}

/** The pins below the paths of a node. */
export function createPins(
  shim: Pick<Shim, "files" | "mounts" | "sockets">,
  paths: NodePaths,
): Pins {
  const { files, mounts, sockets } = shim;
  const directory = paths.namespacePins;
  const directoryOf = (allocationId: string) => `${directory}/${allocationId}`;

  async function remove(allocationId: string): Promise<void> {
    for (const type of NAMESPACE_TYPES) {
      const pin = namespacePin(paths, allocationId, type);
      if (files.lstatIfPresent(pin) === null) continue;
      await ignoring(
        ["EINVAL", "ENOENT"],
        () => mounts.unmount(pin, UMOUNT.detach | UMOUNT.noFollow),
      );
      files.unlink(pin);
    }
    await ignoring(["ENOENT"], () => Promise.resolve(files.rmdir(directoryOf(allocationId))));
  }

  function isPinned(allocationId: string, type: NamespaceType): boolean {
    try {
      files.closeDescriptor(sockets.openNamespace(namespacePin(paths, allocationId, type)));
      return true;
    } catch (error) {
      if (isShimError(error)) return false;
      throw error;
    }
  }

  return {
    prepare: async () => {
      if (files.lstatIfPresent(directory) === null) files.mkdir(directory, 0o700);
      const table = files.readText("/proc/self/mountinfo", { maxBytes: 16 * 2 ** 20 });
      const isMounted = table.split("\n").some((line) => line.split(" ")[4] === directory);
      const target = directory;
      if (!isMounted) {
        await mounts.mount({ source: directory, target, type: "none", flags: MS.bind });
      }
      await mounts.mount({ source: "none", target, type: "none", flags: MS.private });
    },
    pin: async (allocationId, type, namespaceFile) => {
      const own = directoryOf(allocationId);
      if (files.lstatIfPresent(own) === null) files.mkdir(own, 0o700);
      const pin = namespacePin(paths, allocationId, type);
      files.writeAtomicSync(pin, "", { mode: 0o600 });
      await mounts.mount({ source: namespaceFile, target: pin, type: "none", flags: MS.bind });
    },
    open: (allocationId, type) => sockets.openNamespace(namespacePin(paths, allocationId, type)),
    remove,
    list: () => {
      if (files.lstatIfPresent(directory) === null) return [];
      return files.list(directory)
        .filter(({ name, type }) => type === "directory" && isAllocationId(name))
        .map(({ name }) => ({
          allocationId: name,
          types: NAMESPACE_TYPES.filter((type) => isPinned(name, type)),
        }));
    },
  };
}

async function ignoring(
  codes: readonly ("EINVAL" | "ENOENT")[],
  operation: () => Promise<void>,
): Promise<void> {
  try {
    await operation();
  } catch (error) {
    if (!isShimError(error, ...codes)) throw error;
  }
}
