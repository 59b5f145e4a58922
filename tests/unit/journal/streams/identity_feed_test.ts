import assert from "node:assert/strict";
import { SYSTEM_IDENTITY } from "../../../../common/model/mod.ts";
import { openReplica, type Replica } from "../../../../journal/replica/mod.ts";
import { IdentityFeed } from "../../../../journal/streams/mod.ts";
import { tempDir } from "../../../support/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

async function withFeed(
  body: (feed: IdentityFeed, replica: Replica) => Promise<void>,
): Promise<void> {
  await using directory = await tempDir();
  const replica = await openReplica({
    dataDir: directory.path,
    clock: new VirtualClock(),
    random: Math.random,
  });
  const feed = new IdentityFeed(replica);
  try {
    await body(feed, replica);
  } finally {
    feed.close();
    await replica.close();
  }
}

const assign = (replica: Replica, name: string, org = "local") =>
  replica.submit({ type: "AssignUid", org, subject: `oidc|${name}`, username: name }, {
    actor: SYSTEM_IDENTITY,
  });

const told = (feed: IdentityFeed, since: number | undefined) =>
  feed.since(since).map(({ since, version, people }) => [
    since,
    version,
    people.map(({ username }) => username).join(),
  ]);

Deno.test("UID-5: who knows a version is told every change since, who knows none the newest version", async () => {
  await withFeed(async (feed, replica) => {
    assert.equal(feed.version, 0);
    await assign(replica, "ann");
    await assign(replica, "bob");
    await assign(replica, "bob");
    assert.deepEqual(told(feed, 0), [[0, 1, "ann"], [1, 2, "bob"]]);
    assert.deepEqual(told(feed, 1), [[1, 2, "bob"]]);
    assert.deepEqual(told(feed, 2), []);
    assert.deepEqual(told(feed, undefined), [[undefined, 2, ""]]);
    assert.deepEqual(told(feed, 77), [[undefined, 2, ""]]);
    assert.equal(feed.since(1)[0], feed.since(0)[1], "one object for all streams");
  });
});

Deno.test("UID-4, UID-5: when an organisation leaves, the map is to be asked for as a whole", async () => {
  await withFeed(async (feed, replica) => {
    await replica.submit({ type: "JoinOrg", org: "partner" }, { actor: SYSTEM_IDENTITY });
    assert.deepEqual(feed.since(0)[0]?.orgs, [{ name: "partner", index: 1 }]);
    await assign(replica, "eve", "partner");
    await replica.submit({ type: "LeaveOrg", org: "partner" }, { actor: SYSTEM_IDENTITY });
    assert.deepEqual(told(feed, 2), [[undefined, 3, ""]]);
    await assign(replica, "ann");
    assert.deepEqual(told(feed, 2), [[undefined, 4, ""]]);
    assert.deepEqual(told(feed, 3), [[3, 4, "ann"]]);
  });
});
