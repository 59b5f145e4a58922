import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { openSite } from "../support/site/mod.ts";
import { DECLARED, declaredNode, isAsDeclared } from "./declared_node.ts";
import { type GuestNode, type Lab, nodeTest } from "./harness/mod.ts";

const PACT = { profile: "pact" } as const;
const CACHED = "/var/lib/pact/cache/declared.bin";

/** How much longer than it takes to see that the journal stays away: an outage of ten minutes is 10. */
const OUTAGE_MINUTES = Number(Deno.env.get("PACT_OUTAGE_MINUTES") ?? 0);

/** The journal is not there from here on; its host sends no goodbye. */
async function journalGoes(lab: Lab): Promise<void> {
  await lab.site.stop("journal", "SIGKILL");
}

/** Text of the console from here on. */
async function consoleFromHere(node: GuestNode) {
  const from = (await node.machine.serialLog()).length;
  return {
    says: (pattern: RegExp, timeoutMs = 90_000) =>
      node.machine.waitForSerial(pattern, timeoutMs, from),
  };
}

nodeTest(
  "BTS-9, CR1: a node without its journal supervises on, says since when, and hands in what happened",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    const agent = await node.agent();
    const console = await consoleFromHere(node);
    await journalGoes(lab);
    await console.says(/degraded authorization mode: journal unreachable/);
    await node.killedServiceComesBack("keeper");
    assert.equal(await lab.pact("exec", "node-1", "--", "hostname"), "node-1\n");
    await lab.until(["cap", "node-1"], /degraded: journal unreachable since 20/);
    await console.says(/journal not reachable[^]*journal not reachable[^]*journal not reachable/);
    for (let minute = 1; minute <= OUTAGE_MINUTES; minute++) {
      await delay(60_000);
      assert.equal(await lab.pact("exec", "node-1", "--", "echo", `${minute}`), `${minute}\n`);
    }

    await lab.site.startJournal();
    await console.says(/journal reachable again/);
    await isAsDeclared(lab);
    const log = await lab.until(["log", "-n", "20"], /ServiceCrash keeper: killed by SIGKILL/);
    assert.match(log, /EXEC/i);
    if (OUTAGE_MINUTES > 0) assert.match(log, new RegExp(`echo ${OUTAGE_MINUTES} `));
    assert.doesNotMatch(await lab.pact("cap", "node-1"), /journal unreachable/);
    assert.equal(await node.agent(), agent);
  },
);

nodeTest(
  "NEN-4: a journal whose certificate is of another authority is not believed; the right one is, whatever its certificate",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    const etc = `${lab.site.journalRoot}/etc/pact`;
    const former = await caOf(etc);
    const console = await consoleFromHere(node);
    await journalGoes(lab);
    await using other = await openSite();
    await putCa(etc, await caOf(`${other.journalRoot}/etc/pact`));
    await lab.site.startJournal();
    await console.says(/journal not reachable.*(certificate|issuer)/);
    await lab.until(["status"], /node-1 .*not live/);
    await node.killedServiceComesBack("keeper");
    assert.equal(await node.readFile("/etc/motd"), "declared\n");

    // Each start of a journal makes it a certificate.
    await journalGoes(lab);
    await putCa(etc, former);
    await lab.site.startJournal();
    await console.says(/journal reachable again/);
    await isAsDeclared(lab);
    await lab.until(["log", "-n", "20"], /ServiceCrash keeper: killed by SIGKILL/);
  },
);

nodeTest(
  "BTS-10, PRT-9: without journal a node boots from its cache alone, from none that is damaged, and is as declared once there is one",
  PACT,
  async (lab) => {
    await lab.apply(DECLARED);
    await journalGoes(lab);
    const node = await lab.startNode("node-1", { fromPowerOn: true, withStateDisk: true });
    const [, reason = ""] = await node.machine.waitForSerial(
      /boot phase LoadIdentity failed, retry 3\/30: (.*)/,
      90_000,
    );
    assert.match(reason, /journal https:\/\/10\.0\.2\.2/);
    await lab.site.startJournal();
    await node.setClock();
    await lab.enrol(node);
    await isAsDeclared(lab);

    await journalGoes(lab);
    await node.powerCut();
    assert.match(await node.machine.serialLog(), /journal unreachable, running from cache/);
    await node.killedServiceComesBack("keeper");
    assert.equal(await node.readFile("/etc/motd"), "declared\n");

    await node.console.read(`printf x | dd of=${CACHED} bs=1 seek=200 conv=notrunc,fsync`);
    const console = await consoleFromHere(node);
    await node.machine.powerCut();
    await console.says(/cache file ignored.*checksum mismatch/);
    await console.says(/boot phase LoadIdentity failed, retry 1\/30/);
    assert.equal(await node.processOf("keeper"), undefined);
    await lab.site.startJournal();
    await isAsDeclared(lab);
    await lab.until(["log", "-n", "50"], /ServiceCrash keeper: killed by SIGKILL/);
  },
);

interface Ca {
  readonly certificate: string;
  readonly key: string;
}

async function caOf(directory: string): Promise<Ca> {
  return {
    certificate: await Deno.readTextFile(`${directory}/ca.crt`),
    key: await Deno.readTextFile(`${directory}/ca.key`),
  };
}

async function putCa(directory: string, { certificate, key }: Ca): Promise<void> {
  await Deno.writeTextFile(`${directory}/ca.crt`, certificate);
  await Deno.writeTextFile(`${directory}/ca.key`, key, { mode: 0o600 });
}
