/** What every mount backend offers (MT-3). */
import type { MountHandle } from "./handle.ts";

/** Shares one mount of an image among allocations. All operations fail with `MountError`. */
export interface MountManager {
  acquireMount(imagePath: string, allocationId: string): Promise<MountHandle>;
  releaseMount(handle: MountHandle, allocationId: string): Promise<void>;
  /** Emergency only (MT-7). */
  forceUnmount(imagePath: string): Promise<void>;
  /** After an agent restart (MT-6). */
  reconstructState(activeAllocationIds: readonly string[]): Promise<void>;
}
