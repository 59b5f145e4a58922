import assert from "node:assert/strict";
import { type NamespaceNode, needingNamespaces, startAgentNode } from "../support/init/mod.ts";
import { canMakeNamespaces, openNamespaces } from "../support/quorum/mod.ts";
import { openSite, type Site } from "../support/site/mod.ts";
import { waitFor } from "../support/mod.ts";

const LONG = { timeoutMs: 60_000 };
const SPEC = `
[vcluster.demo.services.keeper]
binary = "/bin/sleep"
args = ["86400"]
restart_delay_seconds = 1
[vcluster.demo.services.ticker]
binary = "/bin/sh"
args = ["-c", "while sleep 0.2; do echo tick; done"]
restart_delay_seconds = 1
[vcluster.demo.policy]
enforcement_mode = "enforce"
`;

async function pact(site: Site, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await site.pact("ana", args);
  assert.equal(code, 0, `pact ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** What the node says of its services, by name. */
async function servicesOf(site: Site) {
  const answer = JSON.parse(
    await pact(site, "service", "status", "--node", "node-1", "--output", "json"),
  );
  const entries = answer.services.map((
    service: { name: string; pid: number; state: string; restart_count: number },
  ) => [service.name, {
    pid: Number(service.pid),
    state: service.state,
    restarts: Number(service.restart_count),
  }]);
  return new Map<string, { pid: number; state: string; restarts: number }>(entries);
}

async function agentPid(node: NamespaceNode): Promise<number> {
  const scope = "/sys/fs/cgroup/pact.slice/agent.scope";
  const pid = Number(await node.run(`head -1 ${scope}/cgroup.procs`));
  assert.ok(pid > 1, `the agent's pid, not ${pid}`);
  return pid;
}

const hasNetworks = await canMakeNamespaces();

Deno.test({
  ...needingNamespaces(
    "INI-30 to INI-33, BTS-13: an agent under PID 1 dies, is started again and adopts; the node ends in order",
  ),
  async fn() {
    assert.ok(hasNetworks, "root may make network namespaces");
    await using network = await openNamespaces(1);
    await using site = await openSite({ listen: `${network.outsideAddress}:0` });
    await site.addPerson({ name: "ana", role: "pact-platform-admin" });
    await site.startJournal();
    await pact(site, "enroll", "node-1", "--hardware-id", site.hardwareId("node-1"));
    await pact(site, "node", "assign", "node-1", "--vcluster", "demo");
    await Deno.writeTextFile(`${site.directory}/spec.toml`, SPEC);
    await pact(site, "apply", "spec.toml");

    const started = await startAgentNode({ site, network, nodeId: "node-1", hasWatchdog: true });
    await using node = started.node;
    const log = () => node.read("agent.log");
    const until = async <T>(what: string, condition: () => T | Promise<T>) => {
      try {
        return await waitFor(condition, { ...LONG, what });
      } catch (error) {
        throw new Error(`${error}\n${node.console}\n${log()}`, { cause: error });
      }
    };
    await until("two services", async () => {
      const services = await servicesOf(site);
      return services.size === 2 &&
        [...services.values()].every(({ state }) => state === "Running");
    });
    assert.match(log(), /profile=init/);
    const before = await servicesOf(site);

    await node.run(`kill -9 ${await agentPid(node)}`);
    await until("the next agent", () => log().match(/agent ready/g)?.length === 2);
    assert.deepEqual(await servicesOf(site), before, "same pids, no restart");
    assert.match(log(), /agent started again.*former="?signal 9/);
    const logins = () => node.read("logins").trim().split("\n").map(Number);
    assert.equal(logins().length, 1, "INI-20: the login on the console outlives the agent");
    await node.run(`kill -9 ${logins()[0]}`);
    await until("INI-20: the next login", () => logins().length === 2);

    const keeper = before.get("keeper")?.pid ?? 0;
    await node.run(`kill -9 ${keeper}`);
    const after = await until("the keeper's restart", async () => {
      const service = (await servicesOf(site)).get("keeper");
      return service?.state === "Running" && service.pid !== keeper ? service : undefined;
    });
    assert.equal(after.restarts, 1);
    assert.match(log(), /keeper: crash \(killed by SIGKILL\)/, "PID 1 told how it ended");
    assert.equal((await servicesOf(site)).get("ticker")?.pid, before.get("ticker")?.pid);

    const ticker = before.get("ticker")?.pid;
    await node.run(`kill -9 ${await agentPid(node)}; kill -TERM ${ticker}`);
    await until(
      "the ticker's end, of which PID 1 tells the next agent",
      () => /service ticker: crash \(killed by SIGTERM\)/.test(log()),
    );
    const both = await until("both services", async () => {
      const services = await servicesOf(site);
      return services.get("ticker")?.state === "Running" && services;
    });
    assert.equal(both.get("ticker")?.restarts, 1);
    assert.equal(both.get("keeper")?.pid, after.pid);

    await node.run("mkdir -m 0755 /run/pact/next; cp /run/t/agent /run/pact/next/agent");
    const upgraded = await pact(
      site,
      "agent",
      "upgrade",
      "node-1",
      "--program",
      "/run/pact/next/agent",
    );
    assert.match(upgraded, /Agent of node-1 runs again: \/run\/pact\/next\/agent/);
    const [link] = (await node.run("readlink /run/pact/agent")).split("\n");
    assert.equal(link, "/run/pact/next/agent");
    const kept = await servicesOf(site);
    assert.equal(kept.get("keeper")?.pid, after.pid);
    assert.equal(kept.get("ticker")?.pid, both.get("ticker")?.pid);
    assert.match(log(), /agent started again.*former=upgrade/);
    await node.run("chmod 0777 /run/pact/next");
    const refused = await site.pact("ana", [
      "agent",
      "upgrade",
      "node-1",
      "--program",
      "/run/pact/next/agent",
    ]);
    assert.match(refused.stderr, /\/run\/pact\/next may be changed by others/);

    assert.match(node.pets, /^K+$/);
    await node.signalInit("SIGPWR");
    assert.equal((await node.ended).signal, "SIGINT", "power off");
    await node.until("the watchdog's end", () => node.pets.endsWith("V"));
    assert.match(log(), /service ticker: stop/, "services were stopped by the agent");
  },
});

Deno.test({
  ...needingNamespaces(
    "ACF-1: a node that cannot be configured stays up, lets in from the console, and begins anew on SIGHUP",
  ),
  async fn() {
    await using network = await openNamespaces(1);
    await using site = await openSite({ listen: `${network.outsideAddress}:0` });
    await site.addPerson({ name: "ana", role: "pact-platform-admin" });
    await site.startJournal();
    await pact(site, "enroll", "node-1", "--hardware-id", site.hardwareId("node-1"));
    const started = await startAgentNode({
      site,
      network,
      nodeId: "node-1",
      hasWatchdog: true,
      isMisconfigured: true,
    });
    await using node = started.node;
    const log = () => node.read("agent.log");
    const shown = (text: RegExp) =>
      node.until(`${text} in the log`, () => text.test(log()), LONG).catch((error) => {
        throw new Error(`${error}\n${log()}`);
      });
    await shown(
      /the node is held: it cannot be configured.*no journal.*agent.toml:.*nothing of this file is used/,
    );
    await shown(/login on the console/);
    const petted = node.pets.length;
    await node.until("a beat", () => node.pets.length > petted, LONG);

    await node.run("cp /etc/pact/right.toml /etc/pact/agent.toml");
    await node.signalInit("SIGHUP");
    await shown(/agent ready/);
    assert.equal(node.console.includes("again in"), false, "it never failed");
    await node.signalInit("SIGTERM");
    assert.equal((await node.ended).signal, "SIGHUP", "reboot");
  },
});
