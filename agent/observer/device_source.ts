/** Notices modules, block devices, GPUs and network cards (OBS-3). It owns a netlink listener and ends by
 * `close`. */

import { type EventPump, NETLINK_GROUP, type Shim } from "../../ffi/mod.ts";
import { decodeUevent } from "../hardware/mod.ts";
import { deviceEvent } from "./device_event.ts";
import type { Listener, Source } from "./source.ts";

/** Hears the kernel's own uevents. Throws ShimError. */
export function openDeviceSource(
  shim: Pick<Shim, "network">,
  events: EventPump,
  { tell, lost }: Listener,
): Source {
  return shim.network.listen(events, "uevent", NETLINK_GROUP.kernelUevent, (news) => {
    if (news.kind === "lost") return lost("uevent");
    const uevent = decodeUevent(news.bytes);
    const event = uevent && deviceEvent(uevent);
    if (event !== undefined) tell({ ...event, source: "uevent" });
  });
}
