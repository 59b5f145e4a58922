import assert from "node:assert/strict";
import fc from "fast-check";
import { leaseOf, offerOf } from "../../../../../agent/network/dhcp/answer.ts";
import {
  decodeOptions,
  encodeOptions,
  OPTION,
  prefixLengthOf,
  routesOf,
} from "../../../../../agent/network/dhcp/options.ts";
import { decodeReply, encodeRequest } from "../../../../../agent/network/dhcp/packet.ts";
import { formatCidr, formatIp } from "../../../../../agent/interfaces/mod.ts";

const CLIENT = { hardwareType: 1, linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 7) };

type Option = readonly [number, Uint8Array];

/** A server's packet, made from a request of ours: the frame is checked, so it must be right. */
function replyPacket(
  { options, yourAddress = [10, 0, 0, 9], xid = 0x1234, client = CLIENT }: {
    options: readonly Option[];
    yourAddress?: readonly number[];
    xid?: number;
    client?: typeof CLIENT;
  },
): Uint8Array {
  const packet = encodeRequest(client, { xid, seconds: 0, options });
  packet[28] = 2;
  packet.set(yourAddress, 28 + 16);
  new DataView(packet.buffer).setUint16(20, 67);
  new DataView(packet.buffer).setUint16(22, 68);
  // No checksum, as RFC 768 allows.
  new DataView(packet.buffer).setUint16(26, 0);
  return packet;
}

const ACK: readonly Option[] = [
  [OPTION.messageType, Uint8Array.of(5)],
  [OPTION.server, Uint8Array.of(10, 0, 0, 1)],
  [OPTION.subnetMask, Uint8Array.of(255, 255, 255, 0)],
  [OPTION.router, Uint8Array.of(10, 0, 0, 1)],
  [OPTION.dnsServers, Uint8Array.of(10, 0, 0, 53, 10, 0, 0, 54)],
  [OPTION.domain, new TextEncoder().encode("cluster.example\0")],
  [OPTION.mtu, Uint8Array.of(0x23, 0x28)],
  [OPTION.leaseTime, Uint8Array.of(0, 0, 0x0e, 0x10)],
];

function without(code: number, ...others: Option[]): Option[] {
  return [...ACK.filter(([known]) => known !== code), ...others];
}

function leaseFrom(options: readonly Option[]) {
  const reply = decodeReply(replyPacket({ options }), CLIENT);
  return reply && leaseOf(reply, 1000);
}

Deno.test("a request is an IPv4 packet with right checksums, from nowhere to everywhere", () => {
  const packet = encodeRequest(CLIENT, {
    xid: 0xdeadbeef,
    seconds: 3,
    options: [[OPTION.messageType, Uint8Array.of(1)]],
  });
  assert.equal(packet.byteLength, 20 + 8 + 300);
  assert.equal(
    packet.subarray(0, 28).toHex(),
    "450001480000000040117" + "9a600000000ffffffff" + "0044004301346871",
  );
  assert.equal(packet.subarray(28, 40).toHex(), "01010600deadbeef00030000");
  assert.equal(packet.subarray(56, 62).toHex(), "020000000007");
  assert.equal(packet.subarray(264, 272).toHex(), "63825363350101ff");
});

Deno.test("an acknowledgement becomes a lease with everything in it", () => {
  const lease = leaseFrom(ACK);
  assert.ok(lease !== undefined);
  assert.equal(formatCidr(lease.address), "10.0.0.9/24");
  assert.equal(formatIp(lease.gateway ?? new Uint8Array(16)), "10.0.0.1");
  assert.deepEqual(lease.dnsServers.map(formatIp), ["10.0.0.53", "10.0.0.54"]);
  assert.deepEqual([lease.domain, lease.mtu], ["cluster.example", 9000]);
  assert.deepEqual(
    [lease.askedAtMs, lease.renewAfterMs, lease.rebindAfterMs, lease.endsAfterMs],
    [1000, 1_800_000, 3_150_000, 3_600_000],
  );
});

Deno.test("a server's own times count where they are in order, the usual shares where not", () => {
  const time = (code: number, seconds: number): Option => [
    code,
    Uint8Array.of(0, 0, seconds >> 8, seconds & 0xff),
  ];
  const times = (...options: Option[]) => {
    const lease = leaseFrom([...ACK, ...options]);
    return [lease?.renewAfterMs, lease?.rebindAfterMs];
  };
  assert.deepEqual(times(time(58, 100), time(59, 200)), [100_000, 200_000]);
  assert.deepEqual(times(time(58, 5000), time(59, 200)), [200_000, 200_000]);
  assert.deepEqual(times(time(58, 0), time(59, 0)), [1_800_000, 3_150_000]);
});

Deno.test("RFC 3442: classless routes stand in for the router", () => {
  const routes: Option = [
    121,
    Uint8Array.of(0, 10, 0, 0, 2, 12, 172, 16, 10, 0, 0, 3, 32, 1, 2, 3, 4, 0, 0, 0, 0),
  ];
  const lease = leaseFrom([...ACK, routes]);
  assert.equal(formatIp(lease?.gateway ?? new Uint8Array(16)), "10.0.0.2");
  assert.deepEqual(
    lease?.routes.map(({ to, via }) =>
      `${formatCidr(to)} ${via === undefined ? "-" : formatIp(via)}`
    ),
    ["172.16.0.0/12 10.0.0.3", "1.2.3.4/32 -"],
  );
  assert.equal(routesOf(new Map([[121, Uint8Array.of(33, 1, 2, 3, 4)]])), undefined);
  assert.equal(routesOf(new Map([[121, Uint8Array.of(24, 1)]])), undefined);
});

Deno.test("what cannot be used is no lease: no server, no mask, no time, no address", () => {
  for (const code of [OPTION.server, OPTION.subnetMask, OPTION.leaseTime, OPTION.messageType]) {
    assert.equal(leaseFrom(without(code)), undefined, String(code));
  }
  const holes: Option = [OPTION.subnetMask, Uint8Array.of(255, 0, 255, 0)];
  assert.equal(leaseFrom(without(OPTION.subnetMask, holes)), undefined);
  for (const yourAddress of [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 1], [255, 255, 255, 255]]) {
    const reply = decodeReply(replyPacket({ options: ACK, yourAddress }), CLIENT);
    assert.ok(reply !== undefined);
    assert.equal(offerOf(reply), undefined, yourAddress.join("."));
  }
});

Deno.test("options that do not fit their length count as absent", () => {
  const lease = leaseFrom(
    without(
      OPTION.mtu,
      [OPTION.mtu, Uint8Array.of(1)],
    ).map(([code, value]) => code === OPTION.router ? [code, Uint8Array.of(10, 0)] : [code, value]),
  );
  assert.deepEqual([lease?.gateway, lease?.mtu], [undefined, undefined]);
  const nasty: Option = [OPTION.domain, new TextEncoder().encode("x\nnameserver 6.6.6.6")];
  assert.equal(leaseFrom(without(OPTION.domain, nasty))?.domain, undefined);
});

Deno.test("answers for another machine, damaged ones and those in pieces are none", () => {
  const whole = replyPacket({ options: ACK });
  assert.ok(decodeReply(whole, CLIENT) !== undefined);
  const other = { ...CLIENT, linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 8) };
  assert.equal(decodeReply(replyPacket({ options: ACK, client: other }), CLIENT), undefined);
  const changed = (at: number, value: number) => {
    const packet = whole.slice();
    packet[at] = value;
    return decodeReply(packet, CLIENT);
  };
  assert.equal(changed(8, 1), undefined, "IP checksum");
  assert.equal(changed(0, 0x46), undefined, "IP header length");
  assert.equal(changed(6, 0x20), undefined, "fragment");
  assert.equal(changed(26, 1), undefined, "UDP checksum");
  assert.equal(changed(28, 1), undefined, "a request");
  assert.equal(changed(264, 0), undefined, "cookie");
  const packet = whole.slice();
  packet[26] = 1;
  assert.ok(decodeReply(packet, CLIENT, { lacksChecksum: true }) !== undefined);
  for (let length = 0; length < whole.byteLength; length++) {
    assert.equal(decodeReply(whole.subarray(0, length), CLIENT), undefined, String(length));
  }
});

Deno.test("options that went on in the fields for names are found there", () => {
  const packet = replyPacket({
    options: [...without(OPTION.leaseTime), [OPTION.overload, Uint8Array.of(3)]],
  });
  packet.set(encodeOptions([[OPTION.leaseTime, Uint8Array.of(0, 0, 1, 0)]]), 28 + 44);
  const reply = decodeReply(packet, CLIENT);
  assert.equal(reply && leaseOf(reply, 0)?.endsAfterMs, 256_000);
});

Deno.test("whatever the bytes, they are understood or not, and nothing is read past their end", () => {
  const whole = replyPacket({ options: ACK });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
    decodeReply(bytes, CLIENT);
    decodeOptions(bytes);
    // A right frame around wrong content goes further in.
    const packet = whole.slice();
    packet.set(bytes.subarray(0, 60), packet.byteLength - 60);
    const reply = decodeReply(packet, CLIENT);
    if (reply !== undefined) leaseOf(reply, 0);
  }));
});

Deno.test("masks are lengths, unless they have holes", () => {
  const lengthOf = (...mask: number[]) =>
    prefixLengthOf(new Map([[OPTION.subnetMask, Uint8Array.from(mask)]]));
  assert.equal(lengthOf(255, 255, 255, 255), 32);
  assert.equal(lengthOf(0, 0, 0, 0), 0);
  assert.equal(lengthOf(255, 255, 240, 0), 20);
  assert.equal(lengthOf(255, 0, 255, 0), undefined);
  assert.equal(lengthOf(255, 255), undefined);
});
