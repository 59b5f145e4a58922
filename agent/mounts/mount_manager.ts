import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  type HandoffState,
  type MountAction,
  mountCount,
  MountError,
  type MountHandle,
  mountHandle,
  type MountManager,
  NamespaceError,
  type NodePaths,
  reconstructMounts,
  UNMOUNTED,
} from "../../contracts/mod.ts";
import type { Shim } from "../../ffi/mod.ts";
import { findImage, type ImageFile } from "./image_file.ts";
import type { KernelMounts } from "./kernel_mounts.ts";
import { mountedImages } from "./mounted_images.ts";
import { type MountDuties, SharedMount } from "./shared_mount.ts";
import { decodeMounts, encodeMounts, MAX_IMAGES, type MountRow } from "./table_file.ts";

/*
 * Shell: the images that allocations share (contracts.md section 5). Owns the directories below
 * UENV_MOUNT_BASE and the table that a new agent finds them by. Ends by `close`; the mounts stay.
 */

export interface MountManagerOptions {
  readonly shim: Pick<Shim, "files">;
  readonly kernel: KernelMounts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly paths: NodePaths;
  readonly imageRoots: readonly string[];
  readonly holdTimeMs: number;
  /** Milliseconds since boot: they go on while no agent runs. */
  readonly bootMs: () => number;
  readonly bootId: string;
  readonly bindInto: MountDuties["bindInto"];
  /** Takes a mount from the namespace of an allocation again. */
  readonly unbindFrom: (allocationId: string, handle: MountHandle) => Promise<void>;
  readonly audit: (
    action: MountAction,
    allocationIds: readonly string[],
    detail: string,
    isFirst: boolean,
  ) => Promise<void>;
  /** Whether an emergency covers this node (MT-7). */
  readonly isEmergency: () => boolean;
}

const MAX_TABLE_BYTES = 8 * 2 ** 20;

/** Shares mounts of images among allocations. */
export class SharedMounts implements MountManager {
  /** By the identity of the image file. */
  readonly #mounts = new Map<string, SharedMount>();

  constructor(private readonly options: MountManagerOptions) {}

  /** As `acquireMount`, under the name that the handoff knows it by. */
  acquire(image: string, allocationId: string): Promise<MountHandle> {
    return this.acquireMount(image, allocationId);
  }

  /**
   * @throws {NamespaceError} CreationFailed for an image that is not allowed, or one too many
   * @throws {MountError} MountFailed
   */
  async acquireMount(image: string, allocationId: string): Promise<MountHandle> {
    const { shim, imageRoots } = this.options;
    const file = findImage(shim.files, image, imageRoots);
    return await this.#mountOf(file).acquire(allocationId);
  }

  async releaseMount(handle: MountHandle, allocationId: string): Promise<void> {
    const mount = this.#heldBy(handle.imagePath, allocationId);
    if (mount === undefined) {
      const detail = `release without acquire by ${allocationId}`;
      const { imagePath } = handle;
      throw new MountError({ kind: "RefcountInconsistency", imagePath, detail });
    }
    await this.options.unbindFrom(allocationId, mount.handle);
    mount.release(allocationId);
  }

  /** Drops every reference of an allocation; its namespaces are gone. */
  releaseAll(allocationId: string): Promise<void> {
    for (const mount of this.#mounts.values()) {
      if (mount.holds(allocationId)) mount.release(allocationId);
    }
    return Promise.resolve();
  }

  async forceUnmount(image: string): Promise<void> {
    const mount = [...this.#mounts.values()].find((mount) => isOf(mount, image));
    if (mount === undefined) {
      if (!this.options.isEmergency()) throw new MountError({ kind: "PermissionDenied" });
      throw new MountError({ kind: "UnmountFailed", mountPoint: image, reason: "not mounted" });
    }
    await mount.force(this.options.isEmergency());
  }

  /** Finds what a former agent left; running allocations are not disturbed (MT-6). */
  async reconstructState(activeAllocationIds: readonly string[]): Promise<void> {
    const { shim, paths, bootMs, holdTimeMs } = this.options;
    const rows = this.#load();
    const byPoint = new Map(rows.map((row) => [row.handle.mountPoint, row]));
    const observed = mountedImages(shim.files, paths.uenvMountBase);
    const images = new Map(observed.map(({ mountPoint, image }) => [mountPoint, image]));
    const reconstructed = reconstructMounts({
      observed: observed.map(({ mountPoint, image }) => ({
        mountPoint,
        imagePath: byPoint.get(mountPoint)?.handle.imagePath ?? image,
      })),
      liveAllocations: new Set(activeAllocationIds),
      recorded: rows,
      holdTimeMs,
      nowMs: bootMs(),
    });
    for (const { handle, state, effects } of reconstructed) {
      const row = byPoint.get(handle.mountPoint);
      const realPath = row?.realPath ?? images.get(handle.mountPoint) ?? handle.imagePath;
      const identity = row?.identity ?? this.#identityOf(realPath);
      const mount = this.#add({ requested: handle.imagePath, realPath, identity }, handle);
      mount.perform({ state, effects });
    }
    await Promise.all([...this.#mounts.values()].map((mount) => mount.settled()));
    this.#save();
  }

  /** The mounts there are, with their counts. */
  list(): HandoffState["mounts"] {
    return [...this.#mounts.values()]
      .filter(({ state }) => state.name === "Mounted" || state.name === "HoldForCache")
      .map(({ handle, state }) => ({ ...handle, count: mountCount(state) }));
  }

  /** Resolves when what has begun is done; the mounts stay. */
  async close(): Promise<void> {
    await Promise.all([...this.#mounts.values()].map((mount) => mount.stop()));
  }

  #mountOf(file: ImageFile): SharedMount {
    const present = this.#mounts.get(file.identity);
    if (present !== undefined) return present;
    if (this.#mounts.size >= MAX_IMAGES) {
      throw new NamespaceError({ kind: "CreationFailed", reason: "allocation limit reached" });
    }
    const taken = new Set([...this.#mounts.values()].map(({ handle }) => handle.mountPoint));
    const base = this.options.paths.uenvMountBase;
    return this.#add(file, mountHandle(base, file.requested, file.realPath, taken));
  }

  #add({ realPath, identity }: ImageFile, handle: MountHandle): SharedMount {
    const { clock, log, kernel, bootMs, holdTimeMs, bindInto, audit } = this.options;
    const mount = new SharedMount(handle, realPath, identity, UNMOUNTED, {
      clock,
      log,
      kernel,
      nowMs: bootMs,
      holdTimeMs,
      bindInto,
      audit,
      changed: () => this.#changed(mount),
    });
    this.#mounts.set(identity, mount);
    return mount;
  }

  /** What is unmounted, its directory too, is forgotten. */
  #changed(mount: SharedMount): void {
    this.#save();
    if (mount.state.name !== "Unmounted") return;
    // In a moment: what is to be done for this state has not been begun yet.
    queueMicrotask(() =>
      mount.settled().then(() => {
        if (mount.state.name === "Unmounted") this.#mounts.delete(mount.identity);
      })
    );
  }

  /** By the path asked for or the real one; the file itself may have been replaced since (MT-9). */
  #heldBy(image: string, allocationId: string): SharedMount | undefined {
    return [...this.#mounts.values()].find((mount) =>
      isOf(mount, image) && mount.holds(allocationId)
    );
  }

  #identityOf(realPath: string): string {
    const stat = this.options.shim.files.lstatIfPresent(realPath);
    return stat === null ? `${realPath}:gone` : `${realPath}:${stat.dev}:${stat.ino}`;
  }

  get #path(): string {
    return `${this.options.paths.state}/mounts.json`;
  }

  #save(): void {
    const { shim, log, bootId } = this.options;
    const rows = [...this.#mounts.values()].map(({ row }) => row).filter((row) => row !== null);
    try {
      shim.files.writeAtomicSync(this.#path, encodeMounts(rows, bootId), { mode: 0o600 });
    } catch (error) {
      log.error("mount table not written", { error: String(error) });
    }
  }

  #load(): readonly MountRow[] {
    const { shim, log, bootId } = this.options;
    try {
      if (shim.files.lstatIfPresent(this.#path) === null) return [];
      const how = { maxBytes: MAX_TABLE_BYTES, followSymlink: false };
      return decodeMounts(shim.files.readText(this.#path, how), bootId);
    } catch (error) {
      log.error("mount table of a former agent ignored", { error: String(error) });
      return [];
    }
  }
}

/** Named by the path it was asked for first, its real path, or its file name. */
function isOf({ handle, realPath }: SharedMount, image: string): boolean {
  return handle.imagePath === image || realPath === image ||
    (!image.includes("/") && realPath.endsWith(`/${image}`));
}
