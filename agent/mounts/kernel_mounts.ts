import { isShimError, MS, type Shim, UMOUNT } from "../../ffi/mod.ts";

/** What mounting images takes of the kernel. */
export interface KernelMounts {
  /** Mounts an image file read-only, without set-id programs and devices. */
  mount(image: string, mountPoint: string): Promise<void>;
  /** Unmounts; `busy` with what uses it, as far as it can be seen. */
  unmount(mountPoint: string): Promise<"done" | { readonly busy: string }>;
  /** Unmounts, or takes it out of sight while it is in use. */
  detach(mountPoint: string): Promise<void>;
  removeDirectory(mountPoint: string): void;
}

const FLAGS = MS.readOnly | MS.noSuid | MS.noDev;
const MAX_NAMED = 20;
/** What a kernel says that lacks the driver. */
const WITHOUT_MODULE = ["ENOENT", "ENODEV", "ENXIO"] as const;

/** Loads a module by its name; the reason why it is not there, undefined when it is. */
type LoadModule = (name: string) => Promise<string | undefined>;

/** The real ones. Where nobody loads modules for the kernel, `loadModule` does. */
export function createKernelMounts(
  { files, mounts }: Pick<Shim, "files" | "mounts">,
  loadModule?: LoadModule,
): KernelMounts {
  /** Tries again with the module that was missing. */
  async function withModule<T>(name: string, operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      if (loadModule === undefined || !isShimError(error, ...WITHOUT_MODULE)) throw error;
      const reason = await loadModule(name);
      if (reason !== undefined) throw new Error(`module ${name}: ${reason}`, { cause: error });
      return await operation();
    }
  }

  return {
    mount: async (image, target) => {
      if (files.lstatIfPresent(target) === null) files.mkdir(target, 0o755);
      const { device, fd } = await withModule("loop", () => mounts.attachLoop(image));
      try {
        await withModule(
          "squashfs",
          () => mounts.mount({ source: device, target, type: "squashfs", flags: FLAGS }),
        );
      } finally {
        // The mount keeps the device now; without one the device is free again.
        files.closeDescriptor(fd);
      }
    },
    unmount: async (mountPoint) => {
      try {
        await mounts.unmount(mountPoint);
        return "done";
      } catch (error) {
        if (isShimError(error, "EINVAL", "ENOENT")) return "done";
        if (!isShimError(error)) throw error;
        return { busy: `${error.message}${usersOf(files, mountPoint)}` };
      }
    },
    detach: async (mountPoint) => {
      try {
        await mounts.unmount(mountPoint, UMOUNT.detach | UMOUNT.noFollow);
      } catch (error) {
        if (!isShimError(error, "EINVAL", "ENOENT")) throw error;
      }
    },
    removeDirectory: (mountPoint) => {
      try {
        files.rmdir(mountPoint);
      } catch (error) {
        if (!isShimError(error, "ENOENT", "EBUSY", "ENOTEMPTY")) throw error;
      }
    },
  };
}

/** Processes that stand in a mount or run a program of it. */
function usersOf(files: Pick<Shim, "files">["files"], mountPoint: string): string {
  const found: string[] = [];
  for (const { name } of files.list("/proc")) {
    if (!/^[0-9]+$/.test(name) || found.length >= MAX_NAMED) continue;
    const isUser = ["cwd", "root", "exe"].some((link) => {
      try {
        const target = files.readlink(`/proc/${name}/${link}`);
        return target === mountPoint || target.startsWith(`${mountPoint}/`);
      } catch (error) {
        if (isShimError(error)) return false;
        throw error;
      }
    });
    if (isUser) found.push(name);
  }
  return found.length === 0 ? "" : `, used by ${found.join(", ")}`;
}
