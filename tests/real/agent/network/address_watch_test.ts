import assert from "node:assert/strict";
import { interfaceSpec } from "../../../../agent/interfaces/mod.ts";
import {
  addressWatch,
  ConfirmedChange,
  type Lease,
  networkDimension,
  type NetworkManager,
  openNetworkManager,
} from "../../../../agent/network/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import { tempDir, waitFor, withShim } from "../../../support/mod.ts";
import { inNetworkNamespace, layCable } from "../../../support/network/mod.ts";
import { declare, Node } from "../../../unit/agent/window/convergence_scene.ts";

interface Setting {
  readonly it: Node;
  readonly near: string;
  readonly manager: NetworkManager;
  /** What the DHCP server grants from now on. */
  readonly lease: (address: string) => void;
}

async function ip(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("ip", { args }).output();
  const decoder = new TextDecoder();
  assert.ok(success, `ip ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

function leaseOf(address: string): Lease {
  const { addresses } = interfaceSpec("x", address);
  const [cidr] = typeof addresses === "string" ? [] : addresses;
  assert.ok(cidr !== undefined);
  return {
    address: cidr,
    routes: [],
    dnsServers: [],
    server: Uint8Array.of(10, 7, 0, 1),
    askedAtMs: 0,
    renewAfterMs: 1_000_000,
    rebindAfterMs: 2_000_000,
    endsAfterMs: 3_000_000,
  };
}

/** A node that has converged with an interface that nobody declared. */
async function withNetwork(
  test: (setting: Setting) => Promise<void>,
  spec: unknown = { address: "10.7.0.2/24", gateway: "10.7.0.1" },
): Promise<void> {
  await using cable = await layCable({ farAddress: "10.7.0.1/24" });
  await using dir = await tempDir();
  await withShim(async (shim) => {
    const events = shim.startEvents();
    let grant: (address: string) => void = () => assert.fail("no lease was asked for");
    const manager = openNetworkManager({
      network: shim.network,
      files: shim.files,
      events,
      clock: systemClock,
      log: silentLogger,
      openLease: (_link, { onLease }) => {
        grant = (address) => onLease(leaseOf(address));
        return { first: Promise.resolve(leaseOf("10.7.0.2/24")), close: () => {} };
      },
      onEvent: () => {},
    });
    const changes = new ConfirmedChange({
      manager,
      files: shim.files,
      clock: systemClock,
      bootMs: () => systemClock.monotonicMs(),
      log: silentLogger,
      notePath: `${dir.path}/note.json`,
      reach: () => {},
      onConfirmed: () => {},
      onReverted: () => {},
    });
    const parts = {
      manager,
      changes,
      isConnected: () => true,
      isManagement: () => false,
      onConfirmed: () => {},
    };
    const it = await Node.create({
      dimensions: [networkDimension(() => parts)],
      watches: [addressWatch(() => manager, shim.files)],
    });
    try {
      await manager.configure(interfaceSpec(cable.near, spec));
      await it.convergence.setDeclared(declare({ sequence: 5n }));
      await test({ it, near: cable.near, manager, lease: (address) => grant(address) });
    } finally {
      await it[Symbol.asyncDispose]();
      changes.close();
      manager.close();
      await events.close();
    }
  });
}

inNetworkNamespace(import.meta.url, () => {
  Deno.test("OBS-9: an undeclared address that comes or goes is drift, and none once it is undone", () =>
    withNetwork(async ({ it, near }) => {
      await it.pass(60);
      assert.deepEqual(it.names, []);
      await ip("address", "add", "10.7.0.99/24", "dev", near);
      await it.convergence.scan();
      const [item] = it.convergence.status().items;
      assert.deepEqual([item?.key, item?.action, item?.source], [near, "Modify", "baseline"]);
      assert.ok(item?.actual?.kind === "text" && item.actual.text.includes("10.7.0.99/24"));
      await ip("address", "del", "10.7.0.99/24", "dev", near);
      await it.convergence.scan();
      assert.deepEqual(it.names, []);
      await ip("address", "del", "10.7.0.2/24", "dev", near);
      await it.convergence.scan();
      assert.deepEqual(it.names, [`network:${near}`]);
    }));

  Deno.test("OBS-9, RBK-1: a rollback takes the address away that came, and gives back the one that went", () =>
    withNetwork(async ({ it, near }) => {
      await ip("address", "add", "192.168.9.1/24", "dev", near);
      await ip("address", "del", "10.7.0.2/24", "dev", near);
      const { incomplete } = await it.convergence.rollback();
      assert.deepEqual(incomplete, []);
      assert.match(await ip("address", "show", near), /10\.7\.0\.2\/24/);
      assert.doesNotMatch(await ip("address", "show", near), /192\.168\.9\.1/);
      assert.match(await ip("route"), /default via 10\.7\.0\.1/);
      assert.deepEqual(it.names, []);
    }));

  Deno.test("RBK-3, RBK-4: an address that a socket is bound to is not taken away", () =>
    withNetwork(async ({ it, near }) => {
      await ip("address", "add", "192.168.9.1/24", "dev", near);
      const listener = Deno.listen({ hostname: "192.168.9.1", port: 0 });
      try {
        await assert.rejects(it.convergence.rollback(), {
          code: "ACTIVE_CONSUMERS",
          blockedBy: [`network:${near}: 1 sockets on 192.168.9.1`],
        });
        assert.match(await ip("address", "show", near), /192\.168\.9\.1/);
      } finally {
        listener.close();
      }
      assert.deepEqual((await it.convergence.rollback()).incomplete, []);
    }));

  Deno.test("OBS-9, WIN-6: a committed address is declared with its interface, and held against that", () =>
    withNetwork(async ({ it, near }) => {
      await ip("address", "add", "10.7.0.99/24", "dev", near);
      await it.convergence.scan();
      const { id, delta } = await it.convergence.prepareCommit();
      assert.match(delta.network[0]?.detail ?? "", /10\.7\.0\.99\/24/);
      await it.convergence.confirmCommit(id, 6n);
      await it.convergence.scan();
      assert.deepEqual(it.names, []);
      await ip("address", "del", "10.7.0.99/24", "dev", near);
      await it.convergence.scan();
      assert.deepEqual(it.convergence.status().items.map(({ source }) => source), ["declared"]);
    }));

  Deno.test("OBS-9: loopback, link-local and passing addresses, and interfaces of containers, are no drift", () =>
    withNetwork(async ({ it, near }) => {
      await ip("address", "add", "127.0.0.7/8", "dev", "lo");
      await ip("address", "add", "169.254.7.7/16", "dev", near);
      await ip("address", "add", "fe80::77/64", "dev", near);
      await ip(
        "address",
        "add",
        "10.8.0.7/24",
        "dev",
        near,
        "valid_lft",
        "600",
        "preferred_lft",
        "600",
      );
      await ip("link", "add", "docker0", "type", "veth");
      await ip("address", "add", "172.17.0.1/16", "dev", "docker0");
      await it.pass(6);
      assert.deepEqual(it.names, []);
      await ip("link", "del", "docker0");

      await ip("link", "add", "site0", "type", "veth");
      await it.convergence.scan();
      assert.deepEqual(it.names, []);
      await ip("address", "add", "172.18.0.1/16", "dev", "site0");
      await it.convergence.scan();
      assert.deepEqual(it.convergence.status().items.map(({ key, action }) => [key, action]), [
        ["site0", "Add"],
      ]);
      await ip("link", "del", "site0");
    }));

  Deno.test("OBS-9, NET-6: another lease is no drift; an address beside it is, and cannot be committed", () =>
    withNetwork(async ({ it, near, lease }) => {
      lease("10.7.0.55/24");
      await waitFor(async () => (await ip("address", "show", near)).includes("10.7.0.55"), {
        what: "the new lease",
      });
      await it.pass(6);
      assert.deepEqual(it.names, []);
      await ip("address", "add", "10.7.0.99/24", "dev", near);
      await it.convergence.scan();
      assert.deepEqual(it.names, [`network:${near}`]);
      await assert.rejects(it.convergence.prepareCommit(), /by DHCP/);
      await it.convergence.rollback();
      assert.deepEqual(it.names, []);
      assert.match(await ip("address", "show", near), /10\.7\.0\.55\/24/);
    }, "dhcp"));
}, ["ip"]);
