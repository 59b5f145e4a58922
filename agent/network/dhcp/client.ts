/**
 * Gets a lease on one interface and keeps it. It owns a packet socket, another one while it probes for
 * an address, and one timer; it ends by `close`, which leaves the address to its lease.
 */

import type { Clock, TimerHandle } from "../../../common/clock/mod.ts";
import type { Logger } from "../../../common/log/mod.ts";
import { type EventPump, isShimError, type Network, type PacketSocket } from "../../../ffi/mod.ts";
import type { Lease } from "../lease.ts";
import { formatIp, type IpBytes } from "../../interfaces/mod.ts";
import type { LeaseEvents, LeaseKeeper } from "../lease_keeper.ts";
import type { Link } from "../netlink/mod.ts";
import { encodeArpProbe, isArpConflict } from "./arp.ts";
import {
  type DhcpEffect,
  type DhcpEvent,
  type DhcpSend,
  type DhcpState,
  stepDhcp,
} from "./dhcp_machine.ts";
import { DHCP_TYPE, OPTION } from "./options.ts";
import {
  CLIENT_PORT,
  clientIdOption,
  decodeReply,
  type DhcpClientId,
  encodeRequest,
} from "./packet.ts";

/** How long the first lease may take. */
const FIRST_LEASE_MS = 20_000;
/** What servers are asked for, in the order of use. */
const PARAMETERS = [
  OPTION.subnetMask,
  OPTION.classlessRoutes,
  OPTION.router,
  OPTION.dnsServers,
  OPTION.domain,
  OPTION.mtu,
  OPTION.leaseTime,
  OPTION.renewTime,
  OPTION.rebindTime,
];
/** Everything a server may send in one packet on any link. */
const MAX_MESSAGE_BYTES = 1472;
const BROADCAST_BYTE = 0xff;

/** What a client works with. */
export interface DhcpClientOptions {
  readonly network: Network;
  readonly events: EventPump;
  readonly clock: Clock;
  /** Milliseconds since boot: leases are kept in them. */
  readonly bootMs: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly log: Logger;
  readonly link: Link;
  /** What servers should call this node; empty: nothing. */
  readonly hostName: string;
  /** How long the first lease may take; 20 s unless given. */
  readonly firstLeaseMs?: number;
  /** The lease of a former agent of this boot. */
  readonly former: Lease | undefined;
  /** Called with every lease, and undefined when there is none any more: for the next agent. */
  readonly keep: (lease: Lease | undefined) => void;
  readonly on: LeaseEvents;
}

/** Starts a client. Throws ShimError when there can be no socket. */
export function openDhcpClient(options: DhcpClientOptions): LeaseKeeper {
  return new DhcpClient(options);
}

class DhcpClient implements LeaseKeeper {
  readonly #socket: PacketSocket;
  #arp: PacketSocket | undefined;
  readonly #id: DhcpClientId;
  readonly #first = Promise.withResolvers<Lease>();
  #firstTimer: TimerHandle | undefined;
  #timer: TimerHandle | undefined;
  #state: DhcpState = { kind: "init" };
  /** Where the last answer came from: the server, or the relay on the way to it. */
  #serverLink: Uint8Array | undefined;
  #isClosed = false;

  constructor(private readonly options: DhcpClientOptions) {
    const { network, events, clock, link, former } = options;
    this.#id = { hardwareType: link.hardwareType, linkAddress: link.linkAddress };
    this.#first.promise.catch(() => {});
    this.#socket = network.openPackets(
      events,
      { interfaceIndex: link.index, port: CLIENT_PORT },
      ({ bytes, from, lacksChecksum }) => {
        const reply = decodeReply(bytes, this.#id, { lacksChecksum });
        if (reply === undefined) return;
        this.#serverLink = from;
        this.#take({ kind: "reply", reply });
      },
    );
    const { firstLeaseMs = FIRST_LEASE_MS } = options;
    this.#firstTimer = clock.setTimer(firstLeaseMs, () => {
      this.#firstTimer = undefined;
      this.#first.reject(new Error(`no DHCP server gave a lease within ${firstLeaseMs / 1000} s`));
    });
    if (former !== undefined) this.#take({ kind: "resume", lease: former });
    this.#take({ kind: "begin" });
  }

  get first(): Promise<Lease> {
    return this.#first.promise;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
    this.#arp?.close();
    const { clock } = this.options;
    for (const timer of [this.#timer, this.#firstTimer]) {
      if (timer !== undefined) clock.clearTimer(timer);
    }
    this.#first.reject(new Error("the DHCP client was closed"));
  }

  #take(event: DhcpEvent): void {
    if (this.#isClosed) return;
    const { bootMs, random } = this.options;
    const draw = { xid: Math.floor(random() * 2 ** 32), jitter: random() * 2 - 1 };
    const { state, effects } = stepDhcp(this.#state, event, bootMs(), draw);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    if (this.#state.kind === "probing") return;
    this.#arp?.close();
    this.#arp = undefined;
  }

  #perform(effect: DhcpEffect): void {
    switch (effect.kind) {
      case "send":
        return this.#send(effect);
      case "wakeAt":
        return this.#wakeAt(effect.atMs);
      case "probe":
        return this.#probe(effect.address);
      case "leased":
        return this.#leased(effect.lease);
      case "lost":
        this.options.keep(undefined);
        return this.options.on.onLost(effect.reason);
    }
  }

  #leased(lease: Lease): void {
    const { clock, on, keep } = this.options;
    keep(lease);
    if (this.#firstTimer === undefined) return on.onLease(lease);
    clock.clearTimer(this.#firstTimer);
    this.#firstTimer = undefined;
    this.#first.resolve(lease);
  }

  #wakeAt(atMs: number): void {
    const { clock, bootMs } = this.options;
    if (this.#timer !== undefined) clock.clearTimer(this.#timer);
    this.#timer = clock.setTimer(Math.max(1, atMs - bootMs()), () => {
      this.#timer = undefined;
      // Two clocks: the timer's may be ahead by a little, and an early call would be the last one.
      if (bootMs() < atMs) this.#wakeAt(atMs);
      else this.#take({ kind: "due" });
    });
  }

  /** A link that cannot be probed on has its address unprobed: a node without network is worse. */
  #probe(address: IpBytes): void {
    const { network, events, link, log } = this.options;
    try {
      this.#arp ??= network.openArp(events, { interfaceIndex: link.index }, ({ bytes }) => {
        if (isArpConflict(bytes, this.#id, address)) this.#take({ kind: "conflict" });
      });
      this.#arp.send(this.#everyone(), encodeArpProbe(this.#id, address));
    } catch (error) {
      if (!isShimError(error)) throw error;
      log.debug("address not probed for", { interface: link.name, reason: error.message });
    }
  }

  #everyone(): Uint8Array {
    return new Uint8Array(this.options.link.linkAddress.byteLength).fill(BROADCAST_BYTE);
  }

  #send(send: DhcpSend): void {
    const { link, log } = this.options;
    const { xid, seconds, clientAddress, server, offer } = send;
    if (send.type === "decline" && offer !== undefined) {
      log.warn("offered address is in use, declined", {
        interface: link.name,
        address: formatIp(offer.address),
        server: formatIp(offer.server),
      });
    }
    const request = {
      xid,
      seconds,
      ...(clientAddress !== undefined && { clientAddress }),
      options: this.#optionsOf(send),
    };
    const isDirect = server !== undefined && this.#serverLink !== undefined;
    const packet = encodeRequest(this.#id, request, isDirect ? server : undefined);
    try {
      const to = isDirect ? this.#serverLink : undefined;
      this.#socket.send(to ?? this.#everyone(), packet);
    } catch (error) {
      // The link may be down for a while; it is sent again.
      if (!isShimError(error)) throw error;
      log.debug("DHCP message not sent", { interface: link.name, reason: error.message });
    }
  }

  #optionsOf({ type, offer }: DhcpSend): (readonly [number, Uint8Array])[] {
    return [
      [OPTION.messageType, Uint8Array.of(DHCP_TYPE[type])],
      [OPTION.clientId, clientIdOption(this.#id)],
      ...(offer === undefined ? [] : [
        [OPTION.requestedAddress, offer.address] as const,
        [OPTION.server, offer.server] as const,
      ]),
      // The rest must not be in a refusal (RFC 2131, table 5).
      ...(type === "decline" ? [] : this.#wishes()),
    ];
  }

  #wishes(): (readonly [number, Uint8Array])[] {
    const hostName = new TextEncoder().encode(this.options.hostName.slice(0, 63));
    return [
      [OPTION.maxMessageBytes, Uint8Array.of(MAX_MESSAGE_BYTES >> 8, MAX_MESSAGE_BYTES & 0xff)],
      ...(hostName.byteLength === 0 ? [] : [[OPTION.hostName, hostName] as const]),
      [OPTION.parameters, Uint8Array.from(PARAMETERS)],
    ];
  }
}
