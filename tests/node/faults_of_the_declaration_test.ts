import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { waitFor } from "../support/mod.ts";
import { DECLARED, declaredNode, isAsDeclared } from "./declared_node.ts";
import { type Lab, nodeTest } from "./harness/mod.ts";

const PACT = { profile: "pact" } as const;

const CYCLE = `
[vcluster.demo.services.egg]
binary = "/usr/bin/sleep"
args = ["86400"]
depends_on = ["hen"]
[vcluster.demo.services.hen]
binary = "/usr/bin/sleep"
args = ["86400"]
depends_on = ["egg"]
`;

const MISSING = `
[vcluster.demo.services.missing]
binary = "/usr/bin/no-such-program"
`;

const WITHOUT_THEM = `
[vcluster.demo.services]
remove = ["missing"]
`;

nodeTest(
  "SVC-1, CTX-2, SUP-20: a cycle is refused where it is declared, a missing binary is named; neither touches anything else",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    const keeper = await node.processOf("keeper");

    await assert.rejects(lab.apply(DECLARED + CYCLE), /dependency cycle: egg -> hen -> egg/);
    await isAsDeclared(lab);

    await lab.apply(DECLARED + MISSING);
    await lab.until(
      ["service", "status", "missing", "--node", "node-1"],
      /missing +(FAILED|Restarting)/,
    );
    await lab.until(["status"], /node-1 .*1\/2/);
    await node.machine.waitForSerial(
      /service missing: start_failed \(exec \/usr\/bin\/no-such-program: No such file/,
      10_000,
    );
    assert.equal(await node.processOf("keeper"), keeper);

    await lab.apply(DECLARED + WITHOUT_THEM);
    await isAsDeclared(lab);
    assert.doesNotMatch(await lab.pact("status", "node-1"), /not applied/);
    assert.equal(await node.processOf("keeper"), keeper);
  },
);

nodeTest(
  "BTS-8: an overlay that is not what its checksum says is not used; the node goes on with the one it has",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    const keeper = await node.processOf("keeper");
    await lab.site.stop("journal");
    damageOverlays(lab);
    await lab.site.startJournal();
    const from = (await node.machine.serialLog()).length;
    // The next agent has no overlay in its memory: it asks for the whole of it.
    await node.console.read(`kill -9 ${await node.agent()}`);
    await node.machine.waitForSerial(/overlay checksum mismatch/, 60_000, from);
    await node.machine.waitForSerial(/agent ready/, 60_000, from);
    assert.equal(await node.readFile("/etc/motd"), "declared\n");
    assert.equal(await node.processOf("keeper"), keeper);
    assert.equal(await lab.pact("exec", "node-1", "--", "hostname"), "node-1\n");

    await lab.apply(DECLARED.replace("declared\\n", "whole\\n"));
    await waitFor(async () => await node.readFile("/etc/motd") === "whole\n", {
      what: "the next overlay to be in effect",
      timeoutMs: 90_000,
    });
    await isAsDeclared(lab);
    assert.equal(await node.processOf("keeper"), keeper);
  },
);

/** Changes what a journal that does not run has stored, behind its back. */
function damageOverlays(lab: Lab): void {
  using database = new DatabaseSync(`${lab.site.journalDataDirectory}/state.db`);
  const { changes } = database.prepare(
    "UPDATE documents SET json = replace(json, '86400', '86401') WHERE collection = 'overlays'",
  ).run();
  assert.equal(Number(changes), 1);
}
