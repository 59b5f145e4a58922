/** Notices mounts and unmounts (OBS-3). It owns the watch of the mount table and ends by `close`. */

import { type EventPump, isShimError, type Shim } from "../../ffi/mod.ts";
import { type MountLine, readMountTable } from "../mounts/mod.ts";
import { diffMounts } from "./mount_table.ts";
import type { Listener, Source } from "./source.ts";

/** Watches the mount table of this process's namespace. Throws ShimError. */
export function openMountSource(
  shim: Pick<Shim, "watchMounts" | "files">,
  events: EventPump,
  { tell, lost }: Listener,
): Source {
  const read = (): MountLine[] => readMountTable(shim.files);
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
