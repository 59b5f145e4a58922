import assert from "node:assert/strict";
import { systemClock } from "../../../../common/clock/mod.ts";
import { createLogger } from "../../../../common/log/mod.ts";
import type { Dimension, Outcome } from "../../../../agent/apply/mod.ts";
import type { Target } from "../../../../agent/drift/mod.ts";
import { interfaceSpec } from "../../../../agent/interfaces/mod.ts";
import {
  ConfirmedChange,
  networkDimension,
  type NetworkManager,
  openNetworkManager,
} from "../../../../agent/network/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { tempDir, waitFor, withShim } from "../../../support/mod.ts";
import { type Cable, inNetworkNamespace, layCable } from "../../../support/network/mod.ts";

const silent = createLogger({
  component: "test",
  level: "error",
  format: "text",
  nowMs: () => 0,
  write: () => {},
});

interface Setting {
  readonly cable: Cable;
  readonly manager: NetworkManager;
  readonly dimension: Dimension;
  readonly changes: ConfirmedChange;
  /** Time of the confirmation alone. */
  readonly clock: VirtualClock;
  readonly reverted: string[];
  readonly confirmed: string[];
  readonly notePath: string;
  readonly reaches: () => number;
}

async function withDimension(
  test: (setting: Setting) => Promise<void>,
  { isConnected = true } = {},
): Promise<void> {
  await using cable = await layCable({ farAddress: "10.7.0.1/24" });
  await using dir = await tempDir();
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const clock = new VirtualClock();
    const manager = openNetworkManager({
      network: shim.network,
      files: shim.files,
      events: pump,
      clock: systemClock,
      log: silent,
      openLease: () => assert.fail("no lease was asked for"),
      onEvent: () => {},
    });
    const reverted: string[] = [];
    const confirmed: string[] = [];
    let reaches = 0;
    const notePath = `${dir.path}/note.json`;
    const changes = new ConfirmedChange({
      manager,
      files: shim.files,
      clock,
      bootMs: () => clock.monotonicMs(),
      log: silent,
      notePath,
      reach: () => reaches++,
      onConfirmed: (name) => confirmed.push(name),
      onReverted: (name, reason) => reverted.push(`${name}: ${reason}`),
    });
    const dimension = networkDimension(() => ({
      manager,
      changes,
      isConnected: () => isConnected,
      isManagement: (name) => name === cable.near,
      onConfirmed: (name) => confirmed.push(name),
    }));
    try {
      await manager.configure(
        interfaceSpec(cable.near, { address: "10.7.0.2/24", gateway: "10.7.0.1" }),
      );
      await test({
        cable,
        manager,
        dimension,
        changes,
        clock,
        reverted,
        confirmed,
        notePath,
        reaches: () => reaches,
      });
    } finally {
      changes.close();
      manager.close();
      await pump.close();
    }
  });
}

async function ip(...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("ip", { args }).output();
  return new TextDecoder().decode(stdout);
}

function target(value: unknown): Target {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { state: "present", value: { kind: "text", text } };
}

async function applyOne(dimension: Dimension, key: string, value: unknown): Promise<Outcome> {
  const [outcome] = await dimension.apply([{ key, target: target(value) }]);
  assert.ok(outcome !== undefined);
  return outcome;
}

async function differences(dimension: Dimension, key: string, value: unknown) {
  const observed = await dimension.observe([key]);
  return await dimension.diff(new Map([[key, target(value)]]), observed);
}

const NEW = { address: "10.7.0.9/24", gateway: "10.7.0.1", role: "management" };

inNetworkNamespace(import.meta.url, () => {
  Deno.test("NET-8: a new management address stands once a journal was reached over it", async () => {
    await withDimension(async ({ cable, dimension, changes, confirmed, notePath, reaches }) => {
      const applying = applyOne(dimension, cable.near, NEW);
      await waitFor(() => reaches() === 1, { what: "the reach for a journal" });
      assert.ok((await Deno.stat(notePath)).isFile);
      changes.reached();
      assert.deepEqual(await applying, { key: cable.near, result: "done" });
      assert.match(await ip("address", "show", cable.near), /10\.7\.0\.9\/24/);
      assert.deepEqual(confirmed, [cable.near]);
      await assert.rejects(Deno.stat(notePath), Deno.errors.NotFound);
      assert.deepEqual(await differences(dimension, cable.near, NEW), []);
    });
  });

  Deno.test("NET-8: a wrong address reverts by itself after 30 s, and is not tried again until it changes", async () => {
    await withDimension(async ({ cable, dimension, clock, reverted, reaches }) => {
      const wrong = { ...NEW, address: "192.168.44.9/24", gateway: "192.168.44.1" };
      const applying = applyOne(dimension, cable.near, wrong);
      await waitFor(() => reaches() === 1, { what: "the reach for a journal" });
      assert.doesNotMatch(await ip("address", "show", cable.near), /10\.7\.0\.2\/24/);
      clock.advance(30_000);
      const outcome = await applying;
      assert.equal(outcome.result, "failed");
      assert.match("reason" in outcome ? outcome.reason : "", /reverted: no journal reached/);
      assert.deepEqual(reverted, [`${cable.near}: no journal reached within 30 s`]);
      assert.match(await ip("address", "show", cable.near), /10\.7\.0\.2\/24/);
      assert.match(await ip("route"), /^default via 10\.7\.0\.1/m);
      const again = await applyOne(dimension, cable.near, wrong);
      assert.match("reason" in again ? again.reason : "", /waiting for another one/);
      assert.equal(reaches(), 2);
      assert.equal(clock.pendingTimers, 0);
    });
  });

  Deno.test("NET-8: an address that the kernel refuses half-way leaves the former network", async () => {
    await withDimension(async ({ cable, dimension }) => {
      await cable.peer.run("ip", "address", "add", "fd00:7::9/64", "dev", "far0", "nodad");
      const taken = { address: "fd00:7::9/64", role: "management" };
      const outcome = await applyOne(dimension, cable.near, taken);
      assert.match("reason" in outcome ? outcome.reason : "", /in use on the network/);
      assert.match(await ip("address", "show", cable.near), /10\.7\.0\.2\/24/);
      assert.doesNotMatch(await ip("address", "show", cable.near), /fd00:7::9/);
    });
  });

  Deno.test("NET-8, BTS-13: an agent that ended in the middle is followed by one that takes the change back", async () => {
    await withDimension(async ({ cable, manager, dimension, changes, notePath, reaches }) => {
      const wrong = { ...NEW, address: "192.168.44.9/24", gateway: "192.168.44.1" };
      const applying = applyOne(dimension, cable.near, wrong);
      await waitFor(() => reaches() === 1, { what: "the reach for a journal" });
      changes.close();
      assert.equal((await applying).result, "failed");
      assert.match(await ip("address", "show", cable.near), /192\.168\.44\.9/);
      await withShim(async (shim) => {
        const next = new ConfirmedChange({
          manager,
          files: shim.files,
          clock: systemClock,
          bootMs: () => shim.system.bootTimeMs(),
          log: silent,
          notePath,
          reach: () => {},
          onConfirmed: () => {},
          onReverted: () => {},
        });
        await next.recover();
      });
      assert.match(await ip("address", "show", cable.near), /10\.7\.0\.2\/24/);
      await assert.rejects(Deno.stat(notePath), Deno.errors.NotFound);
    });
  });

  Deno.test("NET-9: an MTU is changed in place, with the addresses as they are", async () => {
    await withDimension(async ({ cable, dimension, changes, reaches }) => {
      const applying = applyOne(dimension, cable.near, { mtu: 1400, role: "management" });
      await waitFor(() => reaches() === 1, { what: "the reach for a journal" });
      changes.reached();
      assert.equal((await applying).result, "done");
      assert.match(await ip("link", "show", cable.near), /mtu 1400/);
      assert.match(await ip("address", "show", cable.near), /10\.7\.0\.2\/24/);
    });
  });

  Deno.test("NET-8: without a journal to confirm it the management network is left alone", async () => {
    await withDimension(async ({ cable, dimension }) => {
      const outcome = await applyOne(dimension, cable.near, NEW);
      assert.match("reason" in outcome ? outcome.reason : "", /no journal can be reached/);
      assert.match(await ip("address", "show", cable.near), /10\.7\.0\.2\/24/);
    }, { isConnected: false });
  });

  Deno.test("NET-5: another interface is changed at once, and what somebody changes in it is drift", async () => {
    await withDimension(async ({ dimension }) => {
      await using other = await layCable({ near: "hsn0" });
      const spec = { address: ["10.8.0.2/24"], mtu: 9000, role: "hsn" };
      await other.peer.run("ip", "link", "set", "far0", "mtu", "9000");
      assert.equal((await applyOne(dimension, "hsn0", spec)).result, "done");
      assert.deepEqual(await differences(dimension, "hsn0", spec), []);
      await ip("address", "del", "10.8.0.2/24", "dev", "hsn0");
      await ip("address", "add", "10.8.0.66/24", "dev", "hsn0");
      const [difference] = await differences(dimension, "hsn0", spec);
      assert.equal(difference?.action, "Modify");
      assert.match(JSON.stringify(difference?.actual), /10\.8\.0\.66\/24/);
      assert.equal((await applyOne(dimension, "hsn0", spec)).result, "done");
      assert.match(await ip("address", "show", "hsn0"), /10\.8\.0\.2\/24/);
    });
  });

  Deno.test("NET-5, OBS-9: an address that is declared for loopback is beside its own, which stay and are no drift", async () => {
    await withDimension(async ({ dimension }) => {
      await ip("link", "set", "lo", "up");
      const spec = { address: ["192.0.2.7/32"], state: "up" };
      assert.equal((await applyOne(dimension, "lo", spec)).result, "done");
      const addresses = await ip("address", "show", "lo");
      for (const address of ["127.0.0.1/8", "::1/128", "192.0.2.7/32"]) {
        assert.ok(addresses.includes(address), addresses);
      }
      assert.deepEqual(await differences(dimension, "lo", spec), []);
      await ip("address", "del", "192.0.2.7/32", "dev", "lo");
      await ip("address", "add", "192.0.2.8/32", "dev", "lo");
      const [difference] = await differences(dimension, "lo", spec);
      assert.match(JSON.stringify(difference?.actual), /"address\\":\[\\"192\.0\.2\.8\/32\\"\]/);
    });
  });

  Deno.test("NET-7: what is declared for an interface is brought about when it appears, optional or not", async () => {
    await withDimension(async ({ dimension, manager }) => {
      for (const isOptional of [false, true]) {
        const spec = { address: "10.8.0.2/24", role: "hsn", optional: isOptional };
        const outcome = await applyOne(dimension, "hsn0", spec);
        assert.equal(outcome.result, isOptional ? "done" : "failed");
        await using _cable = await layCable({ near: "hsn0" });
        await waitFor(async () => (await ip("address", "show", "hsn0")).includes("10.8.0.2/24"), {
          what: "its address",
        });
        await waitFor(() => manager.readiness().get("hsn0") === true, { what: "the interface" });
        assert.equal((await applyOne(dimension, "hsn0", spec)).result, "done");
        assert.deepEqual(await differences(dimension, "hsn0", spec), []);
      }
    });
  });

  Deno.test("NET-7: an interface that is declared no more is left as it comes", async () => {
    await withDimension(async ({ dimension }) => {
      await applyOne(dimension, "hsn0", { address: "10.8.0.2/24", role: "hsn" });
      await applyOne(dimension, "hsn1", { address: "10.9.0.2/24", role: "hsn" });
      await dimension.release([{ key: "hsn0", original: undefined }]);
      await using _released = await layCable({ near: "hsn0" });
      await using _declared = await layCable({ near: "hsn1" });
      await waitFor(async () => (await ip("address", "show", "hsn1")).includes("10.9.0.2/24"), {
        what: "the address of the other one",
      });
      assert.doesNotMatch(await ip("address", "show", "hsn0"), /10\.8\.0\.2/);
    });
  });

  Deno.test("NET-7: an interface that is not there yet is told, an optional one is not", async () => {
    await withDimension(async ({ dimension }) => {
      const outcome = await applyOne(dimension, "hsn1", { address: "10.8.0.2/24", role: "hsn" });
      assert.deepEqual(outcome, { key: "hsn1", result: "failed", reason: "no such interface" });
      const optional = { address: "10.8.0.2/24", optional: true };
      assert.equal((await applyOne(dimension, "hsn1", optional)).result, "done");
      assert.deepEqual(await differences(dimension, "hsn1", optional), []);
    });
  });
});
