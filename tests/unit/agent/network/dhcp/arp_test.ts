import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeArpProbe, isArpConflict } from "../../../../../agent/network/dhcp/arp.ts";

const CLIENT = { hardwareType: 1, linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 7) };
const OTHER = { hardwareType: 1, linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 8) };
const ADDRESS = Uint8Array.of(10, 7, 0, 50);
const ELSE = Uint8Array.of(10, 7, 0, 51);

/** A packet of `from` about itself having `sender`, to whoever has `target`. */
function packet(from: typeof CLIENT, operation: number, sender: Uint8Array, target: Uint8Array) {
  const bytes = encodeArpProbe(from, target);
  bytes[7] = operation;
  bytes.set(sender, 14);
  return bytes;
}

Deno.test("RFC 5227, 2.1.1: a probe claims no address", () => {
  assert.deepEqual(
    encodeArpProbe(CLIENT, ADDRESS),
    Uint8Array.from([
      ...[0, 1, 8, 0, 6, 4, 0, 1],
      ...[2, 0, 0, 0, 0, 7, 0, 0, 0, 0],
      ...[0, 0, 0, 0, 0, 0, 10, 7, 0, 50],
    ]),
  );
});

Deno.test("RFC 5227, 2.1.1: who answers, asks from the address or probes for it too has a claim", () => {
  const conflicts = [
    packet(OTHER, 2, ADDRESS, Uint8Array.of(0, 0, 0, 0)),
    packet(OTHER, 1, ADDRESS, ELSE),
    packet(OTHER, 1, ADDRESS, ADDRESS),
    packet(OTHER, 1, Uint8Array.of(0, 0, 0, 0), ADDRESS),
  ];
  for (const bytes of conflicts) assert.ok(isArpConflict(bytes, CLIENT, ADDRESS));
});

Deno.test("RFC 5227: own packets, other addresses and people who merely ask are none", () => {
  const harmless = [
    encodeArpProbe(CLIENT, ADDRESS),
    packet(CLIENT, 1, ADDRESS, ADDRESS),
    packet(OTHER, 2, ELSE, Uint8Array.of(0, 0, 0, 0)),
    packet(OTHER, 1, ELSE, ADDRESS),
    packet(OTHER, 1, Uint8Array.of(0, 0, 0, 0), ELSE),
    packet(OTHER, 3, ADDRESS, ELSE),
  ];
  for (const bytes of harmless) assert.ok(!isArpConflict(bytes, CLIENT, ADDRESS));
});

Deno.test("whatever arrives is judged without harm, and what is cut off is nothing", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    isArpConflict(bytes, CLIENT, ADDRESS);
  }));
  const whole = packet(OTHER, 2, ADDRESS, ELSE);
  for (let length = 0; length < whole.byteLength; length++) {
    assert.ok(!isArpConflict(whole.subarray(0, length), CLIENT, ADDRESS));
  }
});
