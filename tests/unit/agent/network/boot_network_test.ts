import assert from "node:assert/strict";
import { type BootKnowledge, bootNetwork, type Link } from "../../../../agent/network/mod.ts";
import {
  interfaceSpec,
  InterfaceSpecError,
  parseCidr,
  parseIp,
  textOfInterfaceSpec,
} from "../../../../agent/interfaces/mod.ts";

const ETH0: Link = {
  index: 2,
  name: "eth0",
  isUp: true,
  hasCarrier: true,
  isLoopback: false,
  mtu: 1500,
  hardwareType: 1,
  linkAddress: new Uint8Array(6),
  permanentAddress: new Uint8Array(6),
};

const NOTHING: BootKnowledge = {
  snapshot: { links: [ETH0], addresses: [], routes: [] },
  commandLine: [],
  configured: [],
  cached: [],
  journalHosts: [],
  own: [],
};

function withAddress(gateway?: string): BootKnowledge["snapshot"] {
  const cidr = parseCidr("10.0.0.5/24");
  const everywhere = parseCidr("0.0.0.0/0");
  const via = parseIp(gateway ?? "");
  assert.ok(cidr !== undefined && everywhere !== undefined);
  const route = { destination: everywhere, interfaceIndex: 2, metric: 0, protocol: 3 };
  return {
    links: [ETH0],
    addresses: [{
      interfaceIndex: 2,
      cidr,
      isLinkLocal: false,
      isDynamic: false,
      isPermanent: true,
      isTentative: false,
      isDuplicate: false,
    }],
    routes: via === undefined ? [] : [{ ...route, gateway: via }],
  };
}

const ALL: BootKnowledge = {
  ...NOTHING,
  commandLine: ["eth0,10.0.0.7/24,10.0.0.1,9000"],
  configured: [interfaceSpec("eth1", "10.1.0.7/24")],
  cached: [interfaceSpec("eth2", "10.2.0.7/24")],
};

Deno.test("NET-2: an interface with address and default route is adopted before anything else", () => {
  const knowledge = { ...ALL, snapshot: withAddress("10.0.0.1") };
  assert.deepEqual(bootNetwork(knowledge), { kind: "adopt", name: "eth0" });
});

Deno.test("NET-2: an address without a default route is enough where a journal is on its network", () => {
  const knowledge = { ...NOTHING, snapshot: withAddress() };
  assert.deepEqual(bootNetwork(knowledge), { kind: "none" });
  assert.deepEqual(
    bootNetwork({ ...knowledge, journalHosts: ["journal", "10.0.0.9"] }),
    { kind: "adopt", name: "eth0" },
  );
  assert.deepEqual(bootNetwork({ ...knowledge, journalHosts: ["10.0.1.9"] }), { kind: "none" });
});

Deno.test("BTS-13: what a former agent configured itself is verified, not adopted", () => {
  const own = [interfaceSpec("eth0", "10.0.0.5/24")];
  const found = bootNetwork({ ...ALL, snapshot: withAddress("10.0.0.1"), own });
  assert.deepEqual(found, { kind: "configure", source: "former agent", specs: own });
});

Deno.test("NET-2: then command line, configuration, cache, in this order; then nothing", () => {
  const sourceOf = (knowledge: BootKnowledge) => {
    const found = bootNetwork(knowledge);
    return found.kind === "configure" ? [found.source, found.specs[0]?.name] : found.kind;
  };
  assert.deepEqual(sourceOf(ALL), ["command line", "eth0"]);
  assert.deepEqual(sourceOf({ ...ALL, commandLine: [] }), ["configuration", "eth1"]);
  assert.deepEqual(sourceOf({ ...ALL, commandLine: [], configured: [] }), ["cache", "eth2"]);
  assert.deepEqual(sourceOf(NOTHING), "none");
});

Deno.test("BTS-7: high-speed interfaces are not waited for at boot", () => {
  const cached = [interfaceSpec("hsn0", { address: "10.2.0.7/24", role: "hsn" })];
  assert.deepEqual(bootNetwork({ ...NOTHING, cached }), { kind: "none" });
});

Deno.test("NET-2: pact.net= takes address, gateway and MTU, or dhcp", () => {
  const specOf = (text: string) => {
    const found = bootNetwork({ ...NOTHING, commandLine: [text] });
    const [spec] = found.kind === "configure" ? found.specs : [];
    assert.ok(spec !== undefined);
    return JSON.parse(textOfInterfaceSpec(spec));
  };
  const common = { role: "management", routes: [], state: "up" };
  assert.deepEqual(specOf("eth0,10.0.0.7/24,10.0.0.1,9000"), {
    address: ["10.0.0.7/24"],
    gateway: "10.0.0.1",
    mtu: 9000,
    ...common,
  });
  assert.deepEqual(specOf("eth0,10.0.0.7/24,,9000"), {
    address: ["10.0.0.7/24"],
    mtu: 9000,
    ...common,
  });
  assert.deepEqual(specOf("eth0,dhcp"), { address: "dhcp", ...common });
  for (
    const text of ["eth0", "eth0,", "eth0,10.0.0.7", "eth0,10.0.0.7/24,10.0.0.1,x", "a,b,c,d,e"]
  ) {
    assert.throws(() => specOf(text), InterfaceSpecError, text);
  }
});
