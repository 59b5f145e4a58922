/**
 * A site that has lost its quorum: a real agent keeps its contact with the one journal that is left,
 * and people go on with its node as if there were none (EMM-8, DEG-1 to DEG-9).
 */
import assert from "node:assert/strict";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { config, shell } from "../../api/mod.ts";
import { createRpcTransport } from "../../common/rpc/mod.ts";
import { freePort, repositoryRoot, runDeno, tempDir, waitFor } from "../support/mod.ts";
import { openQuorumSite, type QuorumSite, startQuorumAgent } from "../support/quorum/mod.ts";
import { neutralEnvironment } from "../support/site/mod.ts";
import { cliToml } from "../support/site/settings.ts";

const NODE = "node-1";
const VCLUSTER = "demo";
/** Each try at a journal without a quorum takes it 5 s to answer, and the agent asks for 10 s. */
const COMMAND_LIMIT_MS = 120_000;
const LIMIT_MS = 60_000;

type Role = "ops" | "viewer" | "admin";
const ROLES = {
  ops: "pact-ops-demo",
  viewer: "pact-viewer-demo",
  admin: "pact-platform-admin",
} as const;

/** The journals, the agent of a node in contact with one of them, and people. */
class Scene implements AsyncDisposable {
  readonly #owned = new AsyncDisposableStack();
  readonly #agentAddress = `127.0.0.1:${freePort()}`;

  private constructor(readonly site: QuorumSite, readonly directory: string) {}

  /** With contact at `member`, and something declared that is in force. */
  static async open(chosen: (site: QuorumSite) => Promise<number>) {
    const owned = new AsyncDisposableStack();
    const site = owned.use(await openQuorumSite({ signsNodes: true }));
    const { path } = owned.use(await tempDir("pact-lost-"));
    const scene = new Scene(site, path);
    scene.#owned.use(owned);
    try {
      await site.startAll();
      const member = await chosen(site);
      await scene.#declare(member);
      const others = site.runningIds.filter((id) => id !== member);
      const agent = scene.#owned.use(
        await startQuorumAgent(site, scene.root, {
          members: [member, ...others],
          shellListen: scene.#agentAddress,
        }),
      );
      await agent.waitForOutput(/agent ready/, LIMIT_MS);
      const motd = () => Deno.readTextFile(scene.motd).catch(() => "");
      await waitFor(async () => await motd() === "declared\n", {
        what: () => `the declaration\n${agent.stderr}`,
        timeoutMs: LIMIT_MS,
      });
      return { scene, member, others, agent };
    } catch (error) {
      const logs = site.logs();
      await scene[Symbol.asyncDispose]();
      throw new Error(`${error}\n${logs}`);
    }
  }

  get root(): string {
    return `${this.directory}/${NODE}`;
  }

  get motd(): string {
    return `${this.root}/etc/motd`;
  }

  async #declare(member: number): Promise<void> {
    using admin = await this.site.dial(member);
    await admin.enrollment.registerNode({
      nodeId: NODE,
      hardwareIdentity: { macAddress: "02:00:00:00:00:01" },
      vclusterId: VCLUSTER,
    });
    await Deno.writeTextFile(
      `${this.directory}/spec.toml`,
      `[vcluster.${VCLUSTER}.files]
"/etc/motd" = { content = "declared\\n", mode = "0644" }
[vcluster.${VCLUSTER}.policy]
enforcement_mode = "enforce"
base_commit_window_seconds = 600
`,
    );
    const end = await this.pact("admin", member, "apply", "spec.toml");
    assert.equal(end.code, 0, end.stderr);
  }

  /** Runs `pact` as somebody with a role, who knows one journal and where the agent is. */
  async pact(role: Role, member: number, ...args: string[]) {
    const home = `${this.directory}/people/${role}`;
    await Deno.mkdir(home, { recursive: true, mode: 0o700 });
    const [caCert, tokenPath, path] = [`${home}/ca.crt`, `${home}/token`, `${home}/cli.toml`];
    await Deno.writeTextFile(caCert, this.site.caPem);
    await Deno.writeTextFile(tokenPath, await this.site.token(ROLES[role], role), { mode: 0o600 });
    const settings = cliToml({
      endpoint: `https://${this.site.place(member).api}`,
      caCert,
      tokenPath,
      vcluster: VCLUSTER,
      agents: new Map([[NODE, this.#agentAddress]]),
    });
    await Deno.writeTextFile(path, settings);
    return await runDeno({
      module: `${repositoryRoot}cli/main.ts`,
      flags: ["--quiet", "-P=cli"],
      args,
      env: { ...neutralEnvironment(), PACT_CONFIG: path },
      clearEnv: true,
      cwd: this.directory,
      timeoutMs: COMMAND_LIMIT_MS,
    });
  }

  /** The agent itself, past the command line. */
  async shell(role: Role): Promise<Client<typeof shell.ShellService>> {
    const transport = createRpcTransport({
      endpoint: `https://${this.#agentAddress}`,
      caPem: this.site.caPem,
      serverName: NODE,
      token: await this.site.token(ROLES[role], role),
      timeoutMs: COMMAND_LIMIT_MS,
    });
    this.#owned.defer(() => transport.close());
    return createClient(shell.ShellService, transport);
  }

  /** What the journals have on record. */
  async entries(member: number): Promise<config.ConfigEntry[]> {
    using admin = await this.site.dial(member);
    return await Array.fromAsync(admin.config.listEntries({}));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

async function assertUsesTheJournal(agent: Client<typeof shell.ShellService>): Promise<void> {
  await assert.rejects(
    agent.emergencyControl({ operation: "start", reason: "not needed" }),
    (error) =>
      error instanceof ConnectError && error.code === Code.FailedPrecondition &&
      /use the journal/.test(error.rawMessage),
  );
}

/** What the agent says once its contact is gone, or where it cannot tell: neither is so here. */
const LOST_CONTACT =
  /journal not reachable|degraded authorization mode|does not say whether it has a quorum/;

for (
  const [which, chosen] of [
    ["leads no more", (site: QuorumSite) => site.leader()],
    ["never led", async (site: QuorumSite) => await site.leader() % 3 + 1],
  ] as const
) {
  Deno.test(`EMM-8, DEG-9: with contact to a journal that has lost its quorum, and ${which}, people open an emergency on the node`, async (t) => {
    const { scene, member, others, agent } = await Scene.open(chosen);
    await using _ = scene;
    const { site } = scene;
    const ops = await scene.shell("ops");
    const start = ["emergency", "start", "--node", NODE, "-r"];

    await t.step("EMM-2: with the quorum the agent says to use the journal", async () => {
      await assertUsesTheJournal(ops);
      assert.doesNotMatch(agent.stderr, LOST_CONTACT);
    });

    await Promise.all(others.map((id) => site.stop(id, "SIGKILL")));
    const lostAtMs = Date.now();

    await t.step(
      "EMM-2: one member less than before is no loss while another has the quorum",
      async () => {
        const [other = 0] = others;
        await site.start(other);
        await site.leader();
        await assertUsesTheJournal(ops);
        await site.stop(other, "SIGKILL");
      },
    );

    await t.step("DEG-4: what changed here is committed, and kept for the journal", async () => {
      await Deno.writeTextFile(scene.motd, "by hand\n");
      await waitFor(async () => (await ops.getStatus({})).configState !== "Committed", {
        what: "drift",
        timeoutMs: LIMIT_MS,
      });
      const { sequence, policyRef } = await ops.localCommit({ message: "without a quorum" });
      assert.equal(sequence, 0n);
      assert.match(policyRef, /^degraded:/);
    });

    await t.step("DEG-2, DEG-3: a whitelisted command runs, another does not", async () => {
      const run = async (command: string) => {
        const outputs = await Array.fromAsync(ops.exec({ command, args: [] }));
        return outputs.map(({ output }) => output);
      };
      assert.equal((await run("uname")).at(-1)?.case, "exitCode");
      assert.equal((await run("rm")).at(-1)?.case, "error");
    });

    await t.step("P8, DEG-9: who may not open an emergency may not here", async () => {
      const viewer = await scene.shell("viewer");
      await assert.rejects(
        viewer.emergencyControl({ operation: "start", reason: "no" }),
        (error) => error instanceof ConnectError && error.code === Code.PermissionDenied,
      );
    });

    await t.step("an operator opens it", async () => {
      const end = await scene.pact("ops", member, ...start, "pump failed");
      assert.equal(end.code, 0, `${end.stderr}\n${agent.stderr}\n${site.logs()}`);
      assert.match(end.stdout, /^Emergency mode ACTIVE on node:node-1 \(em-local-[0-9a-f]{8}\)\n/);
      assert.equal((await ops.getStatus({})).configState, "Emergency");
      assert.doesNotMatch(agent.stderr, LOST_CONTACT, "contact was there all the time");
    });

    await Promise.all(others.map((id) => site.start(id)));
    await site.leader();
    const backAtMs = Date.now();

    await t.step(
      "JRN-24, PRT-8: with the quorum back all of it is on record, in order and with its time",
      async () => {
        const wanted = [
          config.EntryType.COMMIT,
          config.EntryType.EXEC_LOG,
          config.EntryType.EXEC_LOG,
          config.EntryType.EMERGENCY_START,
        ];
        const found = await waitFor(async () => {
          const entries = (await scene.entries(member)).filter(({ author, entryType }) =>
            author?.principal === "ops" && wanted.includes(entryType)
          );
          return entries.length === wanted.length && entries;
        }, { what: () => `the entries\n${agent.stderr}\n${site.logs()}`, timeoutMs: LIMIT_MS });
        assert.deepEqual(found.map(({ entryType }) => entryType), wanted);
        for (const { timestamp, policyRef, entryType } of found) {
          const atMs = Number(timestamp?.seconds ?? 0n) * 1000;
          assert.ok(atMs + 1_000 > lostAtMs && atMs < backAtMs, "while there was no quorum");
          // What a leader took as it lost its quorum is committed once it leads again, as it allowed
          // it; the one that was kept is the same request, and takes effect no second time.
          const isTaken = entryType === config.EntryType.COMMIT;
          assert.match(policyRef, isTaken ? /^(degraded:)?rbac:/ : /^degraded:/);
        }
        assert.doesNotMatch(agent.stderr, LOST_CONTACT, "and contact was never made anew for it");
      },
    );

    await t.step("EMM-2, EMG-1: it is an emergency of the journal's, which ends it", async () => {
      await assertUsesTheJournal(ops);
      const list = await scene.pact("ops", member, "emergency", "list");
      assert.match(list.stdout, /em-\d+ +node:node-1 +ops .*pump failed/);
      const end = await scene.pact("ops", member, "emergency", "end", "--node", NODE, "--yes");
      assert.equal(end.code, 0, end.stderr);
      await waitFor(async () => (await ops.getStatus({})).configState !== "Emergency", {
        what: "the end of it on the node",
        timeoutMs: LIMIT_MS,
      });
    });
  });
}
