/** A node's agent that knows three real journals, one of which it is connected to. */
import assert from "node:assert/strict";
import { parse, stringify } from "smol-toml";
import { buildShim } from "../../ffi/build/mod.ts";
import { DEVELOPMENT_LIBRARY } from "../../ffi/mod.ts";
import { repositoryRoot, spawnDeno, tempDir, waitFor } from "../support/mod.ts";
import { onBothEngines, type QuorumSite } from "../support/quorum/mod.ts";
import { neutralEnvironment, relocatedPermissions } from "../support/site/mod.ts";
import { agentToml } from "../support/site/settings.ts";

const VCLUSTER = "demo";

/** Starts an agent below `root` that may go to every journal of the site. */
async function startAgent(site: QuorumSite, root: string) {
  await buildShim();
  const etc = `${root}/etc/pact`;
  await Deno.mkdir(etc, { recursive: true });
  await Deno.writeTextFile(`${etc}/ca.crt`, site.caPem);
  await Deno.writeTextFile(`${etc}/secret`, "s".repeat(32), { mode: 0o600 });
  const base = parse(agentToml({
    nodeId: "node-1",
    hardwareId: "mac:02:00:00:00:00:01",
    journalEndpoint: "",
    caCert: `${etc}/ca.crt`,
    secretFile: `${etc}/secret`,
    shellListen: "127.0.0.1:0",
  }));
  const endpoints = site.runningIds.map((id) => `https://${site.place(id).api}`);
  const agent = base["agent"] as Record<string, Record<string, unknown>>;
  await Deno.writeTextFile(
    `${etc}/agent.toml`,
    stringify({ agent: { ...agent, journal: { ...agent["journal"], endpoints } } }),
  );
  return spawnDeno({
    module: `${repositoryRoot}agent/main.ts`,
    flags: ["--quiet", "--unstable-worker-options", ...relocatedPermissions("agent", root)],
    args: [
      `--config=${etc}/agent.toml`,
      "--profile=rootless",
      `--root=${root}`,
      `--shim=${repositoryRoot}${DEVELOPMENT_LIBRARY}`,
    ],
    env: neutralEnvironment(),
    clearEnv: true,
  });
}

onBothEngines(
  "section 17: when its journal is killed an agent goes on with another, and becomes what is declared there",
  async (openSite) => {
    await using site = await openSite();
    await using directory = await tempDir();
    await site.startAll();
    const root = directory.file("node-1");
    const declare = async (at: number, text: string) => {
      using clients = await site.dial(at);
      await clients.config.appendEntry({
        entry: {
          entryType: 1,
          scope: { scope: { case: "vclusterId", value: VCLUSTER } },
          stateDelta: {
            files: [{ path: "/etc/motd", action: 1, content: new TextEncoder().encode(text) }],
          },
        },
      });
    };
    using admin = await site.dial(1);
    await admin.enrollment.registerNode({
      nodeId: "node-1",
      hardwareIdentity: { macAddress: "02:00:00:00:00:01" },
      vclusterId: VCLUSTER,
    });
    await declare(1, "one\n");
    await using agent = await startAgent(site, root);
    const motd = async (text: string) => {
      try {
        return await Deno.readTextFile(`${root}/etc/motd`) === text;
      } catch {
        return false;
      }
    };
    await waitFor(() => motd("one\n"), {
      what: `the first declaration\n${agent.stdout}${agent.stderr}`,
      timeoutMs: 40_000,
    });
    // Whichever it is connected to: each one goes down in turn, and the others tell the agent.
    for (const id of [1, 2, 3]) {
      await site.stop(id, "SIGKILL");
      await site.leader();
      const text = `without ${id}\n`;
      await declare(site.runningIds[0] ?? 0, text);
      await waitFor(() => motd(text), {
        what: `the declaration without member ${id}\n${agent.stdout}${agent.stderr}`,
        timeoutMs: 60_000,
      });
      await site.start(id);
    }
    assert.equal((await site.health(1))?.status, "healthy");
  },
);
