/** Notices mounts and unmounts (OBS-3). It owns the watch of the mount table and ends by `close`. */

import { type EventPump, isShimError, type Shim } from "../../ffi/mod.ts";
import { diffMounts, type MountLine, parseMountTable } from "./mount_table.ts";
import type { Listener, Source } from "./source.ts";

const MAX_TABLE_BYTES = 8 << 20;

/** Watches the mount table of this process's namespace. Throws ShimError. */
export function openMountSource(
  shim: Pick<Shim, "watchMounts" | "files">,
  events: EventPump,
  { tell, lost }: Listener,
): Source {
  const read = (): MountLine[] =>
    parseMountTable(shim.files.readText("/proc/self/mountinfo", { maxBytes: MAX_TABLE_BYTES }));
  let table: readonly MountLine[] = [];
  const watch = shim.watchMounts(events, () => {
    try {
      const now = read();
      for (const event of diffMounts(table, now)) tell({ ...event, source: "mountinfo" });
      table = now;
    } catch (error) {
      if (!isShimError(error)) throw error;
      lost("mountinfo");
    }
  });
  // After the watch, so that no mount falls between the two.
  table = read();
  return watch;
}
