import assert from "node:assert/strict";
import { systemClock } from "../../../../common/clock/mod.ts";
import { createLogger } from "../../../../common/log/mod.ts";
import {
  NetworkError,
  type NetworkEvent,
  type NetworkManager,
  openNetworkManager,
} from "../../../../agent/network/mod.ts";
import { interfaceSpec } from "../../../../agent/interfaces/mod.ts";
import type { Shim } from "../../../../ffi/mod.ts";
import { waitFor, withShim } from "../../../support/mod.ts";
import { type Cable, inNetworkNamespace, layCable } from "../../../support/network/mod.ts";

const silent = createLogger({
  component: "test",
  level: "error",
  format: "text",
  nowMs: () => 0,
  write: () => {},
});

async function ip(...args: string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command("ip", { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

interface Setting {
  readonly shim: Shim;
  readonly cable: Cable;
  readonly manager: NetworkManager;
  readonly events: NetworkEvent[];
}

async function withManager(test: (setting: Setting) => Promise<void>): Promise<void> {
  await using cable = await layCable({ farAddress: "10.7.0.1/24" });
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const events: NetworkEvent[] = [];
    const manager = openNetworkManager({
      network: shim.network,
      files: shim.files,
      events: pump,
      clock: systemClock,
      log: silent,
      openLease: () => assert.fail("no lease was asked for"),
      onEvent: (event) => events.push(event),
    });
    try {
      await test({ shim, cable, manager, events });
    } finally {
      manager.close();
      await pump.close();
    }
  });
}

function stateOf(manager: NetworkManager, name: string): string | undefined {
  return manager.status().find((status) => status.name === name)?.condition.state;
}

function notUp(manager: NetworkManager): string[] {
  return [...manager.readiness()].flatMap(([name, isReady]) => isReady ? [] : [name]);
}

inNetworkNamespace(import.meta.url, () => {
  Deno.test("NET-1, NET-4: an interface is brought up with address, route and MTU, and reaches the far end", async () => {
    await withManager(async ({ cable, manager, events }) => {
      await cable.peer.run("ip", "link", "set", "far0", "mtu", "9000");
      await manager.configure(interfaceSpec(cable.near, {
        address: "10.7.0.2/24",
        gateway: "10.7.0.1",
        mtu: 9000,
      }));
      assert.equal(stateOf(manager, cable.near), "Up");
      assert.match(await ip("route"), /^default via 10\.7\.0\.1 dev near0 proto static/m);
      assert.match(await ip("link", "show", cable.near), /mtu 9000/);
      using server = Deno.listen({ hostname: "10.7.0.2", port: 0 });
      const { port } = server.addr as Deno.NetAddr;
      await cable.peer.run("bash", "-c", `exec 3<>/dev/tcp/10.7.0.2/${port}`);
      assert.deepEqual(events, [{
        kind: "configured",
        name: cable.near,
        changes: ["up, mtu 9000", "add 10.7.0.2/24", "add route default via 10.7.0.1"],
      }]);
    });
  });

  Deno.test("NET-11: loopback is up, and an interface that nobody mentioned is as it was", async () => {
    await withManager(async ({ cable }) => {
      assert.match(await ip("link", "show", "lo"), /LOOPBACK,UP/);
      assert.match(await ip("link", "show", cable.near), /state DOWN/);
    });
  });

  Deno.test("NET-5, BTS-13: what is right already is not touched", async () => {
    await withManager(async ({ cable, manager, events }) => {
      await ip("link", "set", cable.near, "up");
      await ip("address", "add", "10.7.0.2/24", "dev", cable.near);
      await ip("route", "add", "default", "via", "10.7.0.1");
      await manager.configure(
        interfaceSpec(cable.near, { address: "10.7.0.2/24", gateway: "10.7.0.1" }),
      );
      assert.deepEqual(events, []);
    });
  });

  Deno.test("NET-5: a new address in the same network replaces the old without losing the interface", async () => {
    await withManager(async ({ cable, manager }) => {
      const spec = (address: string, gateway = "10.7.0.1") =>
        interfaceSpec(cable.near, { address, gateway });
      await manager.configure(spec("10.7.0.2/24"));
      await manager.configure(spec("10.7.0.3/24", "10.7.0.9"));
      const addresses = await ip("-4", "-o", "address", "show", "dev", cable.near);
      assert.match(addresses, /10\.7\.0\.3\/24/);
      assert.doesNotMatch(addresses, /10\.7\.0\.2\//);
      assert.match(await ip("route"), /^default via 10\.7\.0\.9 dev near0/m);
      assert.equal(stateOf(manager, cable.near), "Up");
    });
  });

  Deno.test("NET-11: a default route over an interface of somebody else's is never replaced", async () => {
    await withManager(async ({ cable, manager }) => {
      await using _other = await layCable({ near: "other0" });
      await ip("link", "set", "other0", "up");
      await ip("address", "add", "10.6.0.2/24", "dev", "other0");
      await ip("route", "add", "default", "via", "10.6.0.1");
      await assert.rejects(
        manager.configure(
          interfaceSpec(cable.near, { address: "10.7.0.2/24", gateway: "10.7.0.1" }),
        ),
        /near0: add route to 0\.0\.0\.0\/0: File exists/,
      );
      assert.match(await ip("route"), /^default via 10\.6\.0\.1 dev other0/m);
    });
  });

  Deno.test("NET-6: an interface that is not there fails by name", async () => {
    await withManager(async ({ manager, events }) => {
      await assert.rejects(
        manager.configure(interfaceSpec("gone0", "10.7.0.2/24")),
        (error) =>
          error instanceof NetworkError &&
          error.message === "network configuration failed: gone0: no such interface",
      );
      assert.deepEqual(events, [{ kind: "failed", name: "gone0", reason: "no such interface" }]);
    });
  });

  Deno.test("NET-4: without a carrier the wait ends after 10 s, and says so", async () => {
    await withManager(async ({ cable, manager }) => {
      await cable.peer.run("ip", "link", "set", "far0", "down");
      const begin = performance.now();
      await assert.rejects(
        manager.configure(interfaceSpec(cable.near, "10.7.0.2/24")),
        /near0: no carrier within 10 s/,
      );
      assert.ok(performance.now() - begin >= 9_900);
    });
  });

  Deno.test("NET-7: an interface that is expected gets its specification when it comes, and again when it comes anew", async () => {
    await withManager(async ({ manager, events }) => {
      manager.expect(interfaceSpec("hsn0", { address: "10.8.0.2/24", mtu: 9000, role: "hsn" }));
      assert.deepEqual(notUp(manager), ["hsn0"]);
      const arrivals = () => events.filter(({ kind }) => kind === "arrived").length;
      for (const times of [1, 2]) {
        await using _cable = await layCable({ near: "hsn0" });
        await waitFor(() => arrivals() === times, { what: "the interface to be told of" });
        assert.match(await ip("address", "show", "hsn0"), /mtu 9000[^]*inet 10\.8\.0\.2\/24/);
        assert.deepEqual(notUp(manager), []);
      }
      await waitFor(() => events.at(-1)?.kind === "linkLost", { what: "the second loss" });
      assert.deepEqual(notUp(manager), ["hsn0"]);
      manager.expectNot("hsn0");
      assert.deepEqual(manager.status(), []);
    });
  });

  Deno.test("NET-7: an interface whose carrier comes late holds up no other, and is told when it is up", async () => {
    await withManager(async ({ cable, manager, events }) => {
      manager.expect(interfaceSpec("hsn0", { address: "10.8.0.2/24" }));
      // Its other end is down: there is no carrier.
      await ip("link", "add", "hsn0", "type", "veth", "peer", "name", "end0");
      await waitFor(() => manager.isArriving("hsn0"), { what: "the interface to be met" });
      const begin = performance.now();
      await manager.configure(interfaceSpec(cable.near, { address: "10.7.0.2/24" }));
      assert.ok(performance.now() - begin < 5_000);
      assert.deepEqual(notUp(manager), ["hsn0"]);
      await ip("link", "set", "end0", "up");
      await waitFor(() => events.some(({ kind }) => kind === "arrived"), { what: "its carrier" });
      assert.deepEqual(notUp(manager), []);
      assert.equal(events.some(({ kind }) => kind === "linkRestored"), false);
      await ip("link", "del", "hsn0");
    });
  });

  Deno.test("NET-10: the loss of a link is told, and its return verified", async () => {
    await withManager(async ({ cable, manager, events }) => {
      await manager.configure(
        interfaceSpec(cable.near, { address: "10.7.0.2/24", gateway: "10.7.0.1" }),
      );
      events.length = 0;
      await cable.peer.run("ip", "link", "set", "far0", "down");
      await waitFor(() => events.some(({ kind }) => kind === "linkLost"), { what: "the loss" });
      await ip("address", "del", "10.7.0.2/24", "dev", cable.near);
      await cable.peer.run("ip", "link", "set", "far0", "up");
      await waitFor(() => events.some(({ kind }) => kind === "linkRestored"), {
        what: "the return",
      });
      await waitFor(() => stateOf(manager, cable.near) === "Up", { what: "the interface" });
      assert.match(await ip("route"), /^default via 10\.7\.0\.1/m);
    });
  });

  Deno.test("NET-5: addresses that the kernel takes from router advertisements are left to it", async () => {
    await withManager(async ({ cable, manager }) => {
      await ip("link", "set", cable.near, "up");
      // As the kernel makes them: they end by themselves.
      const lifetimes = ["valid_lft", "100", "preferred_lft", "50"];
      await ip("address", "add", "fd00:7::99/64", "dev", cable.near, ...lifetimes);
      await manager.configure(interfaceSpec(cable.near, { address: "10.7.0.2/24" }));
      assert.match(await ip("address", "show", cable.near), /fd00:7::99/);
      assert.equal(stateOf(manager, cable.near), "Up");
    });
  });

  Deno.test("an IPv6 address counts only once nobody else has it", async () => {
    await withManager(async ({ cable, manager }) => {
      await manager.configure(
        interfaceSpec(cable.near, { address: "fd00:7::2/64", gateway: "fd00:7::1" }),
      );
      assert.equal(stateOf(manager, cable.near), "Up");
      await cable.peer.run("ip", "address", "add", "fd00:7::3/64", "dev", "far0", "nodad");
      await assert.rejects(
        manager.configure(interfaceSpec(cable.near, { address: "fd00:7::3/64" })),
        /fd00:7::3\/64 is in use on the network/,
      );
    });
  });
});
