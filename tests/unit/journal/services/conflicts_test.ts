import assert from "node:assert/strict";
import { config } from "../../../../api/mod.ts";
import { openJournalSite, refusalOf } from "../../../support/journal/mod.ts";

const { EntryType, DeltaAction } = config;
const kernel = (declaredValue: string) => ({
  kernel: [{ key: "vm.swappiness", declaredValue, action: DeltaAction.MODIFY }],
});
const ml = { scope: { case: "vclusterId", value: "ml" } } as const;
const onN1 = { scope: { case: "nodeId", value: "n1" } } as const;

Deno.test("CON-3, CR2: an agent that was cut off finds its conflicts listed, and an administrator decides them", async () => {
  await using site = await openJournalSite();
  const ops = await site.as("pact-ops-ml");
  const n1 = await site.node("n1", "ml");
  const n2 = await site.node("n2", "ml");
  const commit = (value: string) =>
    ops.config.appendEntry({
      entry: { entryType: EntryType.COMMIT, scope: ml, stateDelta: kernel(value) },
    });
  const { sequence: since } = await commit("10");
  await commit("20");
  await n1.config.appendEntry({
    entry: {
      entryType: EntryType.DRIFT_DETECTED,
      scope: onN1,
      policyRef: `local-changes:${since}`,
      stateDelta: kernel("60"),
    },
  });
  const { conflicts: [conflict] } = await n1.fleet.listConflicts({});
  assert.deepEqual(
    [conflict?.category, conflict?.key, conflict?.localValue, conflict?.journalValue],
    ["kernel", "vm.swappiness", "60", "20"],
  );
  assert.equal(conflict?.state, "Open");
  assert.deepEqual((await n2.fleet.listConflicts({})).conflicts, [], "a node sees its own alone");
  const id = conflict?.id ?? "";
  const viewer = await site.as("pact-viewer-ml");
  assert.equal((await viewer.fleet.listConflicts({ vclusterId: "ml" })).conflicts.length, 1);
  const byViewer = await refusalOf(viewer.fleet.resolveConflict({ id, accept: "local" }));
  assert.equal(byViewer.code, "PERMISSION_DENIED");
  const neither = await refusalOf(ops.fleet.resolveConflict({ id, accept: "both" }));
  assert.equal(neither.code, "INVALID_ARGUMENT");
  const { sequence } = await ops.fleet.resolveConflict({ id, accept: "local" });
  const decided = await ops.config.getEntry({ sequence });
  assert.equal(decided.entryType, EntryType.COMMIT);
  assert.equal(decided.stateDelta?.kernel[0]?.declaredValue, "60");
  assert.deepEqual((await ops.fleet.listConflicts({})).conflicts, []);
  const { conflicts: [closed] } = await ops.fleet.listConflicts({ includeClosed: true });
  assert.equal(closed?.state, "ResolvedLocal");
  assert.equal(
    (await refusalOf(ops.fleet.resolveConflict({ id: "mc-9-9", accept: "local" }))).code,
    "NOT_FOUND",
  );
});
