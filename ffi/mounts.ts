import { cText } from "./memory.ts";
import { check } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/** Mount flags of mount(2). */
export const MS = {
  readOnly: 0x1,
  noSuid: 0x2,
  noDev: 0x4,
  noExec: 0x8,
  synchronous: 0x10,
  remount: 0x20,
  dirSync: 0x80,
  noSymFollow: 0x100,
  noAtime: 0x400,
  noDirAtime: 0x800,
  bind: 0x1000,
  move: 0x2000,
  recursive: 0x4000,
  private: 0x4_0000,
  slave: 0x8_0000,
  shared: 0x10_0000,
  relatime: 0x20_0000,
  strictAtime: 0x100_0000,
  lazyTime: 0x200_0000,
} as const;

/** Unmount flags of umount2(2). */
export const UMOUNT = { force: 1, detach: 2, expire: 4, noFollow: 8 } as const;

export interface MountRequest {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  /** Bits of `MS`. */
  readonly flags?: number;
  /** Options of the file system itself, comma-separated. */
  readonly data?: string;
}

/** How full a file system is (statfs(2)). */
export interface FileSystemUsage {
  readonly typeMagic: bigint;
  readonly totalBytes: bigint;
  readonly freeBytes: bigint;
  /** To users without privilege. */
  readonly availableBytes: bigint;
  readonly inodes: bigint;
  readonly inodesFree: bigint;
}

/** Mounts. All wait on another thread: a network file system may take its time. */
export interface Mounts {
  mount(request: MountRequest): Promise<void>;
  /** Does not follow a symlink as target unless `flags` is given without `UMOUNT.noFollow`. */
  unmount(target: string, flags?: number): Promise<void>;
  usage(path: string): Promise<FileSystemUsage>;
  /** Shows a regular file as a read-only block device, which frees itself once unused. Close the
   * descriptor (`files.closeDescriptor`) when the device is mounted. */
  attachLoop(image: string): Promise<{ readonly device: string; readonly fd: number }>;
}

/** The mounts of one loaded shim. */
export function createMounts(library: Library): Mounts {
  return {
    mount: async ({ source, target, type, flags, data }) => {
      const held = [
        cText(source, "mount"),
        cText(target, "mount"),
        cText(type, "mount"),
        BigInt(flags ?? 0),
        cText(data ?? "", "mount"),
      ] as const;
      check(await library.pact_shim_mount(...held), "mount", target);
    },
    unmount: async (target, flags = UMOUNT.noFollow) => {
      const cTarget = cText(target, "umount");
      check(await library.pact_shim_umount(cTarget, flags), "umount", target);
    },
    attachLoop: async (image) => {
      const cImage = cText(image, "loop");
      const number = new Int32Array(1);
      const fd = check(await library.pact_shim_loop_attach(cImage, number), "loop", image);
      return { device: `/dev/loop${number[0] ?? 0}`, fd };
    },
    usage: async (path) => {
      const cPath = cText(path, "statfs");
      const fields = new BigInt64Array(8);
      check(await library.pact_shim_statfs(cPath, fields), "statfs", path);
      const [typeMagic = 0n, blockBytes = 0n, total = 0n, free = 0n, available = 0n] = fields;
      return {
        typeMagic,
        totalBytes: total * blockBytes,
        freeBytes: free * blockBytes,
        availableBytes: available * blockBytes,
        inodes: fields[5] ?? 0n,
        inodesFree: fields[6] ?? 0n,
      };
    },
  };
}
