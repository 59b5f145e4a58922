/**
 * Real journals that lose their data directory and come back under their old id.
 */
import assert from "node:assert/strict";
import { waitFor, within } from "../support/mod.ts";
import { entryOf, openQuorumSite, type QuorumSite, readLog } from "../support/quorum/mod.ts";

/** Longer than several elections take. */
const ELECTIONS_MS = 6_000;

const wipe = (site: QuorumSite, id: number) =>
  Deno.remove(`${site.place(id).root}/var/lib/pact/journal`, { recursive: true });

/** Until a member says under `/health` that it takes no part with the directory it has. */
async function displaced(site: QuorumSite, id: number): Promise<string> {
  return await waitFor(async () => {
    const health = await site.health(id);
    const reason = health?.reason ?? "";
    return health?.httpStatus === 503 && /took part with another data directory/.test(reason)
      ? reason
      : undefined;
  }, { what: `member ${id} to find out\n${site.logs()}`, timeoutMs: 20_000 });
}

Deno.test("JRN-55, DEP-92: a member that lost its data makes no majority with a stale one, and nothing acknowledged is lost", async () => {
  await using site = await openQuorumSite();
  await site.startAll();
  const leader = await site.leader();
  const [wiped = 0, stale = 0] = site.runningIds.filter((id) => id !== leader);
  using clients = await site.dial(leader);
  await clients.config.appendEntry(entryOf("on all three"));
  for (const id of [wiped, stale]) {
    await waitFor(async () => (await readLog(site, id)).size === 1, { what: `entry at ${id}` });
  }

  await site.stop(stale, "SIGKILL");
  for (let count = 0; count < 20; count++) {
    await clients.config.appendEntry(entryOf(`on two: ${count}`));
  }
  await Promise.all([site.stop(wiped, "SIGKILL"), site.stop(leader, "SIGKILL")]);
  await wipe(site, wiped);
  await Promise.all([site.start(wiped), site.start(stale)]);

  assert.match(await displaced(site, wiped), /remove the member .* under another id/);
  const sinceMs = performance.now();
  await waitFor(async () => {
    const roles = await Promise.all([wiped, stale].map((id) => site.health(id)));
    assert.ok(roles.every((health) => health?.role !== "leader"), "they elect nobody");
    return performance.now() - sinceMs > ELECTIONS_MS;
  }, { what: "elections to pass", timeoutMs: 30_000 });

  await site.start(leader);
  await site.leader([leader, stale]);
  const messages = ["on all three", ...Array.from({ length: 20 }, (_, at) => `on two: ${at}`)];
  for (const id of [leader, stale]) {
    assert.deepEqual([...(await readLog(site, id)).values()], messages, `all of it at ${id}`);
  }

  const removed = await site.member(leader, ["remove", String(wiped)]);
  assert.equal(removed.code, 0, removed.stderr);
  await site.stop(wiped);
  const { raft, api } = site.place(4);
  assert.equal((await site.member(leader, ["add", "4", raft, api])).code, 0);
  await site.start(4, ["--join"]);
  await waitFor(async () => (await site.member(leader, ["promote", "4"])).code === 0, {
    what: `its successor to catch up\n${site.logs()}`,
    timeoutMs: 30_000,
  });
  await site.stop(stale, "SIGKILL");
  using again = await site.dial(await site.leader());
  await again.config.appendEntry(entryOf("its successor counts"));
});

Deno.test("JRN-55: the leader that founded a cluster and lost its data founds no second one, and does not lead again", async () => {
  await using site = await openQuorumSite();
  await site.startAll();
  const leader = await site.leader();
  if (leader !== 1) {
    assert.equal((await site.member(1, ["transfer", "1"])).code, 0);
    assert.equal(await site.leader(), 1);
  }
  using clients = await site.dial(1);
  await clients.config.appendEntry(entryOf("led by the founder"));
  await site.stop(1, "SIGKILL");
  await wipe(site, 1);

  const founder = await site.spawn(site.place(1), ["--bootstrap"]);
  const { code, stderr } = await within(founder.ended, { what: "its end", timeoutMs: 20_000 });
  assert.equal(code, 1);
  assert.match(stderr, /--bootstrap would found a second cluster.* lost its data, remove it/);

  await site.start(1);
  await displaced(site, 1);
  using others = await site.dial(await site.leader([2, 3]));
  await others.config.appendEntry(entryOf("the others go on"));
  assert.deepEqual([...(await readLog(site, 2)).values()], [
    "led by the founder",
    "the others go on",
  ]);
});

Deno.test("JRN-55: whoever founds waits for a majority of those it founds with, and ends when it is asked to", async () => {
  await using site = await openQuorumSite();
  const founder = await site.launch(1, ["--bootstrap"]);
  await founder.waitForOutput(/waits for a majority of the members.*missing=2,3/);
  const { code } = await site.stop(1);
  assert.equal(code, 0);
  await Promise.all([site.start(1, ["--bootstrap"]), site.start(3)]);
  await site.leader();
  using clients = await site.dial(3);
  await clients.config.appendEntry(entryOf("two of three"));
  await site.start(2);
  await waitFor(async () => (await readLog(site, 2)).size === 1, { what: "the third" });
  await site.stop(1, "SIGKILL");
  using third = await site.dial(await site.leader([2, 3]));
  await third.config.appendEntry(entryOf("the third counts"));
});
