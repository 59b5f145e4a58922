import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import { openSite, type Site, SITE_VCLUSTER } from "../support/site/mod.ts";

const NODE = "node-1";

/** Runs a command as ana, who may do everything; it has to succeed. */
async function pact(site: Site, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await site.pact("ana", args);
  assert.equal(code, 0, `pact ${args.join(" ")}: ${stderr}\n${site.logs()}`);
  return stdout;
}

async function inspect(site: Site): Promise<{ cert_serial: string; enrollment_state: string }> {
  return JSON.parse(await pact(site, "--output", "json", "node", "inspect", NODE));
}

const identityOf = (site: Site) => `${site.nodeRoot(NODE)}/run/pact/state/identity.bin`;

Deno.test("NEN-6, NEN-8, ENR-41: an agent keeps its key over a restart, and drops it when its node is decommissioned", async (t) => {
  await using site = await openSite();
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  await site.startJournal();
  await Deno.writeTextFile(
    `${site.directory}/rack.csv`,
    `node_id,mac,bmc_serial,vcluster\n${NODE},${
      site.hardwareId(NODE).slice("mac:".length)
    },,${SITE_VCLUSTER}\n`,
  );
  const registered = await pact(site, "enroll", "--batch", `${site.directory}/rack.csv`);
  assert.match(registered, /^node-1: Registered\n1 succeeded, 0 failed/);
  await site.startAgent(NODE);
  const { cert_serial: serial } = await inspect(site);

  await t.step(
    "the key is in a file that only the agent reads, and the certificate is on record",
    async () => {
      const { mode } = await Deno.stat(identityOf(site));
      assert.equal((mode ?? 0) & 0o777, 0o600);
      const enrolled = site.running(NODE);
      await waitFor(() => `${enrolled.stdout}${enrolled.stderr}`.includes(serial), {
        what: `serial ${serial} in the agent's log`,
      });
    },
  );

  await t.step(
    "NEN-6: a killed agent comes back at once under the certificate it had",
    async () => {
      await site.stop(NODE, "SIGKILL");
      await site.startAgent(NODE);
      assert.equal((await inspect(site)).cert_serial, serial);
      assert.doesNotMatch(site.logs(), /ALREADY_ACTIVE/);
    },
  );

  await t.step(
    "CRT-6: a decommission reaches the agent, which drops its key",
    async () => {
      const begin = performance.now();
      const answer = await pact(site, "node", "decommission", NODE, "--force", "-m", "sold");
      assert.match(answer, new RegExp(`Certificate revoked: ${serial}`));
      await waitFor(async () => {
        try {
          await Deno.stat(identityOf(site));
          return false;
        } catch (error) {
          return error instanceof Deno.errors.NotFound;
        }
      }, { what: `the key to be gone\n${site.logs()}`, timeoutMs: 20_000 });
      assert.ok(performance.now() - begin < 20_000);
      assert.equal((await inspect(site)).enrollment_state, "Revoked");
      assert.match(site.logs(), /enrollment rejected: NODE_REVOKED/);
    },
  );
});

Deno.test("ENR-40, ENR-42: a node on which somebody runs a command is not decommissioned without --force, which ends the command", async () => {
  await using site = await openSite();
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  await site.startJournal();
  await pact(site, "enroll", NODE, "--hardware-id", site.hardwareId(NODE), "--vcluster", "demo");
  await site.startAgent(NODE);
  const running = site.pact("ana", ["exec", NODE, "--", "sleep", "60"], 60_000);
  await waitFor(async () => {
    const found = JSON.parse(await pact(site, "--output", "json", "node", "inspect", NODE));
    return found.active_sessions === 1;
  }, { what: `the command to be counted\n${site.logs()}`, timeoutMs: 15_000 });

  const refused = await site.pact("ana", ["node", "decommission", NODE]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /1 active session\(s\) on this node — use --force to terminate/);

  const forced = await pact(site, "node", "decommission", NODE, "--force");
  assert.match(forced, /Sessions terminated: 1/);
  const end = await running;
  assert.notEqual(end.code, 0, "the command did not run to its end");
});
