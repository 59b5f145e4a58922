/**
 * An emergency that people open on a node while no journal can be reached, with real programs from
 * end to end (EMM-8, DEG-9).
 */
import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import { answerOf, answerUntil, openSite, type Site, SITE_VARIABLE } from "../support/site/mod.ts";

const NODE = "node-1";
const LIMIT_MS = 60_000;

/** A site with a node of vCluster `demo`, an admin, who operates it, and who only looks. */
async function siteWithNode(): Promise<Site> {
  const site = await openSite();
  try {
    await site.addPerson({ name: "ana", role: "pact-platform-admin" });
    await site.addPerson({ name: "ben", role: "pact-ops-demo" });
    await site.addPerson({ name: "vic", role: "pact-viewer-demo" });
    await site.addPerson({ name: "bot", role: "pact-service-ai" });
    await site.startJournal();
    await pact(site, "ana", "enroll", NODE, "--hardware-id", site.hardwareId(NODE));
    await pact(site, "ana", "node", "assign", NODE, "--vcluster", "demo");
    await Deno.writeTextFile(
      `${site.directory}/spec.toml`,
      `[vcluster.demo.files]
"/etc/motd" = { content = "declared\\n", mode = "0644" }
[vcluster.demo.services.keeper]
binary = "/bin/sleep"
args = ["86400"]
env = { ${SITE_VARIABLE} = ${JSON.stringify(site.directory)} }
[vcluster.demo.policy]
enforcement_mode = "enforce"
base_commit_window_seconds = 60
drift_sensitivity = 200
`,
    );
    await pact(site, "ana", "apply", "spec.toml");
    await site.startAgent(NODE);
    await until(site, ["status"], /node-1 .*COMMITTED/);
    return site;
  } catch (error) {
    const logs = site.logs();
    await site[Symbol.asyncDispose]();
    throw new Error(`${error}\n${logs}`);
  }
}

/** Runs a command that has to succeed. */
const pact = (site: Site, name: string, ...args: string[]) => answerOf(site, name, args);

/** Asks as ana until the answer is as wanted. */
const until = (site: Site, args: string[], wanted: RegExp) =>
  answerUntil(site, "ana", args, { wanted, timeoutMs: LIMIT_MS });

/** Opens an emergency of the node, once it has noticed that the journal is away. */
async function startAlone(site: Site, name: string, reason: string): Promise<string> {
  return await waitFor(async () => {
    const end = await site.pact(name, ["emergency", "start", "--node", NODE, "-r", reason]);
    if (end.code === 5 && /is in contact with one/.test(end.stderr)) return false;
    assert.equal(end.code, 0, `${end.stderr}\n${site.logs()}`);
    return end.stdout;
  }, { timeoutMs: LIMIT_MS, what: "a node that is alone" });
}

async function open(site: Site) {
  const { emergencies } = JSON.parse(
    await pact(site, "ana", "emergency", "list", "--output", "json"),
  );
  return emergencies as { id: string; principal: string; reason: string; started_at: string }[];
}

const audited = (site: Site) =>
  Deno.readTextFile(`${site.nodeRoot(NODE)}/run/pact/state/audit.log`);

Deno.test("EMM-8, DEG-9: without a journal people open and end an emergency on the node, which tells the journal later", async (t) => {
  await using site = await siteWithNode();
  const motd = `${site.nodeRoot(NODE)}/etc/motd`;
  await site.stop("journal");

  await t.step("an operator opens it, and is told that the node alone knows of it", async () => {
    const stdout = await startAlone(site, "ben", "pump failed");
    assert.match(stdout, /^Emergency mode ACTIVE on node:node-1 \(em-local-[0-9a-f]{8}\)\n/);
    assert.match(stdout, /Opened on the node alone: no journal can be reached\.\n/);
    assert.match(stdout, /Extended commit window: 240 minutes\n/);
    const line = (await audited(site)).split("\n")
      .find((line) => line.includes('"admin.emergency_start"'));
    assert.match(line ?? "", /"identity":"ben"/);
    assert.match(line ?? "", /opened on the node alone: pump failed/);
  });

  await t.step("A2: there is one, and a second names whose it is", async () => {
    const again = await site.pact("ana", ["emergency", "start", "--node", NODE, "-r", "me too"]);
    assert.equal(again.code, 4, again.stderr);
    assert.match(again.stderr, /Emergency already active: em-local-[0-9a-f]{8} of ben/);
  });

  await t.step("P8, DEG-9: who may not open one at the journal may not here", async () => {
    for (const name of ["vic", "bot"]) {
      for (const operation of [["start", "-r", "no"], ["end", "--force", "--yes"]]) {
        const refused = await site.pact(name, ["emergency", ...operation, "--node", NODE]);
        assert.equal(refused.code, 2, `${name}: ${refused.stderr}`);
      }
    }
  });

  await t.step("CLI-100: the emergency of a vCluster takes the journal", async () => {
    const refused = await site.pact("ana", ["emergency", "start", "-r", "everywhere"]);
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /with --node NODE the node itself/);
  });

  await t.step("EMM-1, EMM-9: it holds through a restart, and nothing is rolled back", async () => {
    await Deno.writeTextFile(motd, "by hand\n");
    await site.stop(NODE);
    await site.startAgent(NODE);
    const again = await site.pact("ana", ["emergency", "start", "--node", NODE, "-r", "me too"]);
    assert.equal(again.code, 4, `${again.stderr}\n${site.logs()}`);
  });

  const restartedAtMs = Date.now();
  await site.startJournal();
  await t.step("JRN-24: the journal has it with its time and its author", async () => {
    await until(site, ["emergency", "list"], /em-\d+ +node:node-1 +ben .*pump failed/);
    const [session] = await open(site);
    assert.ok(Date.parse(session?.started_at ?? "") < restartedAtMs, session?.started_at);
    await until(site, ["log", "-n", "50"], /EMERGENCY_ON +node:node-1 +by ben .*pump failed/);
    await until(site, ["status"], /node-1 .*EMERGENCY/);
    assert.equal(await Deno.readTextFile(motd), "by hand\n");
  });

  await t.step("EMM-8: what is open at the journal is ended on the node alone, too", async () => {
    await site.stop("journal");
    const end = ["emergency", "end", "--node", NODE];
    const others = await waitFor(async () => {
      const ended = await site.pact("ana", [...end, "--yes"]);
      return ended.code === 5 ? false : ended;
    }, { timeoutMs: LIMIT_MS, what: "a node that is alone" });
    assert.equal(others.code, 4, others.stderr);
    assert.match(others.stderr, /the emergency on node:node-1 was opened by ben/);
    const undecided = await site.pact("ben", end);
    assert.equal(undecided.code, 1, undecided.stderr);
    assert.match(undecided.stderr, /Changes on node-1 are neither committed nor rolled back/);
    const kept = await pact(site, "ben", ...end, "--commit", "-m", "keep it");
    assert.match(kept, /^Emergency mode ENDED on node:node-1\nEnded on the node alone/);
    await site.startJournal();
    await until(site, ["log", "-n", "50"], /EMERGENCY_OFF +node:node-1 +by ben/);
    await until(site, ["status"], /node-1 .*COMMITTED/);
    assert.deepEqual(await open(site), []);
    assert.equal(await Deno.readTextFile(motd), "by hand\n");
  });
});

Deno.test("EMM-8: of an emergency at the journal and one on the node that was alone the older holds", async (t) => {
  await using site = await siteWithNode();

  await t.step("the node's is older: the journal's becomes a comment on it", async () => {
    await site.stop("journal");
    await startAlone(site, "ben", "pump failed");
    await site.stop(NODE, "SIGKILL");
    await site.startJournal();
    await pact(site, "ana", "emergency", "start", "--node", NODE, "-r", "smoke");
    await site.startAgent(NODE);
    await until(site, ["emergency", "list"], /em-\d+ +node:node-1 +ben .*pump failed/);
    assert.equal((await open(site)).length, 1);
    await until(site, ["log", "-n", "50"], /MERGE_CONFLICT .*of ana since .* merged into em-\d+/);
    await pact(site, "ben", "emergency", "end", "--node", NODE, "--yes");
    await until(site, ["status"], /node-1 .*COMMITTED/);
  });

  await t.step("the journal's is older: the node's becomes a comment on it", async () => {
    await site.stop(NODE);
    await pact(site, "ana", "emergency", "start", "--node", NODE, "-r", "smoke");
    const [held] = await open(site);
    await site.stop("journal");
    await site.startAgent(NODE);
    await startAlone(site, "ben", "pump failed");
    await site.startJournal();
    const log = await until(site, ["log", "-n", "50"], /opened on the node alone, merged into/);
    assert.match(log, new RegExp(`MERGE_CONFLICT +node:node-1 +by ben .*${held?.id} of ana`));
    assert.deepEqual(await open(site), [held]);
    await site.stop("journal");
    // The node goes by the one that holds, whose opener it knows.
    const again = await waitFor(async () => {
      const end = await site.pact("ben", ["emergency", "start", "--node", NODE, "-r", "again"]);
      return end.code === 5 ? false : end;
    }, { timeoutMs: LIMIT_MS, what: "a node that is alone" });
    assert.equal(again.code, 4, again.stderr);
    assert.match(again.stderr, new RegExp(`already active: ${held?.id} of ana`));
  });
});

Deno.test("EMM-8, PRT-8: an emergency that the journal's policy forbids by now is over on the node, and that is on record", async () => {
  await using site = await siteWithNode();
  await site.stop("journal");
  await startAlone(site, "ben", "pump failed");
  await site.stop(NODE, "SIGKILL");
  await site.startJournal();
  await Deno.writeTextFile(
    `${site.directory}/policy.toml`,
    'enforcement_mode = "enforce"\nemergency_allowed = false\n',
  );
  await pact(site, "ana", "group", "set-policy", "demo", "policy.toml");
  await site.startAgent(NODE);
  await waitFor(
    async () => /replay rejected: .*emergency mode disabled/.test(await audited(site)),
    {
      timeoutMs: LIMIT_MS,
      what: "the refusal on the node's record",
    },
  );
  await until(site, ["status"], /node-1 .*(COMMITTED|DRIFTED|CONVERGING)/);
  assert.deepEqual(await open(site), []);
  const ended = await site.pact("ben", ["emergency", "end", "--node", NODE, "--yes"]);
  assert.notEqual(ended.code, 0, ended.stdout);
});
