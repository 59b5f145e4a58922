import assert from "node:assert/strict";
import { maySysAdmin, spawnDeno, waitFor } from "../support/mod.ts";
import {
  agentArguments,
  type AgentTuning,
  answerOf,
  answerUntil,
  openSite,
  type Site,
  SITE_VARIABLE,
} from "../support/site/mod.ts";

const WITH_SHORT_WINDOW: AgentTuning = { baseWindowSeconds: 60, driftSensitivity: 200 };
/** Long enough for somebody to look, or to do something, before it ends. */
const WITH_A_WINDOW_TO_SEE: AgentTuning = { ...WITH_SHORT_WINDOW, driftSensitivity: 20 };
const CONVERGE_MS = 20_000;

/** A site with one node of vCluster `demo`, which is rolled back after `windowSeconds`. */
async function siteWithNode(tuning: AgentTuning): Promise<Site> {
  const site = await openSite();
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  await site.addPerson({ name: "ben", role: "pact-ops-demo" });
  await site.startJournal();
  await pact(site, "enroll", "node-1", "--hardware-id", site.hardwareId("node-1"));
  await pact(site, "node", "assign", "node-1", "--vcluster", "demo");
  await Deno.writeTextFile(
    `${site.directory}/spec.toml`,
    `[vcluster.demo.files]
"/etc/motd" = { content = "declared\\n", mode = "0644" }
[vcluster.demo.services.keeper]
binary = "/bin/sleep"
args = ["86400"]
env = { ${SITE_VARIABLE} = ${JSON.stringify(site.directory)} }
restart_delay_seconds = 1
[vcluster.demo.policy]
enforcement_mode = "enforce"
base_commit_window_seconds = 60
drift_sensitivity = ${tuning.driftSensitivity ?? 2}
`,
  );
  await pact(site, "apply", "spec.toml");
  await site.startAgent("node-1", tuning);
  await until(site, ["status"], /node-1 .*COMMITTED .*1\/1/);
  return site;
}

/** Runs a command as ana; it has to succeed. */
const pact = (site: Site, ...args: string[]) => answerOf(site, "ana", args);

/** Asks until the answer is as wanted. */
const until = (site: Site, args: string[], wanted: RegExp) =>
  answerUntil(site, "ana", args, { wanted, timeoutMs: CONVERGE_MS });

async function serviceOf(site: Site) {
  const answer = JSON.parse(
    await pact(site, "service", "status", "keeper", "--node", "node-1", "--output", "json"),
  );
  const { pid, state, restart_count } = answer.services[0];
  return { pid: Number(pid), state: String(state), restarts: Number(restart_count) };
}

const motd = (site: Site) => Deno.readTextFile(`${site.nodeRoot("node-1")}/etc/motd`);

Deno.test("demand 7: drift that nobody commits is rolled back when its window ends, and the log says so", async () => {
  await using site = await siteWithNode(WITH_A_WINDOW_TO_SEE);
  await Deno.writeTextFile(`${site.nodeRoot("node-1")}/etc/motd`, "by hand\n");
  await until(site, ["status"], /node-1 .*DRIFTED .*window/);
  await until(site, ["status"], /node-1 .*COMMITTED/);
  assert.equal(await motd(site), "declared\n");
  await until(site, ["log"], /ROLLBACK +node:node-1 .*commit window expired/);
  // Who did it (OBS-11): the process of this test, where the agent may know.
  const who = maySysAdmin() ? ` by deno \\(pid ${Deno.pid}, uid 0` : "";
  await until(site, ["log"], new RegExp(`drift: files:/etc/motd${who}`));
});

Deno.test("demand 7: drift that is committed in time stays, through a restart of the agent too", async () => {
  await using site = await siteWithNode(WITH_A_WINDOW_TO_SEE);
  await Deno.writeTextFile(`${site.nodeRoot("node-1")}/etc/motd`, "by hand\n");
  await until(site, ["status"], /node-1 .*DRIFTED/);
  await pact(site, "commit", "--node", "node-1", "-m", "meant");
  await site.stop("node-1");
  await site.startAgent("node-1", WITH_SHORT_WINDOW);
  await until(site, ["status"], /node-1 .*COMMITTED .*1\/1/);
  assert.equal(await motd(site), "by hand\n");
});

Deno.test("demand 7: kill -9 of the agent leaves its services running, and the next agent adopts them", async () => {
  await using site = await siteWithNode(WITH_SHORT_WINDOW);
  const before = await serviceOf(site);
  assert.equal(before.state, "Running");
  await site.stop("node-1", "SIGKILL");
  Deno.kill(before.pid, "SIGCONT"); // Throws when the service went with the agent.
  await site.startAgent("node-1", WITH_SHORT_WINDOW);
  await until(site, ["service", "status", "keeper", "--node", "node-1"], /Running/);
  assert.deepEqual(await serviceOf(site), before);

  Deno.kill(before.pid, "SIGKILL");
  await until(site, ["service", "status", "keeper", "--node", "node-1"], /Running +\d+ +\S+ +1\b/);
});

Deno.test("demand 7, SHD-3: SIGTERM of the agent ends its services", async () => {
  await using site = await siteWithNode(WITH_SHORT_WINDOW);
  const { pid } = await serviceOf(site);
  const { code, stderr } = await site.stop("node-1");
  assert.equal(code, 0, stderr);
  assert.throws(() => Deno.kill(pid, "SIGCONT"), Deno.errors.NotFound);
});

Deno.test("demand 7: without the journal a node goes on: exec, drift and rollback work and are replayed on its return", async () => {
  await using site = await siteWithNode(WITH_SHORT_WINDOW);
  await site.stop("journal", "SIGKILL");
  const exec = await site.pact("ben", ["exec", "node-1", "--", "uname", "-s"]);
  assert.equal(exec.code, 0, exec.stderr);
  assert.equal(exec.stdout, "Linux\n");
  await Deno.writeTextFile(`${site.nodeRoot("node-1")}/etc/motd`, "by hand\n");
  await waitFor(async () => await motd(site) === "declared\n", {
    timeoutMs: CONVERGE_MS,
    what: "the rollback",
  });
  await site.startJournal();
  const log = await until(site, ["log", "-n", "50"], /EXEC +node:node-1 +by ben.*uname/);
  assert.equal(log.match(/EXEC /g)?.length, 1, "the entry was replayed once");
  await until(site, ["log"], /ROLLBACK +node:node-1/);
});

Deno.test("demand 7: a node starts from its cache while the journal is down, and says so", async () => {
  await using site = await siteWithNode(WITH_SHORT_WINDOW);
  await site.stop("node-1");
  await site.stop("journal");
  await Deno.remove(`${site.nodeRoot("node-1")}/etc/motd`);
  await site.startAgent("node-1", WITH_SHORT_WINDOW);
  await waitFor(async () => await motd(site) === "declared\n", {
    timeoutMs: CONVERGE_MS,
    what: "the declared file",
  });
  assert.match(site.running("node-1").stderr, /cache/);
  const exec = await site.pact("ben", ["exec", "node-1", "--", "uname", "-s"]);
  assert.equal(exec.code, 0, `NEN-6: the certificate of before serves: ${exec.stderr}`);
  await site.startJournal();
  await until(site, ["status"], /node-1 .*COMMITTED .*1\/1/);
});

Deno.test("SHS-8: a node whose boot fails can be called by platform admins: no journal, and no cache", async () => {
  await using site = await siteWithNode(WITH_SHORT_WINDOW);
  await site.stop("node-1");
  // Once more, for the configuration to name the address that it got.
  await site.startAgent("node-1", WITH_SHORT_WINDOW);
  await site.stop("node-1");
  await site.stop("journal");
  const root = site.nodeRoot("node-1");
  await Deno.remove(`${root}/var/lib/pact/cache/declared.bin`);
  await using agent = spawnDeno(site.programOptions("agent", root, agentArguments(root)));
  const exec = (person: string) => site.pact(person, ["exec", "node-1", "--", "uname", "-s"]);
  await waitFor(async () => (await exec("ana")).code === 0, {
    timeoutMs: CONVERGE_MS,
    what: "an answer of the node that failed to boot",
  });
  assert.match(agent.stderr, /boot phase PullOverlay failed/);
  assert.match((await exec("ben")).stderr, /BootFailed: platform admins only/);
});
