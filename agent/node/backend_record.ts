import { isShimError, type Shim } from "../../ffi/mod.ts";
import { type Backend, backendNamed } from "./backend_choice.ts";

/*
 * Shell: the file that says which backend this boot has. Holds nothing open.
 */

/** What a boot of the node has decided, so that an agent that starts again keeps to it (CTX-7). */
export interface BackendRecord {
  /** Null when this boot of the kernel has decided nothing: what a former one did is void. */
  read(): Backend | null;
  write(backend: Backend): void;
}

const MAX_BYTES = 256;

/** The record in a directory of the agent's state. */
export function openBackendRecord(shim: Shim, stateDirectory: string): BackendRecord {
  const path = `${stateDirectory}/backend`;
  return {
    read: () => {
      try {
        const [backend, boot] = shim.files.readText(path, { maxBytes: MAX_BYTES }).split(" ");
        return boot?.trim() === bootId(shim) ? backendNamed(backend) : null;
      } catch (error) {
        if (isShimError(error)) return null;
        throw error;
      }
    },
    write: (backend) =>
      shim.files.writeAtomicSync(path, `${backend} ${bootId(shim)}\n`, { mode: 0o600 }),
  };
}

/** Identifies this boot of the kernel; deadlines of another one are void (WIN-4). */
export function bootId({ files }: Pick<Shim, "files">): string {
  return files.readText("/proc/sys/kernel/random/boot_id", { maxBytes: 64 }).trim();
}
