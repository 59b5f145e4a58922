import assert from "node:assert/strict";
import { callHeaders } from "../../../../common/rpc/mod.ts";
import type { stream } from "../../../../api/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { type JournalSite, openJournalSite, refusalOf } from "../../../support/journal/mod.ts";

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

/** What a node's own stream says of the identity map, as it comes. */
function followMap(
  node: Awaited<ReturnType<JournalSite["node"]>>,
  nodeId: string,
  vclusterId = "ml",
) {
  const heard: stream.IdentityMapChange[] = [];
  const stop = new AbortController();
  const read = async () => {
    const request = { nodeId, vclusterId };
    for await (
      const { identityMap } of node.boot.subscribeConfigUpdates(request, { signal: stop.signal })
    ) {
      if (identityMap !== undefined) heard.push(identityMap);
    }
  };
  const ended = read().catch(() => {});
  return {
    heard,
    names: () => heard.map(({ entries }) => entries.map(({ username }) => username).join()),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
}

Deno.test("UID-5: a node's stream begins with the version of the map, and then tells who was added", async () => {
  await using site = await openJournalSite();
  const n1 = await site.node("n1", "ml");
  const n2 = await site.node("n2", "ml");
  await n2.fleet.assignUid({ subject: "oidc|ann", username: "ann" });
  await using followed = followMap(n1, "n1");
  await waitFor(() => followed.heard.length === 1, { what: "the version" });
  await n2.fleet.assignUid({ subject: "oidc|bob", username: "bob" });
  await n2.fleet.assignUid({ subject: "oidc|carl", username: "carl" });
  await waitFor(() => followed.heard.length === 3, { what: "who was added" });
  assert.deepEqual(followed.names(), ["", "bob", "carl"]);
  assert.deepEqual(
    followed.heard.map(({ since, version }) => [since, version]),
    [[undefined, 1n], [1n, 2n], [2n, 3n]],
  );
  const [local] = followed.heard[1]?.groups ?? [];
  assert.deepEqual([local?.name, local?.gid, local?.members], ["local", 10_000, []]);
});

Deno.test("UID-5: in systemd mode neither the map nor its changes are sent", async () => {
  await using site = await openJournalSite();
  const admin = await site.as();
  const n1 = await site.node("n1", "ml");
  const n2 = await site.node("n2", "other");
  await n2.fleet.assignUid({ subject: "oidc|ann", username: "ann" });
  const run = (supervisorBackend: string) =>
    admin.policy.updatePolicy({
      vclusterId: "ml",
      policy: { vclusterId: "ml", supervisorBackend },
    });
  await run("systemd");
  const map = await n1.fleet.getUidMap({});
  assert.deepEqual([map.version, map.entries, map.groups], [1n, [], []]);
  await using followed = followMap(n1, "n1");
  await using other = followMap(n2, "n2", "other");
  await waitFor(() => other.heard.length === 1, { what: "the version" });
  await n2.fleet.assignUid({ subject: "oidc|bob", username: "bob" });
  await waitFor(() => other.names().includes("bob"), { what: "the change where pact runs" });
  assert.equal(followed.heard.length, 0);
  await run("pact");
  // What it was not told is not made up for piece by piece: the whole map is to be asked for.
  await waitFor(() => followed.heard.length === 1, { what: "the version after systemd" });
  assert.deepEqual(
    followed.heard.map(({ since, version, entries }) => [since, version, entries]),
    [[undefined, 2n, []]],
  );
});
