import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type DhcpEffect,
  type DhcpEvent,
  type DhcpState,
  stepDhcp,
} from "../../../../../agent/network/dhcp/dhcp_machine.ts";
import { DHCP_TYPE, OPTION } from "../../../../../agent/network/dhcp/options.ts";
import type { DhcpReply } from "../../../../../agent/network/dhcp/packet.ts";
import type { Lease } from "../../../../../agent/network/mod.ts";

const SERVER = Uint8Array.of(10, 0, 0, 1);
const ADDRESS = Uint8Array.of(10, 0, 0, 9);

function reply(type: number, xid: number, leaseSeconds = 3600): DhcpReply {
  const seconds = new Uint8Array(4);
  new DataView(seconds.buffer).setUint32(0, leaseSeconds);
  return {
    xid,
    type,
    yourAddress: ADDRESS,
    options: new Map([
      [OPTION.server, SERVER],
      [OPTION.subnetMask, Uint8Array.of(255, 255, 255, 0)],
      [OPTION.leaseTime, seconds],
      [OPTION.message, new TextEncoder().encode("go\u0007away")],
    ]),
  };
}

/** A client with its clock; draws are without jitter, transactions numbered from 1. */
class Client {
  state: DhcpState = { kind: "init" };
  nowMs = 1_000;
  #xid = 0;

  take(event: DhcpEvent): readonly DhcpEffect[] {
    const step = stepDhcp(this.state, event, this.nowMs, { xid: ++this.#xid, jitter: 0 });
    this.state = step.state;
    return step.effects;
  }

  /** Goes on to the next time that was asked for. */
  due(): readonly DhcpEffect[] {
    assert.ok(this.wakeAtMs !== undefined, "no time was asked for");
    this.nowMs = this.wakeAtMs;
    return this.take({ kind: "due" });
  }

  get wakeAtMs(): number | undefined {
    const { state } = this;
    if (state.kind === "bound") return state.lease.askedAtMs + state.lease.renewAfterMs;
    return state.kind === "init" ? state.beginAtMs : state.nextAtMs;
  }

  get xid(): number {
    return "xid" in this.state ? this.state.xid : 0;
  }

  /** Lets the probes go unanswered. */
  probed(): readonly DhcpEffect[] {
    let effects: readonly DhcpEffect[] = [];
    for (let n = 0; n < 10 && this.state.kind === "probing"; n++) effects = this.due();
    return effects;
  }

  bind(leaseSeconds = 3600): Lease {
    this.take({ kind: "begin" });
    this.take({ kind: "reply", reply: reply(DHCP_TYPE.offer, this.xid) });
    this.take({ kind: "reply", reply: reply(DHCP_TYPE.ack, this.xid, leaseSeconds) });
    const effects = this.probed();
    const leased = effects.find((effect) => effect.kind === "leased");
    assert.ok(leased?.kind === "leased");
    return leased.lease;
  }
}

function sent(effects: readonly DhcpEffect[]) {
  return effects.flatMap((effect) => effect.kind === "send" ? [effect] : []);
}

Deno.test("RFC 2131: discover, offer, request, acknowledgement, bound", () => {
  const client = new Client();
  const [discover] = sent(client.take({ kind: "begin" }));
  assert.deepEqual(discover, { kind: "send", type: "discover", xid: 1, seconds: 0 });
  client.nowMs += 100;
  const [request] = sent(client.take({ kind: "reply", reply: reply(DHCP_TYPE.offer, 1) }));
  assert.equal(request?.type, "request");
  assert.deepEqual(request?.offer, { address: ADDRESS, server: SERVER });
  assert.equal(request?.xid, 1);
  client.nowMs += 100;
  const probing = client.take({ kind: "reply", reply: reply(DHCP_TYPE.ack, 1) });
  assert.deepEqual(probing[0], { kind: "probe", address: ADDRESS });
  const effects = client.probed();
  assert.deepEqual(effects.map(({ kind }) => kind), ["leased", "wakeAt"]);
  assert.equal(client.state.kind, "bound");
  assert.equal(client.nowMs, 1_200 + 300, "three probes of 100 ms");
  // The lease counts from the request, not from its answer.
  assert.equal(client.wakeAtMs, 1_100 + 1_800_000);
});

Deno.test("a silent server is asked again after 1, 2, 4 s and so on, at most 64 s apart", () => {
  const client = new Client();
  client.take({ kind: "begin" });
  const waits = Array.from({ length: 9 }, () => {
    const before = client.nowMs;
    assert.equal(sent(client.due())[0]?.type, "discover");
    return (client.nowMs - before) / 1000;
  });
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
});

Deno.test("a server that offers and then falls silent is left for another after four requests", () => {
  const client = new Client();
  client.take({ kind: "begin" });
  client.take({ kind: "reply", reply: reply(DHCP_TYPE.offer, client.xid) });
  const types = Array.from({ length: 4 }, () => sent(client.due())[0]?.type);
  assert.deepEqual(types, ["request", "request", "request", "discover"]);
  assert.notEqual(client.xid, 1);
});

Deno.test("a refused request begins anew after a pause", () => {
  const client = new Client();
  client.take({ kind: "begin" });
  client.take({ kind: "reply", reply: reply(DHCP_TYPE.offer, client.xid) });
  const effects = client.take({ kind: "reply", reply: reply(DHCP_TYPE.nak, client.xid) });
  assert.deepEqual(effects, [{ kind: "wakeAt", atMs: client.nowMs + 10_000 }]);
  assert.equal(sent(client.due())[0]?.type, "discover");
});

Deno.test("RFC 2131, 3.1: an address that somebody has is declined, and another one asked for after 10 s", () => {
  const client = new Client();
  client.take({ kind: "begin" });
  client.take({ kind: "reply", reply: reply(DHCP_TYPE.offer, client.xid) });
  client.take({ kind: "reply", reply: reply(DHCP_TYPE.ack, client.xid) });
  client.due();
  const effects = client.take({ kind: "conflict" });
  const [decline] = sent(effects);
  assert.deepEqual([decline?.type, decline?.offer, decline?.clientAddress, decline?.server], [
    "decline",
    { address: ADDRESS, server: SERVER },
    undefined,
    undefined,
  ]);
  assert.equal(effects.some(({ kind }) => kind === "leased"), false);
  assert.equal(client.wakeAtMs, client.nowMs + 10_000);
  assert.deepEqual(client.take({ kind: "conflict" }), []);
  assert.equal(sent(client.due())[0]?.type, "discover");
});

Deno.test("RFC 5227: a conflict about an address that is in use here already changes nothing", () => {
  const client = new Client();
  client.bind();
  assert.deepEqual(client.take({ kind: "conflict" }), []);
  client.due();
  const effects = client.take({ kind: "reply", reply: reply(DHCP_TYPE.ack, client.xid) });
  assert.equal(effects[0]?.kind, "leased", "extended without a probe");
});

Deno.test("a machine that slept through its lease while it probed begins anew", () => {
  const client = new Client();
  client.take({ kind: "begin" });
  client.take({ kind: "reply", reply: reply(DHCP_TYPE.offer, client.xid) });
  client.take({ kind: "reply", reply: reply(DHCP_TYPE.ack, client.xid) });
  client.due();
  client.due();
  client.nowMs += 3_600_000;
  assert.equal(sent(client.take({ kind: "due" }))[0]?.type, "discover");
});

Deno.test("RFC 2131: at T1 the lease's server is asked, at T2 everyone, at the end the address goes", () => {
  const client = new Client();
  const lease = client.bind(3600);
  const [renew] = sent(client.due());
  assert.equal(client.state.kind, "renewing");
  assert.deepEqual([renew?.server, renew?.clientAddress, renew?.offer], [
    SERVER,
    ADDRESS,
    undefined,
  ]);
  while (client.state.kind === "renewing") client.due();
  assert.equal(client.nowMs, lease.askedAtMs + 3_150_000);
  let last: readonly DhcpEffect[] = [];
  while (client.state.kind === "rebinding") {
    last = client.due();
    if (client.state.kind === "rebinding") assert.equal(sent(last)[0]?.server, undefined);
  }
  assert.equal(client.nowMs, lease.askedAtMs + 3_600_000);
  assert.deepEqual(last[0], { kind: "lost", reason: "the DHCP lease is over" });
  assert.equal(client.state.kind, "selecting");
});

Deno.test("a lease that is extended is bound again, for its new time", () => {
  for (const waits of [1, 20]) {
    const client = new Client();
    client.bind(3600);
    for (let n = 0; n < waits && client.wakeAtMs !== undefined; n++) client.due();
    if (client.state.kind === "selecting") continue;
    const sentAtMs = client.nowMs;
    client.nowMs += 50;
    const effects = client.take({ kind: "reply", reply: reply(DHCP_TYPE.ack, client.xid, 7200) });
    assert.deepEqual(effects.map(({ kind }) => kind), ["leased", "wakeAt"]);
    assert.equal(client.wakeAtMs, sentAtMs + 3_600_000);
  }
});

Deno.test("a lease that is refused is given up at once, in the server's words without its tricks", () => {
  const client = new Client();
  client.bind();
  client.due();
  const [lost] = client.take({ kind: "reply", reply: reply(DHCP_TYPE.nak, client.xid) });
  assert.deepEqual(lost, { kind: "lost", reason: "the DHCP server refused the lease: goaway" });
});

Deno.test("BTS-13: a lease of a former agent goes on where it was, one that is over does not", () => {
  const lease = new Client().bind(3600);
  const next = new Client();
  next.nowMs = lease.askedAtMs + 60_000;
  const effects = next.take({ kind: "resume", lease });
  assert.deepEqual(effects.map(({ kind }) => kind), ["leased", "wakeAt"]);
  assert.equal(next.wakeAtMs, lease.askedAtMs + 1_800_000);
  for (const nowMs of [lease.askedAtMs + 3_600_000, lease.askedAtMs - 1]) {
    const late = new Client();
    late.nowMs = nowMs;
    assert.deepEqual(late.take({ kind: "resume", lease }), []);
    assert.equal(sent(late.take({ kind: "begin" }))[0]?.type, "discover");
  }
});

Deno.test("whatever arrives: no address is used past its lease, and there is always a next time", () => {
  const event = fc.oneof(
    fc.record({
      type: fc.constantFrom(2, 5, 6, 1, 99),
      isOurs: fc.boolean(),
      seconds: fc.integer({ min: 0, max: 100_000 }),
    }),
    fc.constantFrom("due" as const, "conflict" as const),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat(4_000_000)), { maxLength: 60 }), (steps) => {
      const client = new Client();
      client.take({ kind: "begin" });
      let held: Lease | undefined;
      for (const [step, passedMs] of steps) {
        // The shell wakes the client whenever it asked for it.
        const endMs = client.nowMs + passedMs;
        const take = (event: DhcpEvent) => {
          for (const effect of client.take(event)) {
            if (effect.kind === "leased") held = effect.lease;
            if (effect.kind === "lost") held = undefined;
          }
        };
        for (
          let n = 0;
          n < 1000 && client.wakeAtMs !== undefined && client.wakeAtMs <= endMs;
          n++
        ) {
          client.nowMs = Math.max(client.nowMs, client.wakeAtMs);
          take({ kind: "due" });
        }
        client.nowMs = Math.max(client.nowMs, endMs);
        if (step === "due" || step === "conflict") take({ kind: step });
        else {
          const xid = step.isOurs ? client.xid : client.xid + 1;
          take({ kind: "reply", reply: reply(step.type, xid, step.seconds) });
        }
        assert.ok(client.wakeAtMs !== undefined);
        if (held !== undefined) assert.ok(client.nowMs <= held.askedAtMs + held.endsAfterMs);
      }
    }),
  );
});
