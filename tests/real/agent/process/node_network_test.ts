import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { createLogger } from "../../../../common/log/mod.ts";
import { NodeNetwork } from "../../../../agent/process/node_network.ts";
import { script, withSupervisor } from "../../../unit/agent/supervisor/real_rig.ts";
import { tempDir, waitFor, withShim } from "../../../support/mod.ts";
import { type Cable, inNetworkNamespace, layCable } from "../../../support/network/mod.ts";

const silent = createLogger({
  component: "test",
  level: "error",
  format: "text",
  nowMs: () => 0,
  write: () => {},
});

/** What one life of an agent has: its directories outlive it. */
interface Life {
  readonly directory: string;
  readonly commandLine?: readonly string[];
  readonly config?: MessageInitShape<typeof agentport.AgentConfigSchema>;
}

/** What was told last of where the shell is served. */
interface ShellNews {
  addresses: readonly string[] | undefined;
}

function served({ addresses = ["every one"] }: ShellNews): readonly string[] {
  return addresses;
}

async function live(
  { directory, commandLine = [], config = {} }: Life,
  life: (network: NodeNetwork, records: string[], shell: ShellNews) => Promise<void>,
): Promise<void> {
  await withShim(async (shim) => {
    const events = shim.startEvents();
    const records: string[] = [];
    const shell: ShellNews = { addresses: undefined };
    const network = new NodeNetwork({
      shim,
      events,
      config: create(agentport.AgentConfigSchema, {
        stateDir: `${directory}/state`,
        cacheDir: `${directory}/cache`,
        ...config,
      }),
      clock: systemClock,
      log: silent,
      commandLine,
      reconnect: () => network.contact(true),
      record: (action, detail) => records.push(`${action} ${detail}`),
      onShellAddresses: (addresses) => shell.addresses = addresses,
    });
    try {
      await life(network, records, shell);
    } finally {
      network.close();
      await events.close();
    }
  });
}

async function setting() {
  const dir = await tempDir();
  for (const name of ["state", "cache"]) await Deno.mkdir(`${dir.path}/${name}`);
  return dir;
}

async function ip(...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("ip", { args }).output();
  return new TextDecoder().decode(stdout);
}

const addressesOf = (cable: Cable) => ip("-4", "-o", "address", "show", cable.near);

/** Declares an interface as the journal would, with a journal that can be reached. */
async function declare(network: NodeNetwork, name: string, spec: unknown) {
  network.contact(true);
  const target = { state: "present", value: { kind: "text", text: JSON.stringify(spec) } } as const;
  return await network.dimension.apply([{ key: name, target }]);
}

inNetworkNamespace(import.meta.url, () => {
  Deno.test("NET-6: without any configuration the phase fails and says what to give", async () => {
    await using dir = await setting();
    await live({ directory: dir.path }, async (network) => {
      await assert.rejects(
        network.configure(),
        /no management network configuration: give pact\.net=/,
      );
    });
  });

  Deno.test("NET-2, BTS-13: what an overlay has changed stays when the agent is started again", async () => {
    await using dir = await setting();
    await using cable = await layCable({ farAddress: "10.7.0.1/24" });
    const life = { directory: dir.path, commandLine: [`pact.net=${cable.near},10.7.0.2/24`] };
    await live(life, async (network, records) => {
      await network.configure();
      assert.match(await addressesOf(cable), /10\.7\.0\.2\/24/);
      assert.match(records[0] ?? "", /^network\.configured near0: up; add 10\.7\.0\.2\/24/);
      const outcomes = await declare(network, cable.near, {
        address: "10.7.0.9/24",
        role: "management",
      });
      assert.deepEqual(outcomes, [{ key: cable.near, result: "done" }]);
    });
    await live(life, async (network, records) => {
      await network.configure();
      assert.match(await addressesOf(cable), /10\.7\.0\.9\/24/);
      assert.doesNotMatch(await addressesOf(cable), /10\.7\.0\.2\//);
      assert.deepEqual(records, []);
    });
  });

  Deno.test("NET-2: after a reboot without other knowledge the confirmed network is the node's", async () => {
    await using dir = await setting();
    await using cable = await layCable({ farAddress: "10.7.0.1/24" });
    const interfaces = { [cable.near]: "10.7.0.2/24" };
    await live({ directory: dir.path, config: { interfaces } }, async (network) => {
      await network.configure();
      await declare(network, cable.near, { address: "10.7.0.9/24", role: "management" });
    });
    await Deno.remove(`${dir.path}/state`, { recursive: true });
    await Deno.mkdir(`${dir.path}/state`);
    await ip("address", "flush", "dev", cable.near);
    await live({ directory: dir.path }, async (network) => {
      await network.configure();
      assert.match(await addressesOf(cable), /10\.7\.0\.9\/24/);
    });
  });

  Deno.test("NET-2: a network that firmware has made is used and not changed", async () => {
    await using dir = await setting();
    await using cable = await layCable({ farAddress: "10.7.0.1/24" });
    await ip("link", "set", cable.near, "up");
    await ip("address", "add", "10.7.0.66/24", "dev", cable.near);
    await ip("route", "add", "default", "via", "10.7.0.1");
    const life = { directory: dir.path, commandLine: [`pact.net=${cable.near},10.7.0.2/24`] };
    await live(life, async (network, records) => {
      await network.configure();
      assert.match(await addressesOf(cable), /10\.7\.0\.66\/24/);
      assert.doesNotMatch(await addressesOf(cable), /10\.7\.0\.2\//);
      await cable.peer.run("ip", "link", "set", "far0", "down");
      await waitFor(() => records.includes("network.link_lost near0"), { what: "the loss" });
    });
  });

  Deno.test("NET-7: a high-speed interface of the configuration is no part of phase 2 and comes up when it appears", async () => {
    await using dir = await setting();
    await using cable = await layCable({ farAddress: "10.7.0.1/24" });
    const interfaces = {
      [cable.near]: "10.7.0.2/24",
      hsn0: JSON.stringify({ address: "10.8.0.2/24", role: "hsn" }),
    };
    await live({ directory: dir.path, config: { interfaces } }, async (network, records) => {
      await network.configure();
      assert.equal(network.interfaces.readiness().get("hsn0"), false);
      await using _hsn = await layCable({ near: "hsn0" });
      await waitFor(() => network.interfaces.readiness().get("hsn0") === true, { what: "hsn0" });
      const isTold = () =>
        records.some((record) => record.startsWith("network.configured hsn0: up; add 10.8"));
      await waitFor(isTold, { what: "the record" });
    });
  });

  Deno.test("NET-7: a service that needs an interface starts when it is there as declared, and not before", async () => {
    await using dir = await setting();
    await using cable = await layCable({ farAddress: "10.7.0.1/24" });
    const life = { directory: dir.path, commandLine: [`pact.net=${cable.near},10.7.0.2/24`] };
    await live(life, async (network) => {
      await network.configure();
      await declare(network, "hsn0", { address: "10.8.0.2/24", role: "hsn" });
      await withSupervisor(async ({ supervisor, reaches }) => {
        supervisor.declare([script("fabric", "exec sleep 1000", { needsNetwork: ["hsn0"] })]);
        await reaches("fabric", "Starting (waiting: interface hsn0)");
        await using _hsn = await layCable({ near: "hsn0" });
        await reaches("fabric", "Running");
        assert.match(await ip("address", "show", "hsn0"), /10\.8\.0\.2\/24/);
      }, { interfaces: network.interfaces });
    });
  });

  Deno.test("NET-12: with roles the shell is served over the management network, and follows its addresses", async () => {
    await using dir = await setting();
    await using cable = await layCable({ farAddress: "10.7.0.1/24" });
    const interfaces = { [cable.near]: "10.7.0.2/24" };
    await live(
      { directory: dir.path, config: { interfaces } },
      async (network, _records, shell) => {
        await network.configure();
        await using _hsn = await layCable({ near: "hsn0" });
        assert.equal(shell.addresses, undefined);
        await declare(network, "hsn0", { address: "10.8.0.2/24", role: "hsn" });
        await waitFor(() => served(shell).includes("10.7.0.2"), { what: "the first address" });
        assert.equal(served(shell).includes("10.8.0.2"), false);
        await declare(network, cable.near, { address: "10.7.0.9/24", role: "management" });
        await waitFor(() => served(shell).includes("10.7.0.9"), { what: "the second one" });
        assert.equal(served(shell).includes("10.7.0.2"), false);
      },
    );
  });

  Deno.test("NET-2: an interface of the configuration that cannot be used leaves the others", async () => {
    await using dir = await setting();
    await using cable = await layCable({ farAddress: "10.7.0.1/24" });
    const interfaces = { bad0: "10.7.0.2", [cable.near]: "10.7.0.2/24" };
    await live({ directory: dir.path, config: { interfaces } }, async (network) => {
      await network.configure();
      assert.match(await addressesOf(cable), /10\.7\.0\.2\/24/);
    });
  });
});
