/** A node's agent that knows three real journals, one of which it is connected to. */
import assert from "node:assert/strict";
import { tempDir, waitFor } from "../support/mod.ts";
import { onBothEngines, startQuorumAgent } from "../support/quorum/mod.ts";

const VCLUSTER = "demo";

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
    await using agent = await startQuorumAgent(site, root);
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
