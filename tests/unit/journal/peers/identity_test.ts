import assert from "node:assert/strict";
import { createTestPki, waitFor } from "../../../support/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { startProxy } from "./proxy.ts";
import { introduce, memberTls, openMember, raftMessage, type TestMember } from "./fixture.ts";

/** Until the member has refused somebody for the reason. */
async function refused(member: TestMember, reason: TestMember["heard"]["refused"][number]) {
  await waitFor(() => member.heard.refused.includes(reason), { what: `a refusal: ${reason}` });
  assert.equal(member.network.connected().size, 0);
  assert.deepEqual(member.heard.messages, []);
}

Deno.test("JRN-53: a peer whose certificate is of another CA is refused and counted", async () => {
  const [pki, foreign] = [await createTestPki(), await createTestPki("foreign CA")];
  await using one = await openMember(pki, 1);
  // It trusts the right CA, so it is the other side that must refuse.
  const tls = { ...await memberTls(foreign, 2), caPem: pki.caPem };
  await using two = await openMember(pki, 2, { tls });
  one.network.setMembers([{ id: 2, raft: "127.0.0.1:1", api: "127.0.0.1:1" }]);
  two.network.setMembers([one.address()]);

  await refused(one, "handshake");
});

Deno.test("JRN-53: an agent's certificate lets nobody speak as a member", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  const { fullChainPem, keyPem } = await pki.agent({ nodeId: "journal-2" });
  const tls = { certPem: fullChainPem, keyPem, caPem: pki.caPem };
  await using agent = await openMember(pki, 2, { tls });
  one.network.setMembers([{ id: 2, raft: "127.0.0.1:1", api: "127.0.0.1:1" }]);
  agent.network.setMembers([one.address()]);

  await refused(one, "certificate");
  await waitFor(() => agent.log.some((line) => line.includes("a valid certificate of a journal")), {
    what: "the reason to be known to the refused",
  });
});

Deno.test("JRN-53: a member does not speak with a server that is another member than it dialled", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using three = await openMember(pki, 3);
  one.network.setMembers([{ ...three.address(), id: 2 }]);

  await refused(one, "certificate");
  assert.match(one.log.join("\n"), /names 'journal-3' instead of journal-2/);
});

Deno.test("JRN-53: a certified member that is not in the membership is refused and counted", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using two = await openMember(pki, 2);
  two.network.setMembers([one.address()]);

  await refused(one, "unknown-member");
});

Deno.test("JRN-53: a member of another cluster is refused and counted", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using two = await openMember(pki, 2, { clusterId: "c2" });
  introduce(one, two);

  await refused(one, "other-cluster");
  await refused(two, "other-cluster");
});

Deno.test("JRN-55: a member without a cluster adopts the one of the first member it meets", async () => {
  const pki = await createTestPki();
  await using fresh = await openMember(pki, 2, { clusterId: undefined });
  await using alsoFresh = await openMember(pki, 3, { clusterId: undefined });
  introduce(fresh, alsoFresh);
  await waitFor(() => fresh.network.connected().has(3), { what: "the two without a cluster" });
  assert.deepEqual(fresh.heard.clusterIds, []);

  await using one = await openMember(pki, 1);
  introduce(one, fresh, alsoFresh);
  await waitFor(() => one.network.connected().size === 2, { what: "all to be connected" });
  assert.deepEqual(fresh.heard.clusterIds, ["c1"]);
  assert.deepEqual(alsoFresh.heard.clusterIds, ["c1"]);

  fresh.network.send(3, [raftMessage(2, 3)]);
  await waitFor(() => alsoFresh.heard.messages.length === 1, {
    what: "a message on a stream that is older than the cluster",
  });
});

Deno.test("JRN-53: what a member says before it belongs to the cluster is not taken", async () => {
  const pki = await createTestPki();
  await using fresh = await openMember(pki, 2, { clusterId: undefined });
  await using alsoFresh = await openMember(pki, 3, { clusterId: undefined });
  introduce(fresh, alsoFresh);
  await waitFor(() => fresh.network.connected().has(3), { what: "the two without a cluster" });

  fresh.network.send(3, [raftMessage(2, 3)]);

  await waitFor(() => alsoFresh.heard.refused.includes("malformed"), { what: "the refusal" });
  assert.deepEqual(alsoFresh.heard.messages, []);
});

Deno.test("section 17: of two processes with one node id the second is refused and told so", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using first = await openMember(pki, 2);
  introduce(one, first);
  await waitFor(() => one.network.connected().has(2), { what: "the first process" });

  await using second = await openMember(pki, 2);
  second.network.setMembers([one.address()]);
  await waitFor(() => second.heard.duplicates.length > 0, { what: "the refusal" });

  assert.match(second.heard.duplicates[0] ?? "", /^DUPLICATE_NODE_ID: another process/);
  assert.ok(one.heard.refused.includes("duplicate-node-id"));
  assert.deepEqual(first.heard.duplicates, []);
  assert.ok(one.network.connected().has(2));
  one.network.send(2, [raftMessage(1, 2)]);
  await waitFor(() => first.heard.messages.length === 1, { what: "the first to go on" });
});

Deno.test("section 17: of two processes that come at the same moment one is let in", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  one.network.setMembers([{ id: 2, raft: "127.0.0.1:1", api: "127.0.0.1:1" }]);
  await using left = await openMember(pki, 2);
  await using right = await openMember(pki, 2);
  const both = [left, right];
  for (const { network } of both) network.setMembers([one.address()]);

  const isIn = ({ log }: TestMember) => log.some((line) => line.includes("connected to a member"));
  await waitFor(() => both.some(({ heard }) => heard.duplicates.length > 0) && both.some(isIn), {
    what: "one to be let in and one to be refused",
  });
  assert.equal(both.filter(({ heard }) => heard.duplicates.length > 0).length, 1);
  assert.equal(both.filter(isIn).length, 1);
});

Deno.test("section 17: a member that was started again is let in, whatever its predecessor left behind", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  const before = await openMember(pki, 2);
  introduce(one, before);
  await waitFor(() => one.network.connected().has(2), { what: "the first process" });
  const { port } = before.network;
  await before.network.close();

  await using after = await openMember(pki, 2, { port });
  introduce(one, after);
  await waitFor(() => one.network.connected().has(2) && after.network.connected().has(1), {
    what: "the second process",
  });
  assert.deepEqual(after.heard.duplicates, []);
});

Deno.test("section 17: a process that shows no sign of life for 3 s makes way for the next one, and is the duplicate when it wakes", async () => {
  const pki = await createTestPki();
  const clock = new VirtualClock(Date.now());
  await using one = await openMember(pki, 1, { clock });
  await using proxy = startProxy(one.network.port);
  await using hung = await openMember(pki, 2);
  one.network.setMembers([{ id: 2, raft: "127.0.0.1:1", api: "127.0.0.1:1" }]);
  hung.network.setMembers([{ ...one.address(), raft: `127.0.0.1:${proxy.port}` }]);
  await waitFor(() => hung.log.some((line) => line.includes("connected to")), {
    what: "the first",
  });

  proxy.freeze();
  await using next = await openMember(pki, 2);
  next.network.setMembers([one.address()]);
  await waitFor(async () => {
    await clock.advanceAsync(100);
    return next.log.some((line) => line.includes("connected to"));
  }, { what: "the next" });
  assert.deepEqual(next.heard.duplicates, []);

  proxy.thaw();
  await waitFor(() => hung.heard.duplicates.length > 0, { what: "the first to be told" });
  next.network.send(1, [raftMessage(2, 1)]);
  await waitFor(() => one.heard.messages.length === 1, { what: "a message of the next" });
});

Deno.test("CRT-8: certificates are replaced under live streams, and new connections show the new ones", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using two = await openMember(pki, 2);
  introduce(one, two);
  await waitFor(() => one.network.connected().has(2), { what: "the connection" });

  one.network.rotate(await memberTls(pki, 1));
  two.network.rotate(await memberTls(pki, 2));
  one.network.send(2, [raftMessage(1, 2)]);
  await waitFor(() => two.heard.messages.length === 1, { what: "a message on the live stream" });
  assert.deepEqual([one.heard.unreachable, two.heard.unreachable], [[], []]);

  const foreign = await createTestPki("foreign CA");
  const unfit = { ...await memberTls(pki, 1), keyPem: (await memberTls(foreign, 1)).keyPem };
  assert.throws(() => one.network.rotate(unfit));
  assert.ok(one.network.connected().has(2));
});
