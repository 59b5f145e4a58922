import assert from "node:assert/strict";
import { createLogger } from "../../../../common/log/mod.ts";
import { OverlayVersions } from "../../../../journal/services/overlay_versions.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

const log = createLogger({
  component: "test",
  level: "error",
  format: "text",
  nowMs: () => 0,
  write: () => {},
});
const commit = { entry_type: "Commit", scope: { VCluster: "ml" } } as const;

Deno.test("OVL-6: of a burst of commits one waits for the overlay, the others are answered at once", async () => {
  const clock = new VirtualClock();
  const built = Promise.withResolvers<void>();
  let builds = 0;
  const overlay = async (vcluster_id: string) => {
    builds++;
    await built.promise;
    return { ...OVERLAY, vcluster_id, version: 7 };
  };
  const versions = new OverlayVersions({ replica: { overlay }, clock, log });

  const first = versions.after(commit);
  assert.deepEqual(await Promise.all([versions.after(commit), versions.after(commit)]), [0, 0]);
  clock.advance(10_000);
  assert.equal(await versions.after(commit), 0, "the first one still waits");
  built.resolve();
  assert.equal(await first, 7);
  clock.advance(249);
  assert.equal(await versions.after(commit), 0);
  clock.advance(1);
  assert.equal(await versions.after(commit), 7);
  assert.equal(builds, 2);
  assert.equal(await versions.after({ ...commit, scope: { VCluster: "other" } }), 7);
});

Deno.test("OVL-11: a commit is answered when its overlay cannot be built, and entries without one build none", async () => {
  const clock = new VirtualClock();
  const overlay = () => Promise.reject(new Error("no space"));
  const versions = new OverlayVersions({ replica: { overlay }, clock, log });
  assert.equal(await versions.after(commit), 0);
  const none = new OverlayVersions({
    replica: { overlay: () => assert.fail("nothing to build") },
    clock,
    log,
  });
  assert.equal(await none.after({ entry_type: "Commit", scope: "Global" }), 0);
  assert.equal(await none.after({ entry_type: "Commit", scope: { Node: "n1" } }), 0);
  assert.equal(await none.after({ entry_type: "ServiceLifecycle", scope: { VCluster: "ml" } }), 0);
});

const OVERLAY = {
  vcluster_id: "ml",
  data: "{}",
  checksum: "",
  built_from_sequence: 0,
  built_at: "2026-01-01T00:00:00Z",
};
