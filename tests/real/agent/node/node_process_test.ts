import assert from "node:assert/strict";
import { DEVELOPMENT_LIBRARY } from "../../../../ffi/mod.ts";
import { repositoryRoot, spawnDeno, type SpawnedDeno, waitFor } from "../../../support/mod.ts";
import { parseReadinessLine, parseReadyMarker } from "../../../../contracts/mod.ts";
import { NODE, NodeRig } from "../../../unit/agent/calls/node_rig.ts";

const WAIT_MS = 20_000;
/** A node that has been registered, and has never started. */
const OTHER = "node-2";

async function pidOf(rig: NodeRig, service: string): Promise<number> {
  const client = await rig.shell();
  const { services } = await client.serviceControl({ service, operation: "status" });
  return services[0]?.pid ?? 0;
}

/** Whether a process runs; one that has ended and that nobody has waited for does not. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  const state = stat.slice(stat.lastIndexOf(")") + 2)[0];
  return state !== undefined && state !== "Z";
}

/** Starts a node's agent without waiting for it to be ready. */
function startUnready({ site }: NodeRig, node = NODE): SpawnedDeno {
  const root = site.nodeRoot(node);
  return spawnDeno(site.programOptions("agent", root, [
    `--config=${root}/etc/pact/agent.toml`,
    "--profile=rootless",
    `--root=${root}`,
    `--shim=${repositoryRoot}${DEVELOPMENT_LIBRARY}`,
  ]));
}

/** Gives another node the configuration of the first one. */
async function copyConfiguration({ site }: NodeRig, node: string): Promise<void> {
  const from = `${site.nodeRoot(NODE)}/etc/pact`;
  const to = `${site.nodeRoot(node)}/etc/pact`;
  await Deno.mkdir(to, { recursive: true });
  for (const name of ["ca.crt", "token_secret"]) {
    await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
  const toml = await Deno.readTextFile(`${from}/agent.toml`);
  await Deno.writeTextFile(
    `${to}/agent.toml`,
    toml.replaceAll(NODE, node).replace(site.hardwareId(NODE), site.hardwareId(node))
      .replace(/listen = "[^"]*"/, 'listen = "127.0.0.1:0"'),
  );
}

const markerOf = (rig: NodeRig) => `${rig.root}/run/pact/ready`;
const motdOf = (rig: NodeRig) => `${rig.root}/etc/motd`;
const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test("the agent as a process", async (t) => {
  await using rig = await NodeRig.open();
  const { site } = rig;

  await t.step(
    "BTS-1: services start in their own phase, after what else is declared was applied",
    async () => {
      const words = ["PullOverlay: ", "service.start", "StartServices: "];
      const places = await waitFor(async () => {
        const audit = await Deno.readTextFile(`${rig.root}/run/pact/state/audit.log`);
        const found = words.map((word) => audit.indexOf(word));
        return found.includes(-1) ? undefined : found;
      }, { what: `${words} in the audit log` });
      assert.deepEqual(places, places.toSorted((a, b) => a - b));
    },
  );

  await t.step("AGT-6: SIGHUP changes nothing and says so", async () => {
    const program = site.running(NODE);
    Deno.kill(program.pid, "SIGHUP");
    await program.waitForOutput(/SIGHUP has no effect/);
    assert.equal((await (await rig.shell()).getStatus({})).nodeId, NODE);
  });

  await t.step("RDY-2, RDY-5: marker and socket say that the node is ready", async () => {
    const marker = await Deno.readTextFile(markerOf(rig));
    assert.equal(parseReadyMarker(marker)?.nodeId, NODE);
    using asked = await Deno.connect({
      transport: "unix",
      path: `${rig.root}/run/pact/ready.sock`,
    });
    const answer = parseReadinessLine((await new Response(asked.readable).text()).trimEnd());
    assert.equal(answer.name === "Ready" && answer.nodeId, NODE);
  });

  await t.step("INI-32: SIGUSR2 keeps services, and the next agent adopts them", async () => {
    const before = await pidOf(rig, "talker");
    assert.equal((await site.stop(NODE, "SIGUSR2")).code, 0);
    assert.ok(await isAlive(before));
    assert.ok(await exists(markerOf(rig)), "RDY-4: the marker stays");
    await rig.startAgent();
    assert.equal(await pidOf(rig, "talker"), before);
  });

  await t.step("NEN-6: an agent that starts again uses the certificate it had", async () => {
    assert.doesNotMatch(site.running(NODE).stderr, /enrolled/);
    const path = `${rig.root}/run/pact/state/identity.bin`;
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  });

  await t.step(
    "SHD-1: SIGTERM stops services in reverse order, and the journal hears of each",
    async () => {
      const pids = [await pidOf(rig, "base"), await pidOf(rig, "talker")];
      const { code, stderr } = await site.stop(NODE);
      assert.equal(code, 0, stderr);
      assert.deepEqual(await Promise.all(pids.map(isAlive)), [false, false]);
      assert.equal(await exists(markerOf(rig)), false, "RDY-2: the marker goes");
      const talker = await rig.entry(
        "the end of talker",
        ({ message }) => message.startsWith("ServiceStop talker"),
      );
      const base = await rig.entry(
        "the end of base",
        ({ message }) => message.startsWith("ServiceStop base"),
      );
      assert.ok(talker.sequence < base.sequence, "dependents first");
      assert.doesNotMatch(talker.policyRef, /^degraded/);
    },
  );

  await t.step(
    "BTS-9: with the journal down, services and the shell run from what was kept",
    async () => {
      await rig.pact(
        "enroll",
        OTHER,
        "--hardware-id",
        site.hardwareId(OTHER),
        "--vcluster",
        "demo",
      );
      await site.stop("journal", "SIGKILL");
      await rig.startAgent();
      assert.match(site.running(NODE).stderr, /running from cache/);
      const status = await rig.status(({ unavailable }) =>
        unavailable.some((text) => text.startsWith("degraded: journal unreachable since"))
      );
      assert.equal(status.supervisor?.servicesDeclared, 2);
      await waitFor(async () => await pidOf(rig, "talker") > 0, {
        what: "talker",
        timeoutMs: WAIT_MS,
      });
      await site.stop(NODE);
    },
  );

  await t.step(
    "BTS-10: with nothing kept it waits, says so, and goes on when the journal is back",
    async () => {
      const motd = `${site.nodeRoot(OTHER)}/etc/motd`;
      await copyConfiguration(rig, OTHER);
      await using program = startUnready(rig, OTHER);
      await program.waitForOutput(/journal unreachable and nothing cached, waiting/, WAIT_MS);
      assert.doesNotMatch(program.stderr, /agent ready/);
      assert.ok(!await exists(motd));
      await site.startJournal();
      await program.waitForOutput(/agent ready/, WAIT_MS);
      assert.equal(await Deno.readTextFile(motd), "declared\n");
      program.kill("SIGTERM");
      assert.equal((await program.ended).code, 0);
    },
  );

  await t.step(
    "BTS-9, NEN-7: a node that was revoked uses nothing it kept, and forgets it",
    async () => {
      const enrollments = await rig.enrollments();
      await enrollments.decommissionNode({ nodeId: NODE, force: true });
      await Deno.remove(motdOf(rig));
      await using program = startUnready(rig);
      await program.waitForOutput(/this node was revoked/, WAIT_MS);
      const kept = ["run/pact/state/identity.bin", "var/lib/pact/cache/declared.bin"];
      await waitFor(async () => {
        const there = await Promise.all(kept.map((name) => exists(`${rig.root}/${name}`)));
        return there.every((is) => !is);
      }, { what: "both files to be gone" });
      assert.doesNotMatch(program.stderr, /agent ready|running from cache/);
      assert.ok(!await exists(motdOf(rig)));
      program.kill("SIGTERM");
      assert.equal((await program.ended).code, 0);
    },
  );
});

Deno.test("AGT-3: a socket that is taken ends the agent with status 2 and leaves services alone", async () => {
  await using rig = await NodeRig.open();
  const before = await pidOf(rig, "talker");
  await rig.site.stop(NODE, "SIGKILL");
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const path = `${rig.root}/etc/pact/agent.toml`;
  const toml = await Deno.readTextFile(path);
  const listen = `listen = "127.0.0.1:${taken.addr.port}"`;
  await Deno.writeTextFile(path, toml.replace(/listen = "[^"]*"/, listen));
  await using program = startUnready(rig);
  const { code, stderr } = await program.ended;
  assert.equal(code, 2, stderr);
  assert.match(stderr, /the port is in use/);
  assert.ok(await isAlive(before));
});
