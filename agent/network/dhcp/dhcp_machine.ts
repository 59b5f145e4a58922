/*
 * A DHCP client (RFC 2131, 4.4). Times are milliseconds since boot.
 *
 *   state        event         next         effect
 *   init         begin, due    selecting    DISCOVER to everyone
 *   selecting    offer         requesting   REQUEST to everyone
 *   selecting    due           selecting    DISCOVER again, later and later
 *   requesting   ack           probing      ARP probe (RFC 5227)
 *   probing      due           probing      another probe; after the third: bound, leased
 *   probing      conflict      init         DECLINE, begin anew after a pause
 *   requesting   nak           init         begin anew after a pause
 *   requesting   due           requesting   REQUEST again; after the fourth: selecting
 *   bound        due           renewing     REQUEST to the lease's server (T1)
 *   renewing     due           rebinding    REQUEST to everyone (T2)
 *   renewing, rebinding  ack   bound        leased
 *   renewing, rebinding  nak   init         lost
 *   rebinding    due           init         lost, the lease is over
 *   init         resume        bound        (a lease of a former agent)
 *
 * Answers with another transaction's number change nothing.
 */

import type { Lease } from "../lease.ts";
import type { IpBytes } from "../../interfaces/mod.ts";
import { leaseOf, type Offer, offerOf } from "./answer.ts";
import { DHCP_TYPE, messageOf } from "./options.ts";
import type { DhcpReply } from "./packet.ts";

interface Exchange {
  readonly xid: number;
  readonly beganAtMs: number;
  readonly sends: number;
  readonly sentAtMs: number;
  readonly nextAtMs: number;
}

/** Where a client stands. */
export type DhcpState =
  | { readonly kind: "init"; readonly beginAtMs?: number }
  | ({ readonly kind: "selecting" } & Exchange)
  | ({ readonly kind: "requesting"; readonly offer: Offer } & Exchange)
  /** The lease is granted; whether somebody has the address already is being found out. */
  | {
    readonly kind: "probing";
    readonly lease: Lease;
    readonly probes: number;
    readonly nextAtMs: number;
  }
  | { readonly kind: "bound"; readonly lease: Lease }
  | ({ readonly kind: "renewing" | "rebinding"; readonly lease: Lease } & Exchange);

/** What happens to a client. */
export type DhcpEvent =
  | { readonly kind: "begin" }
  /** A former agent had this lease. */
  | { readonly kind: "resume"; readonly lease: Lease }
  | { readonly kind: "reply"; readonly reply: DhcpReply }
  /** Somebody has the address that is probed for. */
  | { readonly kind: "conflict" }
  | { readonly kind: "due" };

/** A message to send. */
export interface DhcpSend {
  readonly kind: "send";
  readonly type: "discover" | "request" | "decline";
  readonly xid: number;
  readonly seconds: number;
  /** The offer that is asked for, or declined. */
  readonly offer?: Offer;
  /** The address that is used already. */
  readonly clientAddress?: IpBytes;
  /** Only to this server, as it holds the lease; to everyone where absent. */
  readonly server?: IpBytes;
}

/** What the shell does. */
export type DhcpEffect =
  | DhcpSend
  | { readonly kind: "wakeAt"; readonly atMs: number }
  | { readonly kind: "probe"; readonly address: IpBytes }
  | { readonly kind: "leased"; readonly lease: Lease }
  | { readonly kind: "lost"; readonly reason: string };

/** Chance, drawn by the shell for every step. */
export interface DhcpDraw {
  /** A fresh transaction number, 32 bits. */
  readonly xid: number;
  /** -1 to 1. */
  readonly jitter: number;
}

/** The next state and what is to be done. */
export interface DhcpStep {
  readonly state: DhcpState;
  readonly effects: readonly DhcpEffect[];
}

/** First wait for an answer and longest, each a little more or less at random (RFC 2131, 4.1). */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 64_000;
const JITTER = 0.25;
/** Requests for one offer before another is looked for. */
const MAX_REQUESTS = 4;
/** Pause before beginning anew after a refusal of either side (RFC 2131, 3.1). */
const REFUSED_PAUSE_MS = 10_000;
/** Fewer and faster than RFC 5227 has it, whose 4 to 7 s every boot would pay: on a wired network an
 * answer takes no millisecond. */
const PROBES = 3;
const PROBE_WAIT_MS = 100;
/** Shortest wait between two tries to extend a lease (RFC 2131, 4.4.5). */
const MIN_EXTEND_WAIT_MS = 60_000;

/** One step of a client. */
export function stepDhcp(
  state: DhcpState,
  event: DhcpEvent,
  nowMs: number,
  draw: DhcpDraw,
): DhcpStep {
  switch (event.kind) {
    case "begin":
      return state.kind === "init" ? discover(nowMs, draw) : unchanged(state);
    case "resume":
      return state.kind === "init" ? resume(event.lease, nowMs) : unchanged(state);
    case "reply":
      return onReply(state, event.reply, nowMs);
    case "conflict":
      return state.kind === "probing" ? decline(state.lease, nowMs, draw) : unchanged(state);
    case "due":
      return onDue(state, nowMs, draw);
  }
}

function unchanged(state: DhcpState): DhcpStep {
  return { state, effects: [] };
}

function onReply(state: DhcpState, reply: DhcpReply, nowMs: number): DhcpStep {
  if (!("xid" in state) || reply.xid !== state.xid) return unchanged(state);
  if (state.kind === "selecting") {
    const offer = reply.type === DHCP_TYPE.offer ? offerOf(reply) : undefined;
    return offer === undefined ? unchanged(state) : request(state, offer, nowMs);
  }
  if (reply.type === DHCP_TYPE.nak) return refused(state, reply, nowMs);
  const lease = reply.type === DHCP_TYPE.ack ? leaseOf(reply, state.sentAtMs) : undefined;
  if (lease === undefined) return unchanged(state);
  // An address that is in use here already needs no probe.
  return state.kind === "requesting" ? probe(lease, 1, nowMs) : bind(lease);
}

function bind(lease: Lease): DhcpStep {
  return {
    state: { kind: "bound", lease },
    effects: [
      { kind: "leased", lease },
      { kind: "wakeAt", atMs: lease.askedAtMs + lease.renewAfterMs },
    ],
  };
}

function probe(lease: Lease, probes: number, nowMs: number): DhcpStep {
  const nextAtMs = nowMs + PROBE_WAIT_MS;
  return {
    state: { kind: "probing", lease, probes, nextAtMs },
    effects: [
      { kind: "probe", address: lease.address.address },
      { kind: "wakeAt", atMs: nextAtMs },
    ],
  };
}

/** RFC 2131, 3.1.5 and 4.4.4: to everyone, from nobody; no answer comes. */
function decline(lease: Lease, nowMs: number, draw: DhcpDraw): DhcpStep {
  const beginAtMs = nowMs + REFUSED_PAUSE_MS;
  const offer = { address: lease.address.address, server: lease.server };
  return {
    state: { kind: "init", beginAtMs },
    effects: [
      { kind: "send", type: "decline", xid: draw.xid, seconds: 0, offer },
      { kind: "wakeAt", atMs: beginAtMs },
    ],
  };
}

function refused(
  state: Extract<DhcpState, { kind: "requesting" | "renewing" | "rebinding" }>,
  reply: DhcpReply,
  nowMs: number,
): DhcpStep {
  const begin = { kind: "init", beginAtMs: nowMs + REFUSED_PAUSE_MS } as const;
  const wake = { kind: "wakeAt", atMs: begin.beginAtMs } as const;
  if (state.kind === "requesting") return { state: begin, effects: [wake] };
  const words = messageOf(reply.options);
  const reason = `the DHCP server refused the lease${words === "" ? "" : `: ${words}`}`;
  return { state: begin, effects: [{ kind: "lost", reason }, wake] };
}

function onDue(state: DhcpState, nowMs: number, draw: DhcpDraw): DhcpStep {
  switch (state.kind) {
    case "init":
      return state.beginAtMs !== undefined && nowMs >= state.beginAtMs
        ? discover(nowMs, draw)
        : unchanged(state);
    case "selecting":
      return nowMs < state.nextAtMs ? unchanged(state) : sendAgain(state, nowMs, draw, {
        type: "discover",
      });
    case "requesting":
      if (nowMs < state.nextAtMs) return unchanged(state);
      if (state.sends >= MAX_REQUESTS) return discover(nowMs, draw);
      return sendAgain(state, nowMs, draw, { type: "request", offer: state.offer });
    case "probing":
      if (nowMs < state.nextAtMs) return unchanged(state);
      if (state.probes < PROBES) return probe(state.lease, state.probes + 1, nowMs);
      // The machine may have slept meanwhile.
      return nowMs < state.lease.askedAtMs + state.lease.endsAfterMs
        ? bind(state.lease)
        : discover(nowMs, draw);
    case "bound":
      return nowMs < state.lease.askedAtMs + state.lease.renewAfterMs
        ? unchanged(state)
        : extend(state.lease, undefined, nowMs, draw);
    case "renewing":
    case "rebinding":
      return nowMs < state.nextAtMs ? unchanged(state) : extend(state.lease, state, nowMs, draw);
  }
}

function discover(nowMs: number, draw: DhcpDraw): DhcpStep {
  const exchange = { xid: draw.xid, beganAtMs: nowMs, sends: 0, sentAtMs: nowMs, nextAtMs: nowMs };
  return sendAgain({ kind: "selecting", ...exchange }, nowMs, draw, { type: "discover" });
}

/** The first acceptable offer is taken: to wait for better ones costs every boot. */
function request(
  state: Extract<DhcpState, { kind: "selecting" }>,
  offer: Offer,
  nowMs: number,
): DhcpStep {
  const requesting = { ...state, kind: "requesting", offer, sends: 0 } as const;
  return sendAgain(requesting, nowMs, { xid: state.xid, jitter: 0 }, { type: "request", offer });
}

function sendAgain(
  state: Extract<DhcpState, { kind: "selecting" | "requesting" }>,
  nowMs: number,
  draw: DhcpDraw,
  message: Pick<DhcpSend, "type" | "offer">,
): DhcpStep {
  const waitMs = Math.min(FIRST_WAIT_MS * 2 ** Math.min(state.sends, 10), LONGEST_WAIT_MS);
  const nextAtMs = nowMs + Math.round(waitMs * (1 + JITTER * draw.jitter));
  const seconds = Math.floor((nowMs - state.beganAtMs) / 1000);
  return {
    state: { ...state, sends: state.sends + 1, sentAtMs: nowMs, nextAtMs },
    effects: [
      { kind: "send", xid: state.xid, seconds, ...message },
      { kind: "wakeAt", atMs: nextAtMs },
    ],
  };
}

/** Asks for more time: its own server until T2, then any, until the lease is over. */
function extend(
  lease: Lease,
  former: Extract<DhcpState, { kind: "renewing" | "rebinding" }> | undefined,
  nowMs: number,
  draw: DhcpDraw,
): DhcpStep {
  const rebindAtMs = lease.askedAtMs + lease.rebindAfterMs;
  const endsAtMs = lease.askedAtMs + lease.endsAfterMs;
  if (nowMs >= endsAtMs) {
    const fresh = discover(nowMs, draw);
    return {
      state: fresh.state,
      effects: [{ kind: "lost", reason: "the DHCP lease is over" }, ...fresh.effects],
    };
  }
  const kind = nowMs >= rebindAtMs ? "rebinding" : "renewing";
  const limitMs = kind === "renewing" ? rebindAtMs : endsAtMs;
  const waitMs = Math.max((limitMs - nowMs) / 2, MIN_EXTEND_WAIT_MS);
  const nextAtMs = Math.min(Math.round(nowMs + waitMs), limitMs);
  const beganAtMs = former?.beganAtMs ?? nowMs;
  const exchange = {
    xid: former?.xid ?? draw.xid,
    beganAtMs,
    sends: (former?.sends ?? 0) + 1,
    sentAtMs: nowMs,
    nextAtMs,
  };
  return {
    state: { kind, lease, ...exchange },
    effects: [
      {
        kind: "send",
        type: "request",
        xid: exchange.xid,
        seconds: Math.floor((nowMs - beganAtMs) / 1000),
        clientAddress: lease.address.address,
        ...(kind === "renewing" && { server: lease.server }),
      },
      { kind: "wakeAt", atMs: nextAtMs },
    ],
  };
}

/** Goes on with a lease that was granted to a former agent; one that is over is forgotten. */
function resume(lease: Lease, nowMs: number): DhcpStep {
  if (nowMs < lease.askedAtMs || nowMs >= lease.askedAtMs + lease.endsAfterMs) {
    return unchanged({ kind: "init" });
  }
  return bind(lease);
}
