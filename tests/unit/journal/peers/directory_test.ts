/**
 * Members that are told apart by their data directories, over real connections.
 */
import assert from "node:assert/strict";
import { judgeMeeting, type PeerDirectories } from "../../../../journal/peers/mod.ts";
import type { MessageType } from "../../../../journal/raft/mod.ts";
import { createTestPki, waitFor } from "../../../support/mod.ts";
import { introduce, openMember, raftMessage } from "./fixture.ts";

const OLD = "0".repeat(32);
const NEW = "1".repeat(32);

/** Knows of every peer the directory `OLD`, or none. */
const knowing = (recorded: string | undefined): PeerDirectories => ({
  judge: (_peer, said) =>
    recorded === undefined ? "unrecorded" : recorded === said ? "counts" : "other",
  isTaken: (verdict, type) => verdict === "counts" || !type.endsWith("Resp"),
});

Deno.test("JRN-55: a member that comes with another data directory is refused and counted, and told so", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1, { directoryId: OLD, directories: knowing(OLD) });
  await using two = await openMember(pki, 2, { directoryId: NEW });
  introduce(one, two);

  await waitFor(() => two.heard.displaced.length > 0, { what: "it to be told" });
  assert.match(
    two.heard.displaced[0] ?? "",
    /another data directory than 1{32}: if it lost its data/,
  );
  assert.ok(one.heard.refused.includes("other-directory"));
  two.network.send(1, [raftMessage(2, 1)]);
  one.network.send(2, [raftMessage(1, 2)]);
  assert.equal(one.network.connected().size, 0);
  assert.deepEqual([one.heard.messages, two.heard.messages], [[], []]);
});

Deno.test("JRN-55: one that says nothing of its directory is refused where it is known by one", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1, { directoryId: OLD, directories: knowing(OLD) });
  await using two = await openMember(pki, 2);
  introduce(one, two);
  await waitFor(() => two.heard.displaced.length > 0, { what: "it to be told" });
});

Deno.test("JRN-55: of a member that nothing is known of yet the answers are not taken, and its directory is seen", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1, { directoryId: OLD, directories: knowing(undefined) });
  await using two = await openMember(pki, 2, { directoryId: NEW });
  introduce(one, two);
  await waitFor(() => one.network.connected().size === 1, { what: "the connection" });
  assert.deepEqual([...one.network.directories()], [[2, NEW]]);

  const types: MessageType[] = ["VoteResp", "AppResp", "Vote", "HeartbeatResp", "App"];
  two.network.send(1, types.map((type) => raftMessage(2, 1, { type })));
  await waitFor(() => one.heard.messages.some(({ message }) => message.type === "App"), {
    what: "the last of them",
  });
  assert.deepEqual(one.heard.messages.map(({ message }) => message.type), ["Vote", "App"]);
});

Deno.test("JRN-55: a stream that is older than what is known of its peer ends with its next message", async () => {
  const pki = await createTestPki();
  const known = { directories: knowing(NEW) };
  await using one = await openMember(pki, 1, {
    directoryId: OLD,
    directories: {
      judge: (peer, said) => known.directories.judge(peer, said),
      isTaken: (verdict, type) => known.directories.isTaken(verdict, type),
    },
  });
  await using two = await openMember(pki, 2, { directoryId: NEW });
  introduce(one, two);
  await waitFor(() => two.network.connected().size === 1, { what: "the connection" });
  known.directories = knowing(OLD);
  two.network.send(1, [raftMessage(2, 1)]);
  await waitFor(() => two.heard.displaced.length > 0, { what: "it to be told" });
  assert.deepEqual(one.heard.messages, []);
});

Deno.test("JRN-55: a cluster is founded with the directories of a majority, the founder's among them", () => {
  const self = { id: 1, directoryId: OLD };
  assert.deepEqual(judgeMeeting(self, [1], new Map()), {
    kind: "found",
    directories: new Map([[1, OLD]]),
  });
  const silent = new Map([[2, undefined], [9, NEW]]);
  assert.deepEqual(judgeMeeting(self, [1, 2, 3], silent), { kind: "wait", missing: [2, 3] });
  assert.deepEqual(judgeMeeting(self, [1, 2, 3], new Map([[3, NEW]])), {
    kind: "found",
    directories: new Map([[1, OLD], [3, NEW]]),
  });
  assert.equal(judgeMeeting(self, [1, 2, 3, 4], new Map([[3, NEW]])).kind, "wait");
});
