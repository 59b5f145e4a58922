import assert from "node:assert/strict";
import { callHeaders } from "../../../../common/rpc/mod.ts";
import { openJournalSite, refusalOf } from "../../../support/journal/mod.ts";

Deno.test("UID-2, UID-5: a node gets an id for who signed in there, and every node has the same map", async () => {
  await using site = await openJournalSite();
  const n1 = await site.node("n1", "ml");
  const n2 = await site.node("n2", "ml");
  const ann = await n1.fleet.assignUid({ subject: "oidc|ann", username: "ann" });
  assert.deepEqual([ann.uid, ann.gid, ann.home, ann.org], [10_000, 10_000, "/home/ann", "local"]);
  const again = await n2.fleet.assignUid({ subject: "oidc|ann", username: "other" });
  assert.deepEqual([again.uid, again.username], [10_000, "ann"]);
  const { entries, groups, version } = await n2.fleet.getUidMap({});
  assert.deepEqual(entries.map(({ username, uid }) => [username, uid]), [["ann", 10_000]]);
  assert.deepEqual(groups.map(({ name, gid, members }) => [name, gid, members]), [
    ["local", 10_000, ["ann"]],
  ]);
  assert.equal(version, 1n);
  const bad = await refusalOf(n1.fleet.assignUid({ subject: "oidc|x", username: "No Name" }));
  assert.equal(bad.code, "INVALID_ARGUMENT");
});

Deno.test("IDM-5: a node that has the newest map is told its version and nothing more", async () => {
  await using site = await openJournalSite();
  const n1 = await site.node("n1", "ml");
  await n1.fleet.assignUid({ subject: "oidc|ann", username: "ann" });
  const knowing = (knownVersion: bigint) => ({ headers: callHeaders({ knownVersion }) });
  const known = await n1.fleet.getUidMap({}, knowing(1n));
  assert.deepEqual([known.version, known.entries, known.groups], [1n, [], []]);
  assert.equal((await n1.fleet.getUidMap({}, knowing(0n))).entries.length, 1);
});

Deno.test("UID-3: where identities are provisioned beforehand, a stranger gets none", async () => {
  await using site = await openJournalSite();
  const admin = await site.as();
  const n1 = await site.node("n1", "ml");
  await n1.fleet.assignUid({ subject: "oidc|ann", username: "ann" });
  await admin.policy.updatePolicy({
    vclusterId: "ml",
    policy: { vclusterId: "ml", identityMode: "pre-provisioned" },
  });
  assert.equal((await n1.fleet.assignUid({ subject: "oidc|ann", username: "ann" })).uid, 10_000);
  const stranger = await refusalOf(n1.fleet.assignUid({ subject: "oidc|bob", username: "bob" }));
  assert.equal(stranger.code, "PERMISSION_DENIED");
  assert.match(stranger.message, /identity not provisioned/);
});
