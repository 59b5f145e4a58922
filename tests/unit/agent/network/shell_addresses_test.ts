import assert from "node:assert/strict";
import { type Link, type NetworkSnapshot, shellAddresses } from "../../../../agent/network/mod.ts";
import { type InterfaceRole, parseCidr } from "../../../../agent/interfaces/mod.ts";

const NAMES = ["lo", "eth0", "eth1", "hsn0"];

/** Interfaces of these names with an address each: 10.N.0.2 for the N-th. */
const SNAPSHOT: NetworkSnapshot = {
  links: NAMES.map((name, number): Link => ({
    index: number + 1,
    name,
    isUp: true,
    hasCarrier: true,
    isLoopback: name === "lo",
    mtu: 1500,
    hardwareType: 1,
    linkAddress: new Uint8Array(6),
    permanentAddress: new Uint8Array(6),
  })),
  addresses: NAMES.map((_, number) => ({
    interfaceIndex: number + 1,
    cidr: parseCidr(`10.${number}.0.2/24`) ?? assert.fail(),
    isLinkLocal: false,
    isDynamic: false,
    isPermanent: true,
    isTentative: false,
    isDuplicate: false,
  })),
  routes: [],
};

function addressesWith(roles: Record<string, InterfaceRole>, boot: readonly string[] = []) {
  return shellAddresses({
    snapshot: SNAPSHOT,
    roles: new Map(Object.entries(roles)),
    boot: new Set(boot),
  });
}

Deno.test("NET-12: as long as no interface has a role, every address counts", () => {
  assert.equal(addressesWith({}, ["eth0"]), undefined);
  assert.equal(addressesWith({ eth0: "other", hsn0: "other" }, ["eth0"]), undefined);
});

Deno.test("NET-12: with roles the management interfaces alone count", () => {
  assert.deepEqual(addressesWith({ eth0: "management", hsn0: "hsn" }), ["10.1.0.2"]);
  assert.deepEqual(
    addressesWith({ eth0: "management", eth1: "management" }),
    ["10.1.0.2", "10.2.0.2"],
  );
});

Deno.test("NET-12: what the boot brought up is the management network, whatever is declared of others", () => {
  assert.deepEqual(addressesWith({ hsn0: "hsn" }, ["eth0"]), ["10.1.0.2"]);
  assert.deepEqual(addressesWith({ eth0: "other", hsn0: "hsn" }, ["eth0"]), ["10.1.0.2"]);
});
