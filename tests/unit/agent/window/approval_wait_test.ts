import assert from "node:assert/strict";
import { declare, file, Node } from "./convergence_scene.ts";

const MOTD = "/etc/motd";
const HOUR_SECONDS = 3600;

/** A node with one managed file, edited `seconds` ago, whose commit waits for a second person. */
async function waiting(seconds: number): Promise<Node> {
  const it = await Node.create();
  await it.convergence.setDeclared(declare({ sequence: 5n, files: [file(MOTD, "hello\n")] }));
  await it.edit(MOTD, "meant\n");
  await it.pass(seconds);
  const { id } = await it.convergence.prepareCommit();
  it.convergence.abortCommit(id);
  await it.convergence.approvalPending(2 * HOUR_SECONDS * 1000);
  return it;
}

for (const [when, seconds] of [["whose window is open", 60], ["made a moment ago", 1]] as const) {
  Deno.test(`WIN-8: a change ${when} is not rolled back while a second person is waited for`, async () => {
    await using it = await waiting(seconds);
    await it.pass(HOUR_SECONDS);
    assert.equal(await it.read(MOTD), "meant\n");
    assert.equal(it.convergence.status().remainingSeconds, undefined);
    assert.deepEqual(it.find("windowOpened").length, 1);
    await it.convergence.approvalDecided();
    const { remainingSeconds = 0 } = it.convergence.status();
    assert.ok(remainingSeconds > 600, `${remainingSeconds} s are left`);
    await it.pass(900);
    assert.equal(await it.read(MOTD), "hello\n");
  });
}
