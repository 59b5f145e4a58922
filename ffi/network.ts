import type { EventPump } from "./events.ts";
import { check, isErrno, ShimError } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/*
 * Shell: netlink(7) exchanges, and sockets for its news, for DHCP and for ARP, watched in an event pump. Each
 * socket ends by its `close`.
 */

/** What a netlink socket can be told about. */
export type NetlinkSource = "route" | "uevent";

/** RTMGRP_* of rtnetlink(7), and the group of the kernel's own uevents. */
export const NETLINK_GROUP = {
  link: 0x1,
  ipv4Address: 0x10,
  ipv4Route: 0x40,
  ipv6Address: 0x100,
  ipv6Route: 0x400,
  kernelUevent: 0x1,
} as const;

/** News from netlink: a datagram, or that some were lost and everything must be looked at again. */
export type NetlinkNews =
  | { readonly kind: "datagram"; readonly bytes: Uint8Array }
  | { readonly kind: "lost" };

/** A packet as it came, an IP header included. */
export interface ReceivedPacket {
  readonly bytes: Uint8Array;
  /** Link-layer address of the sender. */
  readonly from: Uint8Array;
  /** The UDP checksum was left to hardware and cannot be checked. */
  readonly lacksChecksum: boolean;
}

/** A socket for UDP over IPv4, or for ARP, on one interface, with or without an address on it. */
export interface PacketSocket {
  /** Sends a packet, an IP header included. Throws ShimError. */
  send(linkAddress: Uint8Array, packet: Uint8Array): void;
  close(): void;
}

/** The network of the kernel. */
export interface Network {
  /**
   * One rtnetlink(7) request and the whole of its answer. The message must ask for an acknowledgement
   * or a dump. Throws ENOBUFS when the answer is larger than 4 MiB.
   */
  talk(request: Uint8Array): Uint8Array;
  /** Hears netlink groups (NETLINK_GROUP) until closed. */
  listen(
    pump: EventPump,
    source: NetlinkSource,
    groups: number,
    onNews: (news: NetlinkNews) => void,
  ): { close(): void };
  /** Opens a socket for the UDP datagrams that come to `port` on an interface. */
  openPackets(
    pump: EventPump,
    options: { readonly interfaceIndex: number; readonly port: number },
    onPacket: (packet: ReceivedPacket) => void,
  ): PacketSocket;
  /** Opens a socket for the ARP packets (RFC 826) on an interface. */
  openArp(
    pump: EventPump,
    options: { readonly interfaceIndex: number },
    onPacket: (packet: ReceivedPacket) => void,
  ): PacketSocket;
}

const ANSWER_BYTES = 64 * 1024;
const ANSWER_MAX_BYTES = 4 * 1024 * 1024;
const DATAGRAM_BYTES = 64 * 1024;
const PACKET_BYTES = 65_536;
const PACKET_INFO_BYTES = 20;
/** Reads per wake-up; the level-triggered pump calls again for the rest. */
const READS_PER_TURN = 64;
const SOURCES: Readonly<Record<NetlinkSource, number>> = { route: 0, uevent: 1 };

/** The network, seen through one loaded shim. */
export function createNetwork(library: Library): Network {
  function talk(request: Uint8Array): Uint8Array {
    const sent = new Uint8Array(request);
    for (let capacity = ANSWER_BYTES; capacity <= ANSWER_MAX_BYTES; capacity *= 8) {
      const answer = new Uint8Array(capacity);
      const got = library.pact_shim_rtnetlink(sent, sent.byteLength, answer, capacity);
      if (got >= 0) return answer.subarray(0, got);
      // A dump changes nothing and can be asked for again; anything else is answered in a few bytes.
      if (!isErrno(got, "ENOBUFS")) throw new ShimError(-got, "netlink");
    }
    throw ShimError.of("ENOBUFS", "netlink");
  }

  function listen(
    pump: EventPump,
    source: NetlinkSource,
    groups: number,
    onNews: (news: NetlinkNews) => void,
  ): { close(): void } {
    const fd = check(library.pact_shim_netlink_open(SOURCES[source], groups), "netlink", source);
    const buffer = new Uint8Array(DATAGRAM_BYTES);
    let open = true;
    const watch = pump.watch(fd, () => {
      for (let turn = 0; turn < READS_PER_TURN && open; turn++) {
        const got = library.pact_shim_netlink_read(fd, buffer, buffer.byteLength);
        if (got === 0) return;
        if (got > 0) onNews({ kind: "datagram", bytes: buffer.slice(0, got) });
        else if (isErrno(got, "ENOBUFS", "EMSGSIZE")) onNews({ kind: "lost" });
        else check(got, "read", `netlink ${source}`);
      }
    });
    return {
      close: () => {
        if (!open) return;
        open = false;
        watch.close();
        check(library.pact_shim_close(fd), "close", "netlink");
      },
    };
  }

  /** Watches an open socket, and sends by the call of its kind. */
  function packetSocket(
    fd: number,
    { pump, interfaceIndex, sendPacket }: {
      readonly pump: EventPump;
      readonly interfaceIndex: number;
      readonly sendPacket: Library["pact_shim_packet_send"];
    },
    onPacket: (packet: ReceivedPacket) => void,
  ): PacketSocket {
    const buffer = new Uint8Array(PACKET_BYTES);
    const info = new Uint8Array(PACKET_INFO_BYTES);
    const view = new DataView(info.buffer);
    let open = true;
    const watch = pump.watch(fd, () => {
      for (let turn = 0; turn < READS_PER_TURN && open; turn++) {
        const got = library.pact_shim_packet_read(fd, info, buffer, buffer.byteLength);
        if (got === 0) return;
        // A link that goes down is told once; the address may come back with it.
        if (isErrno(got, "ENETDOWN")) continue;
        check(got, "read", "packet socket");
        if (view.getInt32(12, true) !== 0) continue;
        onPacket({
          bytes: buffer.slice(0, got),
          from: info.slice(0, view.getUint32(8, true)),
          lacksChecksum: view.getInt32(16, true) !== 0,
        });
      }
    });
    return {
      send: (linkAddress, packet) => {
        const to = new Uint8Array(linkAddress);
        const bytes = new Uint8Array(packet);
        const sent = sendPacket(
          fd,
          interfaceIndex,
          to,
          to.byteLength,
          bytes,
          bytes.byteLength,
        );
        check(sent, "send", "packet socket");
      },
      close: () => {
        if (!open) return;
        open = false;
        watch.close();
        check(library.pact_shim_close(fd), "close", "packet socket");
      },
    };
  }

  return {
    talk,
    listen,
    openPackets: (pump, { interfaceIndex, port }, onPacket) =>
      packetSocket(
        check(library.pact_shim_packet_open(interfaceIndex, port), "packet socket"),
        { pump, interfaceIndex, sendPacket: library.pact_shim_packet_send },
        onPacket,
      ),
    openArp: (pump, { interfaceIndex }, onPacket) =>
      packetSocket(
        check(library.pact_shim_arp_open(interfaceIndex), "ARP socket"),
        { pump, interfaceIndex, sendPacket: library.pact_shim_arp_send },
        onPacket,
      ),
  };
}
