/** Locks, set by `pact`, in a quorum of real journals with a real agent: everywhere within 5 s. */
import assert from "node:assert/strict";
import { config as api } from "../../api/mod.ts";
import { type IdentitySite, MERCURY, openIdentitySite } from "../support/identity/mod.ts";
import type { SpawnedDeno } from "../support/mod.ts";
import { waitFor, within } from "../support/mod.ts";
import { processesNaming } from "../support/site/mod.ts";

const ANN = { sub: "ann", role: "pact-platform-admin" };
const OLGA = { sub: "Olga@Example.org", role: `pact-ops-${MERCURY}` };
const OTHER = { sub: "otto", role: `pact-ops-${MERCURY}` };

/** Demand 9. */
const EVERYWHERE_WITHIN_MS = 5_000;
/** A command line takes a while to start on a busy machine. */
const COMMAND_LIMIT_MS = 30_000;

Deno.test("demand 9: a lock cuts commands, streams and new calls off everywhere within 5 s, and stays without a journal", async (test) => {
  await using site = await openIdentitySite({ size: 3 });
  using admin = await site.as(ANN);
  await admin.policy.updatePolicy({
    vclusterId: MERCURY,
    policy: { execWhitelist: ["sleep", "uname"], emergencyAllowed: true },
  });
  await site.startAgent();

  await test.step("a user: the command on the node ends, the watch at another member ends, new calls are refused", async () => {
    const command = await runLong(site, "71.25");
    const watch = await openWatch(site, OLGA, 2);
    const others = await openWatch(site, OTHER, 3);
    await locked(site, ["user", "olga@example.org", "--reason", "laptop stolen"], async () => {
      assert.match(await refusalOf(command), /user olga@example.org is locked: laptop stolen/);
      assert.equal((await watch.ended).code, 2);
    });
    await waitFor(async () => (await processesNaming("sleep 71.25")).length === 0, {
      what: "the end of the command on the node",
    });
    for (const member of [1, 2, 3]) {
      const status = await site.pact(OLGA, ["status"], member);
      assert.match(await refusalOf(status), /is locked/, `member ${member}`);
    }
    assert.match(await refusalOf(await exec(site, OLGA)), /is locked/);
    await done(await exec(site, OTHER));
    others.kill("SIGINT");
  });

  await test.step("without a journal the agent still knows, also after its restart", async () => {
    for (const id of [1, 2, 3]) await site.quorum.stop(id, "SIGKILL");
    assert.match(await refusalOf(await exec(site, OLGA)), /is locked/);
    await site.restartAgent();
    assert.match(await refusalOf(await exec(site, OLGA)), /is locked/);
    await done(await exec(site, OTHER));
    await site.quorum.startAll();
  });

  await test.step("after the release they are back, and the log says who did what and why", async () => {
    await done(await site.pact(ANN, ["unlock", "user", "OLGA@example.org", "--reason", "found"]));
    await eventually(site, OLGA);
    using again = await site.as(ANN);
    const told: string[] = [];
    for await (const { entryType, message, author } of again.config.listEntries({})) {
      const isLock = entryType === api.EntryType.LOCK_SET ||
        entryType === api.EntryType.LOCK_RELEASED;
      if (isLock) told.push(`${author?.principal}: ${message}`);
    }
    assert.deepEqual(told, [
      "ann: user olga@example.org locked: laptop stolen",
      "ann: user olga@example.org released: found",
    ]);
  });

  await test.step("a vCluster: people are cut off, platform admins are not", async () => {
    const command = await runLong(site, "72.25");
    await locked(site, ["vcluster", MERCURY, "--reason", "freeze"], async () => {
      assert.match(await refusalOf(command), /vcluster mercury is locked: freeze/);
    });
    await done(await exec(site, ANN));
    await done(await site.pact(ANN, ["unlock", "vcluster", MERCURY]));
    await eventually(site, OLGA);
  });

  await test.step("a node: its agent is refused and refuses, and comes back by itself", async () => {
    const command = await runLong(site, "73.25");
    await locked(site, ["node", "mercury-1", "--reason", "odd syscalls"], async () => {
      assert.match(await refusalOf(command), /node mercury-1 is locked: odd syscalls/);
    });
    const state = await site.pact(OLGA, ["status", "mercury-1"]);
    assert.match(await refusalOf(state), /is locked/);
    await done(await site.pact(ANN, ["unlock", "node", "mercury-1"]));
    await eventually(site, OLGA);
  });

  await test.step("a lock with an end is over then", async () => {
    const lock = ["role", `pact-ops-${MERCURY}`, "--reason", "audit", "--ttl", "8"];
    await locked(site, lock, async () => {
      assert.match(await refusalOf(await exec(site, OLGA)), /role pact-ops-mercury is locked/);
    });
    await eventually(site, OLGA);
  });
});

/** A command on the node that would take longer than the test. */
async function runLong(site: IdentitySite, seconds: string): Promise<SpawnedDeno> {
  const command = await site.pact(OLGA, ["exec", "mercury-1", "--", "sleep", seconds]);
  // The command line itself names the command too.
  await waitFor(
    async () =>
      (await processesNaming(`sleep ${seconds}`)).some(({ command }) =>
        command.startsWith("sleep")
      ),
    {
      what: `the command on the node\n${command.stderr}${site.logs()}`,
      timeoutMs: COMMAND_LIMIT_MS,
    },
  );
  return command;
}

async function openWatch(site: IdentitySite, who: typeof OLGA, member: number) {
  const watch = await site.pact(who, ["watch", "--vcluster", MERCURY], member);
  await watch.waitForOutput(/./, COMMAND_LIMIT_MS);
  return watch;
}

const exec = (site: IdentitySite, who: typeof OLGA) =>
  site.pact(who, ["exec", "mercury-1", "--", "uname"]);

/** Sets a lock; what is to come of it comes within the bound, counted from the answer. */
async function locked(
  site: IdentitySite,
  args: readonly string[],
  effect: () => Promise<void>,
): Promise<void> {
  await done(await site.pact(ANN, ["lock", ...args]));
  await within(effect(), { what: `the effect of lock ${args}`, timeoutMs: EVERYWHERE_WITHIN_MS });
}

/** What a command that is refused for a lock says. */
async function refusalOf(command: SpawnedDeno): Promise<string> {
  const { code, stdout, stderr } = await ended(command);
  assert.equal(code, 2, `${stdout}${stderr}`);
  return stderr;
}

async function done(command: SpawnedDeno): Promise<void> {
  const { code, stdout, stderr } = await ended(command);
  assert.equal(code, 0, `${stdout}${stderr}`);
}

function ended(command: SpawnedDeno) {
  return within(command.ended, { what: "the end of a command", timeoutMs: COMMAND_LIMIT_MS });
}

/** Waits until somebody may run commands on the node again. */
async function eventually(site: IdentitySite, who: typeof OLGA): Promise<void> {
  await waitFor(async () => (await ended(await exec(site, who))).code === 0, {
    what: `${who.sub} to be let in again\n${site.logs()}`,
    timeoutMs: COMMAND_LIMIT_MS,
  });
}
