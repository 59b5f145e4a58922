import assert from "node:assert/strict";
import { createTestPki, type TempDir, tempDir, waitFor } from "../../../support/mod.ts";
import { EMPTY_SNAPSHOT, type Message } from "../../../../journal/raft/mod.ts";
import type { SnapshotFile } from "../../../../journal/peers/mod.ts";
import { introduce, openMember, raftMessage, type TestMember } from "./fixture.ts";
import { type Proxy, startProxy } from "./proxy.ts";

const MIB = 1024 * 1024;

/** A file of noise, as a snapshot of it. */
async function snapshotFile(dir: TempDir, name: string, bytes: number): Promise<SnapshotFile> {
  const content = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) {
    crypto.getRandomValues(content.subarray(at, Math.min(at + 65_536, bytes)));
  }
  const path = dir.file(name);
  await Deno.writeFile(path, content);
  return { path, bytes, sha256: await sha256(content) };
}

async function sha256(content: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", content)).toHex();
}

function snap(index: number): Message {
  return raftMessage(1, 2, {
    type: "Snap",
    snapshot: {
      index,
      term: 1,
      membership: { ...EMPTY_SNAPSHOT.membership, voters: [1, 2], learners: [7] },
      data: new TextEncoder().encode(`snapshot ${index}`),
    },
  });
}

async function reported(member: TestMember, count = 1): Promise<boolean[]> {
  await waitFor(() => member.heard.snapshotReports.length >= count, {
    what: `${count} reports`,
    timeoutMs: 20_000,
  });
  return member.heard.snapshotReports.map(({ isDelivered }) => isDelivered);
}

async function assertSame(received: SnapshotFile, sent: SnapshotFile): Promise<void> {
  assert.deepEqual({ ...received, path: "" }, { ...sent, path: "" });
  assert.equal(await sha256(await Deno.readFile(received.path)), sent.sha256);
}

/** Member 1 dials member 2 through the proxy. */
function throughProxy(one: TestMember, two: TestMember, proxy: Proxy): void {
  introduce(one, two);
  one.network.setMembers([{ ...two.address(), raft: `127.0.0.1:${proxy.port}` }]);
}

Deno.test("JRN-51: a snapshot goes in pieces, is whole and checked before it is handed over", async () => {
  await using dir = await tempDir();
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using two = await openMember(pki, 2, { snapshotDir: dir.path });
  introduce(one, two);
  const file = await snapshotFile(dir, "source", 5 * MIB + 17);

  one.network.sendSnapshot(2, snap(9), file);

  assert.deepEqual(await reported(one), [true]);
  const [taken] = two.heard.snapshots;
  assert.ok(taken);
  assert.deepEqual(taken.message, snap(9));
  await assertSame(taken.file, file);

  // The leader has lost the answer, so to speak: what is there is not sent again.
  one.network.sendSnapshot(2, snap(9), file);
  assert.deepEqual(await reported(one, 2), [true, true]);
  assert.equal(two.heard.snapshots.length, 2);
});

Deno.test("demand 3: a snapshot whose connection breaks goes on where it stopped", async () => {
  await using dir = await tempDir();
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using two = await openMember(pki, 2, { snapshotDir: dir.path });
  await using proxy = startProxy(two.network.port);
  throughProxy(one, two, proxy);
  const file = await snapshotFile(dir, "source", 8 * MIB);

  proxy.cutAfter(4.5 * MIB);
  one.network.sendSnapshot(2, snap(9), file);

  assert.deepEqual(await reported(one), [true]);
  await assertSame(two.heard.snapshots[0]?.file ?? file, file);
  assert.equal(two.heard.snapshots.length, 1);
  // The piece that was under way is sent twice, those before it once.
  assert.ok(proxy.bytesForward < 9.5 * MIB, `${proxy.bytesForward} bytes`);
});

Deno.test("demand 3: a snapshot goes on where it stopped after the receiver was started again", async () => {
  await using dir = await tempDir();
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  const before = await openMember(pki, 2, { snapshotDir: dir.path });
  const { port } = before.network;
  await using proxy = startProxy(port);
  throughProxy(one, before, proxy);
  const file = await snapshotFile(dir, "source", 8 * MIB);

  one.network.sendSnapshot(2, snap(9), file);
  await waitFor(() => proxy.bytesForward > 3 * MIB, { what: "a part of the snapshot" });
  await before.network.close();
  assert.equal(before.heard.snapshots.length, 0);

  await using after = await openMember(pki, 2, { snapshotDir: dir.path, port });
  after.network.setMembers([one.address()]);
  // The sender may have knocked before the membership was known: then the next try goes on.
  if (!(await reported(one)).at(-1)) one.network.sendSnapshot(2, snap(9), file);
  await waitFor(() => after.heard.snapshots.length === 1, { what: "the snapshot" });

  await assertSame(after.heard.snapshots[0]?.file ?? file, file);
  assert.ok(proxy.bytesForward < 10 * MIB, `${proxy.bytesForward} bytes`);
});

Deno.test("demand 3: a snapshot that is not what it was said to be is refused and leaves nothing behind", async () => {
  await using dir = await tempDir();
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using two = await openMember(pki, 2, { snapshotDir: dir.path });
  introduce(one, two);
  const file = await snapshotFile(dir, "source", 2 * MIB);

  one.network.sendSnapshot(2, snap(9), { ...file, sha256: "ab".repeat(32) });

  assert.deepEqual(await reported(one), [false]);
  assert.deepEqual(two.heard.snapshots, []);
  const left = await Array.fromAsync(Deno.readDir(dir.path), ({ name }) => name);
  assert.deepEqual(left, ["source"]);
});

Deno.test("demand 3: a partial file that was damaged while nobody looked is thrown away and sent anew", async () => {
  await using dir = await tempDir();
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using two = await openMember(pki, 2, { snapshotDir: dir.path });
  introduce(one, two);
  const file = await snapshotFile(dir, "source", 3 * MIB);
  await Deno.writeFile(dir.file(`incoming-${file.sha256}.db.part`), new Uint8Array(2 * MIB));

  one.network.sendSnapshot(2, snap(9), file);
  assert.deepEqual(await reported(one), [false]);
  one.network.sendSnapshot(2, snap(9), file);
  assert.deepEqual(await reported(one, 2), [false, true]);
  await assertSame(two.heard.snapshots[0]?.file ?? file, file);
});

Deno.test("demand 3: Raft messages do not wait behind a snapshot", async () => {
  await using dir = await tempDir();
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using two = await openMember(pki, 2, { snapshotDir: dir.path });
  introduce(one, two);
  await waitFor(() => one.network.connected().has(2), { what: "the connection" });
  const file = await snapshotFile(dir, "source", 32 * MIB);

  one.network.sendSnapshot(2, snap(9), file);
  one.network.send(2, [raftMessage(1, 2)]);
  await waitFor(() => two.heard.messages.length === 1, { what: "the heartbeat" });

  assert.deepEqual(one.heard.snapshotReports, []);
  assert.deepEqual(await reported(one), [true]);
});

Deno.test("demand 3: a snapshot for a member that is unknown or goes away is reported as not delivered", async () => {
  await using dir = await tempDir();
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  const file = await snapshotFile(dir, "source", MIB);

  one.network.sendSnapshot(5, snap(9), file);
  assert.deepEqual(await reported(one), [false]);

  one.network.setMembers([{ id: 2, raft: "127.0.0.1:1", api: "127.0.0.1:1" }]);
  one.network.sendSnapshot(2, snap(9), file);
  one.network.setMembers([]);
  assert.deepEqual(await reported(one, 2), [false, false]);
});
