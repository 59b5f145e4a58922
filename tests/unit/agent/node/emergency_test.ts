import assert from "node:assert/strict";
import { config } from "../../../../api/mod.ts";
import { refusalOf } from "../../../support/journal/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { NODE, NodeRig } from "../calls/node_rig.ts";

Deno.test("ISO-8, EMM-1: workload is out of reach but for people in an open emergency", async (t) => {
  await using rig = await NodeRig.open();
  const admin = await rig.shell({ name: "ann", role: "pact-platform-admin" });
  const freeze = { service: "workload.slice", operation: "freeze" };
  const unmount = { service: "uenv:pytorch-2.5.sqfs", operation: "force_unmount" };
  const audited = () => Deno.readTextFile(`${rig.root}/run/pact/state/audit.log`);

  await t.step("without an emergency everybody is refused", async () => {
    for (const request of [freeze, unmount]) {
      const refused = await refusalOf(admin.serviceControl(request));
      assert.equal(refused.code, "PERMISSION_DENIED");
      assert.equal(refused.message, `emergency mode required for ${request.service}`);
    }
    assert.doesNotMatch(await audited(), /emergency\.freeze/);
  });

  await t.step("EMM-1: an emergency that is opened at the journal reaches the node", async () => {
    await rig.append({
      entryType: config.EntryType.EMERGENCY_START,
      scope: { scope: { case: "nodeId", value: NODE } },
      emergencyReason: "runaway job",
    });
    await rig.status((status) => status.configState === "Emergency");
  });

  await t.step("it takes a person who may, and a known operation", async () => {
    const viewer = await rig.shell({ name: "vic", role: "pact-viewer-demo" });
    assert.equal((await refusalOf(viewer.serviceControl(freeze))).code, "PERMISSION_DENIED");
    const machine = await rig.shell({ name: "bot", role: "pact-service-ai" });
    assert.equal((await refusalOf(machine.serviceControl(freeze))).code, "PERMISSION_DENIED");
    const odd = await refusalOf(admin.serviceControl({ ...freeze, operation: "restart" }));
    assert.equal(odd.code, "INVALID_ARGUMENT");
  });

  await t.step(
    "AS-6: what is tried is on the record by name, even where it then fails",
    async () => {
      const refused = await refusalOf(admin.serviceControl(freeze));
      assert.equal(refused.code, "PRECONDITION");
      assert.match(refused.message, /cgroup path not found/);
      const line = (await audited()).split("\n").find((line) => line.includes("emergency.freeze"));
      assert.match(line ?? "", /"identity":"ann"/);
      assert.match(line ?? "", /freeze workload\.slice in emergency em-[0-9]+: runaway job/);

      const notMounted = await refusalOf(admin.serviceControl(unmount));
      assert.equal(notMounted.code, "PRECONDITION");
      const asked = (await audited()).split("\n")
        .find((line) => line.includes("mount.force_unmount"));
      assert.match(asked ?? "", /"identity":"ann"/);
      assert.match(asked ?? "", /unmount pytorch-2\.5\.sqfs in emergency em-[0-9]+: runaway job/);
    },
  );

  await t.step("EMG-3: with its end the node is as before", async () => {
    await rig.append({
      entryType: config.EntryType.EMERGENCY_END,
      scope: { scope: { case: "nodeId", value: NODE } },
    });
    await waitFor(async () => {
      const { message } = await refusalOf(admin.serviceControl(freeze));
      return message === "emergency mode required for workload.slice";
    }, { what: "the end of the emergency" });
  });
});
