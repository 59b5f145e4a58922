import assert from "node:assert/strict";
import { NODE, NodeRig } from "../../../unit/agent/calls/node_rig.ts";

Deno.test("OBS-9: an undeclared file of a node drifts when it appears, and can be committed", async (t) => {
  await using rig = await NodeRig.open(undefined, { isBaselineEnabled: true });
  const hosts = `${rig.root}/etc/hosts.allow`;
  const drifted = () =>
    rig.status(({ driftItems }) =>
      driftItems?.files.some(({ path }) => path === "/etc/hosts.allow") === true
    );
  const committed = () => rig.status(({ configState }) => configState === "Committed");

  await t.step("what appears is drift, and none once it is gone", async () => {
    await Deno.writeTextFile(hosts, "sshd: ALL\n");
    assert.equal((await drifted()).configState, "Drifted");
    await Deno.remove(hosts);
    await committed();
  });

  await t.step("committed it is declared, and held against that", async () => {
    await Deno.writeTextFile(hosts, "sshd: 10.0.0.0/8\n");
    await drifted();
    await rig.pact("commit", "--node", NODE, "-m", "Let the site in");
    await committed();
    const { stateDelta } = await rig.entry(
      "the commit",
      ({ message }) => message === "Let the site in",
    );
    assert.deepEqual(stateDelta?.files.map(({ path }) => path), ["/etc/hosts.allow"]);
    await Deno.writeTextFile(hosts, "sshd: ALL\n");
    await drifted();
  });
});
