/**
 * Notices changes of links, addresses and routes (OBS-3, OBS-6): news only say that there is something to
 * look at, the tables say what. It owns a netlink listener and a timer and ends by `close`.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { type EventPump, isShimError, NETLINK_GROUP, type Shim } from "../../ffi/mod.ts";
import { createRtnetlink } from "../network/mod.ts";
import type { Actor } from "./event.ts";
import { diffNetwork, type NetworkTable, networkTable, sendersOf } from "./network_table.ts";
import type { Listener, Source } from "./source.ts";

/** News within this time are looked at together; the event itself waits as long again (OBS-5). */
const GATHER_MS = 100;
const MAX_SENDERS = 256;
const { link, ipv4Address, ipv4Route, ipv6Address, ipv6Route } = NETLINK_GROUP;
const GROUPS = link | ipv4Address | ipv4Route | ipv6Address | ipv6Route;

/** Watches the network of this process's namespace. Throws ShimError. */
export function openNetworkSource(
  { shim, events, clock, listener }: {
    readonly shim: Pick<Shim, "network">;
    readonly events: EventPump;
    readonly clock: Clock;
    readonly listener: Listener;
  },
): Source {
  const rtnetlink = createRtnetlink(shim.network);
  const senders = new Map<number, Actor>();
  let anySender: Actor | undefined;
  let timer: TimerHandle | undefined;
  let table: NetworkTable = new Map();
  let names = new Map<string, number>();

  function read(): NetworkTable {
    const links = rtnetlink.links();
    names = new Map(links.map(({ name, index }) => [name, index]));
    return networkTable({
      links,
      addresses: rtnetlink.addresses(),
      routes: rtnetlink.routes(),
    });
  }

  function look(): void {
    timer = undefined;
    try {
      const former = names;
      const now = read();
      for (const event of diffNetwork(table, now)) {
        const index = names.get(event.path) ?? former.get(event.path);
        const actor = (index === undefined ? undefined : senders.get(index)) ?? anySender;
        listener.tell({ ...event, source: "rtnetlink", ...(actor && { actor }) });
      }
      table = now;
    } catch (error) {
      if (!isShimError(error)) throw error;
      listener.lost("rtnetlink");
    }
    senders.clear();
    anySender = undefined;
  }

  const watch = shim.network.listen(events, "route", GROUPS, (news) => {
    if (news.kind === "datagram") {
      for (const { pid, interfaceIndex } of sendersOf(news.bytes)) {
        const actor = likely(listener.actor(pid));
        if (interfaceIndex === undefined) anySender ??= actor;
        else if (actor !== undefined && senders.size < MAX_SENDERS) {
          senders.set(interfaceIndex, actor);
        }
      }
    }
    timer ??= clock.setTimer(GATHER_MS, look);
  });
  table = read();
  return {
    close: () => {
      if (timer !== undefined) clock.clearTimer(timer);
      watch.close();
    },
  };
}

/** The port of a socket is a process id by convention only, and a number without a process none. */
function likely(actor: Actor | undefined): Actor | undefined {
  if (actor === undefined || actor.confidence === "number") return undefined;
  const { isForker: _none, ...sender } = actor;
  return { ...sender, confidence: "likely" };
}
