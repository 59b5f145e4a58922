import assert from "node:assert/strict";
import { systemClock } from "../../../../../common/clock/mod.ts";
import { createLogger } from "../../../../../common/log/mod.ts";
import { interfaceSpec } from "../../../../../agent/interfaces/mod.ts";
import {
  createRtnetlink,
  type Lease,
  leaseOfText,
  type NetworkEvent,
  type NetworkManager,
  openDhcpClient,
  openNetworkManager,
  textOfLease,
} from "../../../../../agent/network/mod.ts";
import type { Shim } from "../../../../../ffi/mod.ts";
import { tempDir, waitFor, withShim } from "../../../../support/mod.ts";
import {
  type Cable,
  inNetworkNamespace,
  layCable,
  type Peer,
} from "../../../../support/network/mod.ts";

const silent = createLogger({
  component: "test",
  level: "error",
  format: "text",
  nowMs: () => 0,
  write: () => {},
});

const RANGE = "10.7.0.50,10.7.0.59,255.255.255.0,120";
/** Shortest time dnsmasq lets a client have is two minutes: the client's clock runs faster. */
const HASTE = 12;

/** A real DHCP server at the far end. */
async function serve(peer: Peer, options: readonly string[] = [], range = RANGE) {
  const dir = await tempDir();
  const log: string[] = [];
  const [program = "", ...through] = peer.through;
  const child = new Deno.Command(program, {
    args: [
      ...through,
      ...["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=far0"],
      ...["--no-ping", "--log-dhcp", "--dhcp-authoritative", "--user=root"],
      `--dhcp-leasefile=${dir.path}/leases`,
      `--dhcp-range=${range}`,
      ...options,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) log.push(text);
  })();
  await waitFor(() => /DHCP, IP range/.test(log.join("")), { what: "the DHCP server" });
  return {
    get log() {
      return log.join("");
    },
    count: (word: string) => log.join("").split(`${word}(far0)`).length - 1,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await reading;
      await dir[Symbol.asyncDispose]();
    },
  };
}

interface Setting {
  readonly shim: Shim;
  readonly cable: Cable;
  readonly manager: NetworkManager;
  readonly events: NetworkEvent[];
  /** What the agent would keep for its successor. */
  readonly kept: { lease: Lease | undefined };
}

async function withDhcp(
  test: (setting: Setting) => Promise<void>,
  { former, haste = 1, firstLeaseMs = 20_000 * haste }: {
    former?: Lease;
    haste?: number;
    firstLeaseMs?: number;
  } = {},
): Promise<void> {
  await using cable = await layCable({ farAddress: "10.7.0.1/24" });
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const beganMs = shim.system.bootTimeMs();
    const events: NetworkEvent[] = [];
    const kept: { lease: Lease | undefined } = { lease: undefined };
    const manager = openNetworkManager({
      network: shim.network,
      files: shim.files,
      events: pump,
      clock: systemClock,
      log: silent,
      openLease: (link, on) =>
        openDhcpClient({
          network: shim.network,
          events: pump,
          clock: {
            ...systemClock,
            setTimer: (delayMs, fire) => systemClock.setTimer(delayMs / haste, fire),
          },
          bootMs: () => beganMs + (shim.system.bootTimeMs() - beganMs) * haste,
          random: Math.random,
          log: silent,
          link,
          hostName: "nid007",
          firstLeaseMs,
          former,
          keep: (lease) => kept.lease = lease,
          on,
        }),
      onEvent: (event) => events.push(event),
    });
    try {
      await test({ shim, cable, manager, events, kept });
    } finally {
      manager.close();
      await pump.close();
    }
  });
}

async function ip(...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("ip", { args }).output();
  return new TextDecoder().decode(stdout);
}

inNetworkNamespace(import.meta.url, () => {
  Deno.test("a real server gives address, gateway and MTU, and knows the node by name", async () => {
    await withDhcp(async ({ cable, manager, kept }) => {
      await using server = await serve(
        cable.peer,
        [
          "--dhcp-option=option:router,10.7.0.1",
          "--dhcp-option=option:mtu,1400",
          "--dhcp-option=option:classless-static-route,0.0.0.0/0,10.7.0.1,192.168.9.0/24,10.7.0.2",
        ],
      );
      const begin = performance.now();
      await manager.configure(interfaceSpec(cable.near, { address: "dhcp", role: "management" }));
      assert.ok(performance.now() - begin < 5_000, "the first answer was not taken");
      assert.match(await ip("-4", "address", "show", cable.near), /inet 10\.7\.0\.5[0-9]\/24/);
      const routes = await ip("route");
      assert.match(routes, /^default via 10\.7\.0\.1 dev near0/m);
      assert.match(routes, /^192\.168\.9\.0\/24 via 10\.7\.0\.2/m);
      assert.match(await ip("link", "show", cable.near), /mtu 1400/);
      assert.match(server.log, /client provides name: nid007/);
      assert.ok(kept.lease !== undefined);
      assert.deepEqual(leaseOfText(textOfLease(kept.lease)), kept.lease);
    });
  });

  Deno.test("RFC 2131: at T1 the lease is extended with its server, and the address stays", async () => {
    await withDhcp(async ({ cable, manager, events }) => {
      await using server = await serve(cable.peer);
      await manager.configure(interfaceSpec(cable.near, "dhcp"));
      const before = await ip("-4", "-o", "address", "show", cable.near);
      events.length = 0;
      await waitFor(() => server.count("DHCPACK") >= 2, {
        timeoutMs: 20_000,
        what: `an extension; the server said: ${server.log}`,
      });
      assert.equal(await ip("-4", "-o", "address", "show", cable.near), before);
      assert.deepEqual(events, []);
    }, { haste: HASTE });
  });

  Deno.test("a silent server fails the interface after 20 s, and a later attempt succeeds", async () => {
    await withDhcp(async ({ cable, manager }) => {
      const spec = interfaceSpec(cable.near, "dhcp");
      await assert.rejects(
        manager.configure(spec),
        /network configuration failed: near0: no DHCP server gave a lease within 20 s/,
      );
      await using _server = await serve(cable.peer);
      await manager.configure(spec);
      assert.match(await ip("-4", "address", "show", cable.near), /inet 10\.7\.0\.5[0-9]\/24/);
    }, { haste: 8, firstLeaseMs: 20_000 });
  });

  Deno.test("a lease that the server refuses takes the address with it, and another one is got", async () => {
    await withDhcp(async ({ cable, manager, events }) => {
      {
        await using _server = await serve(cable.peer);
        await manager.configure(interfaceSpec(cable.near, "dhcp"));
      }
      const range = "10.7.0.80,10.7.0.80,255.255.255.0,120";
      await using server = await serve(cable.peer, [], range);
      await waitFor(() => events.some(({ kind }) => kind === "failed"), {
        timeoutMs: 30_000,
        what: `the refusal; the server said: ${server.log}`,
      });
      await waitFor(async () => /10\.7\.0\.80\/24/.test(await ip("address", "show", cable.near)), {
        timeoutMs: 30_000,
        what: "the other address",
      });
      assert.doesNotMatch(await ip("-4", "address", "show", cable.near), /10\.7\.0\.5/);
    }, { haste: HASTE });
  });

  Deno.test("RFC 2131, 3.1: an address that another machine has is declined, and had once it is free", async () => {
    await withDhcp(async ({ cable, manager, kept }) => {
      // Linux answers ARP for its addresses on every interface.
      await cable.peer.run("ip", "address", "add", "10.7.0.50/32", "dev", "lo");
      await using server = await serve(cable.peer, [], "10.7.0.50,10.7.0.50,255.255.255.0,120");
      const configuring = manager.configure(interfaceSpec(cable.near, "dhcp"));
      await waitFor(() => server.count("DHCPDECLINE") >= 1, {
        what: `the refusal; the server said: ${server.log}`,
      });
      assert.equal(kept.lease, undefined);
      assert.doesNotMatch(await ip("-4", "address", "show", cable.near), /inet /);
      await cable.peer.run("ip", "address", "del", "10.7.0.50/32", "dev", "lo");
      await configuring;
      assert.match(await ip("-4", "address", "show", cable.near), /inet 10\.7\.0\.50\/24/);
    }, { haste: 6, firstLeaseMs: 120_000 });
  });

  Deno.test("BTS-13: a lease of a former agent is gone on with, without asking anyone", async () => {
    let former: Lease | undefined;
    await withDhcp(async ({ cable, manager, kept }) => {
      await using _server = await serve(cable.peer);
      await manager.configure(interfaceSpec(cable.near, "dhcp"));
      former = kept.lease;
    });
    assert.ok(former !== undefined);
    await withDhcp(async ({ shim, cable, manager }) => {
      await manager.configure(interfaceSpec(cable.near, "dhcp"));
      const rtnetlink = createRtnetlink(shim.network);
      const link = rtnetlink.links().find(({ name }) => name === cable.near);
      const mine = rtnetlink.addresses().filter(({ interfaceIndex, isLinkLocal }) =>
        interfaceIndex === link?.index && !isLinkLocal
      );
      assert.deepEqual(mine.map(({ cidr }) => cidr), [former?.address]);
    }, { former });
  });
}, ["dnsmasq"]);
