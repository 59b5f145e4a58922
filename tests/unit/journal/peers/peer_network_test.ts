import assert from "node:assert/strict";
import { createTestPki, waitFor } from "../../../support/mod.ts";
import { append, entry, introduce, openMember, raftMessage, type TestMember } from "./fixture.ts";

/** Until every one of them is connected with every other. */
async function connected(...members: readonly TestMember[]): Promise<void> {
  await waitFor(
    () => members.every(({ network }) => network.connected().size === members.length - 1),
    { what: "members to be connected" },
  );
}

Deno.test("demand 3: what a member sends arrives whole and in the order of its sending", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using two = await openMember(pki, 2);
  introduce(one, two);
  await connected(one, two);

  const count = 100_000;
  for (let sent = 0; sent < count;) {
    const batch = Array.from(
      { length: 500 },
      (_, at) => raftMessage(1, 2, { commit: sent + at + 1 }),
    );
    one.network.send(2, batch);
    sent += batch.length;
    await waitFor(() => two.heard.messages.length > sent - 3_000, { what: "the peer to keep up" });
  }
  await waitFor(() => two.heard.messages.length === count, { what: "all messages" });

  assert.ok(two.heard.messages.every(({ from, message }, at) => {
    return from === 1 && message.commit === at + 1;
  }));
  assert.deepEqual(one.heard.unreachable, []);
});

Deno.test("demand 3: entries arrive as they were sent, those of 4 MiB too", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using two = await openMember(pki, 2);
  introduce(one, two);
  await connected(one, two);

  const large = append(1, 2, 2, [entry(3, 4 * 1024 * 1024)]);
  const change = raftMessage(1, 2, {
    type: "App",
    entries: [{
      kind: "membership",
      form: "list",
      term: 1,
      index: 1,
      change: {
        transition: "implicit",
        changes: [{ kind: "add-voter", id: 4_294_967_295 }, { kind: "remove", id: 2 }],
        context: new Uint8Array([1, 2, 3]),
      },
    }, entry(2, 0)],
  });
  const far = raftMessage(1, 2, {
    type: "AppResp",
    term: 2 ** 53 - 1,
    index: 2 ** 40 + 127,
    reject: true,
    rejectHint: 128,
    context: new Uint8Array([9]),
  });
  one.network.send(2, [change, large, far]);

  await waitFor(() => two.heard.messages.length === 3, { what: "three messages" });
  assert.deepEqual(two.heard.messages.map(({ message }) => message), [change, large, far]);
});

Deno.test("demand 3: a member that goes is reported once, and is connected again when it is back", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using three = await openMember(pki, 3);
  const first = await openMember(pki, 2);
  introduce(one, first, three);
  await connected(one, first, three);
  const { port } = first.network;

  await first.network.close();
  await waitFor(() => one.heard.unreachable.length > 0, { what: "the report" });
  assert.deepEqual(one.heard.unreachable, [2]);
  one.network.send(3, [raftMessage(1, 3)]);
  await waitFor(() => three.heard.messages.length === 1, { what: "the others to be undisturbed" });

  await using second = await openMember(pki, 2, { port });
  introduce(one, second, three);
  await connected(one, second, three);
  one.network.send(2, [raftMessage(1, 2)]);
  await waitFor(() => second.heard.messages.length === 1, { what: "a message" });
});
