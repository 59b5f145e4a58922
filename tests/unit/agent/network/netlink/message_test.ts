import assert from "node:assert/strict";
import fc from "fast-check";
import { addressChange, decodeAddress } from "../../../../../agent/network/netlink/address.ts";
import { decodeLink, linkChange } from "../../../../../agent/network/netlink/link.ts";
import {
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  encodePayload,
  NetlinkFormatError,
} from "../../../../../agent/network/netlink/message.ts";
import { decodeRoute, routeChange } from "../../../../../agent/network/netlink/route.ts";

function hex(bytes: Uint8Array): string {
  return bytes.toHex().replaceAll(/(.{8})(?=.)/g, "$1 ");
}

function ip(...bytes: number[]): Uint8Array {
  return new Uint8Array(bytes);
}

Deno.test("the message that brings a link up is byte for byte what ip(8) sends", () => {
  const message = encodeMessage({
    type: 16,
    flags: 5,
    sequence: 0x01020304,
    payload: linkChange(3, { isUp: true }),
  });
  assert.equal(
    hex(message),
    "20000000 10000500 04030201 00000000 00000000 03000000 01000000 01000000",
  );
});

Deno.test("an MTU goes along as an attribute, and leaves the flags alone without one", () => {
  assert.equal(
    hex(linkChange(3, { mtu: 9000 })),
    "00000000 03000000 00000000 00000000 08000400 28230000",
  );
});

Deno.test("an IPv4 address goes with its broadcast address, a point-to-point one without", () => {
  const cidr = { address: ip(10, 0, 2, 15), prefixLength: 24 };
  assert.equal(
    hex(addressChange(2, cidr)),
    "02180000 02000000 08000200 0a00020f 08000100 0a00020f 08000400 0a0002ff",
  );
  assert.equal(
    hex(addressChange(2, { ...cidr, prefixLength: 31 })),
    "021f0000 02000000 08000200 0a00020f 08000100 0a00020f",
  );
});

Deno.test("a default route names its gateway, its interface and nothing as destination", () => {
  const route = {
    destination: { address: ip(0, 0, 0, 0), prefixLength: 0 },
    gateway: ip(10, 0, 2, 2),
    interfaceIndex: 2,
    metric: 100,
    protocol: 4,
  };
  assert.equal(
    hex(routeChange(route)),
    "02000000 fe040001 00000000 08000500 0a000202 08000400 02000000 08000600 64000000",
  );
});

const attribute = fc.tuple(fc.integer({ min: 1, max: 0x3fff }), fc.uint8Array({ maxLength: 40 }));

Deno.test("what is encoded is decoded to the same, whatever the lengths", () => {
  fc.assert(fc.property(
    fc.uniqueArray(attribute, { selector: ([type]) => type, maxLength: 8 }),
    fc.uint8Array({ maxLength: 16 }),
    (attributes, fixed) => {
      const payload = encodePayload(fixed, attributes);
      const decoded = decodeAttributes(payload, fixed.byteLength);
      assert.deepEqual([...decoded], attributes.map(([type, value]) => [type, value]));
      const message = { type: 16, flags: 1, sequence: 9, payload };
      const [again, ...rest] = decodeMessages(encodeMessage(message));
      assert.deepEqual(again, message);
      assert.deepEqual(rest, []);
    },
  ));
});

const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
);
const cidr = address.chain((address) =>
  fc.record({
    address: fc.constant(address),
    prefixLength: fc.integer({ min: 0, max: address.byteLength * 8 }),
  }, { noNullPrototype: true })
);

Deno.test("addresses and routes come back as they were sent", () => {
  fc.assert(fc.property(cidr, fc.nat(1 << 20), fc.nat(1 << 20), (cidr, index, metric) => {
    const decoded = decodeAddress(addressChange(index, cidr));
    assert.deepEqual([decoded.interfaceIndex, decoded.cidr], [index, cidr]);
    const destination = cidr.prefixLength > 0
      ? cidr
      : { address: new Uint8Array(cidr.address.byteLength), prefixLength: 0 };
    const gateway = new Uint8Array(cidr.address);
    const route = { destination, gateway, interfaceIndex: index, metric, protocol: 4 };
    assert.deepEqual(decodeRoute(routeChange(route)), route);
  }));
});

Deno.test("arbitrary bytes are understood or refused, and never read past their end", () => {
  const decoders = [decodeMessages, decodeLink, decodeAddress, decodeRoute];
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    for (const decode of decoders) {
      try {
        decode(bytes);
      } catch (error) {
        assert.ok(error instanceof NetlinkFormatError, String(error));
      }
    }
  }));
});
