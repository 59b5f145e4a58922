import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatCidr,
  formatIp,
  interfaceSpec,
  InterfaceSpecError,
  interfaceSpecOfText,
  parseCidr,
  parseIp,
  textOfInterfaceSpec,
} from "../../../../agent/interfaces/mod.ts";

Deno.test("NET-3: a whole specification is read, and its text brings it back", () => {
  const spec = interfaceSpec("mgmt0", {
    address: ["10.1.0.5/16", "fd00::5/64"],
    gateway: "10.1.0.1",
    mtu: 9000,
    routes: [{ to: "172.16.0.0/12", via: "10.1.0.2", metric: 50 }, {
      to: "default",
      via: "fd00::1",
    }],
    dns: { servers: ["10.1.0.53"], search: ["cluster.example"] },
    role: "management",
  });
  assert.deepEqual([spec.mtu, spec.state, spec.role, spec.isOptional], [
    9000,
    "up",
    "management",
    false,
  ]);
  assert.deepEqual(interfaceSpecOfText("mgmt0", textOfInterfaceSpec(spec)), spec);
});

Deno.test("NET-3: the plain text of older documents is an address; dhcp asks for one", () => {
  const spec = interfaceSpecOfText("eth0", "192.0.2.7/24");
  assert.ok(typeof spec.addresses !== "string");
  assert.deepEqual(spec.addresses.map(formatCidr), ["192.0.2.7/24"]);
  assert.equal(interfaceSpecOfText("eth0", "dhcp").addresses, "dhcp");
  assert.equal(interfaceSpec("eth0", { mtu: 9000 }).addresses, "kept");
});

const REFUSED: readonly [value: unknown, reason: RegExp][] = [
  ["10.0.0.5", /address "10.0.0.5" is not ADDRESS\/LENGTH/],
  [{ address: "10.0.0.256/24" }, /is not ADDRESS\/LENGTH/],
  [{ address: "10.0.0.5/33" }, /is not ADDRESS\/LENGTH/],
  [{ addres: "10.0.0.5/24" }, /unknown key "addres"/],
  [{ address: "10.0.0.5/24", gateway: "10.0.1.1" }, /gateway 10.0.1.1 is on no network/],
  [{ address: "10.0.0.5/24", gateway: "10.0.0.5" }, /gateway 10.0.0.5 is on no network/],
  [{ address: "10.0.0.5/24", mtu: 67 }, /mtu 67 is not 68 to 65536/],
  [{ address: "10.0.0.5/24", mtu: "1500" }, /mtu "1500"/],
  [{ address: "10.0.0.5/24", state: "UP" }, /state "UP" is none of up, down/],
  [{ address: "10.0.0.5/24", role: "x" }, /role "x" is none of/],
  [{ routes: [{ to: "nowhere" }] }, /route to "nowhere"/],
  [{ routes: [{ to: "default" }] }, /route to "default"/],
  [{ dns: { servers: ["x"] } }, /dns server "x" is not an address/],
  [{ dns: { search: ["a b"] } }, /dns.search "a b" is not a domain/],
  [{ optional: "yes" }, /optional "yes"/],
  [{ name: "eth1" }, /name is another one/],
  [null, /neither a table nor an address/],
];

for (const [value, reason] of REFUSED) {
  Deno.test(`a specification is refused with its reason: ${JSON.stringify(value)}`, () => {
    assert.throws(
      () => interfaceSpec("eth0", value),
      (error) => error instanceof InterfaceSpecError && reason.test(error.message),
    );
  });
}

Deno.test("names that the kernel would refuse, or take for a path, are refused", () => {
  for (const name of ["", ".", "..", "a/b", "a b", "sixteen-letters-", "a\0b", "eth0:1"]) {
    assert.throws(() => interfaceSpec(name, "dhcp"), InterfaceSpecError, name);
  }
});

Deno.test("any address is written in one way and read back", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    // Runs of zeros are what IPv6 shortens.
    fc.array(fc.constantFrom(0, 0, 0, 1, 0xab), { minLength: 16, maxLength: 16 }).map((list) =>
      Uint8Array.from(list)
    ),
  );
  fc.assert(fc.property(bytes, (address) => {
    const text = formatIp(address);
    assert.deepEqual(parseIp(text), address, text);
    assert.equal(formatCidr(parseCidr(`${text}/7`) ?? { address, prefixLength: 0 }), `${text}/7`);
  }));
  assert.equal(formatIp(parseIp("2001:db8:0:0:1:0:0:1") ?? new Uint8Array()), "2001:db8::1:0:0:1");
  for (
    const text of ["", "1.2.3", "1.2.3.4.5", "01.2.3.4", ":::", "1::2::3", "1:2:3:4:5:6:7:8:9"]
  ) {
    assert.equal(parseIp(text), undefined, text);
  }
});
