import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { raft } from "../../../../api/mod.ts";
import { createRpcTransport } from "../../../../common/rpc/mod.ts";
import { serveRpc } from "../../../../common/rpc_server/mod.ts";
import { encodeMessages } from "../../../../journal/peers/mod.ts";
import { createTestPki, type TestPki, waitFor, within } from "../../../support/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import {
  append,
  entry,
  introduce,
  memberTls,
  openMember,
  raftMessage,
  type TestMember,
} from "./fixture.ts";
import { startProxy } from "./proxy.ts";

const PEER = 2;
const headers = {
  "x-pact-cluster": "c1",
  "x-pact-member": `${PEER}`,
  "x-pact-instance": "by-hand",
  "x-pact-protocol": "1",
};
const hello = create(raft.RaftHelloSchema, {
  clusterId: "c1",
  memberId: PEER,
  instanceId: "by-hand",
  protocolVersion: 1,
});
const first = batch(1n, { hello });

function batch(
  sequence: bigint,
  more: Partial<Pick<raft.RaftBatch, "hello" | "messages">> = {},
): raft.RaftBatch {
  return create(raft.RaftBatchSchema, { sequence, ...more });
}

/** Speaks as member 2 to `member`, by hand. */
async function asPeer(
  pki: TestPki,
  member: TestMember,
  speak: (client: Client<typeof raft.RaftService>) => Promise<void>,
): Promise<void> {
  member.network.setMembers([{ id: PEER, raft: "127.0.0.1:1", api: "127.0.0.1:1" }]);
  using transport = createRpcTransport({
    endpoint: `https://127.0.0.1:${member.network.port}`,
    ...await memberTls(pki, PEER),
  });
  await speak(createClient(raft.RaftService, transport));
}

/** What the stream with these batches ends with. */
async function endOf(
  client: Client<typeof raft.RaftService>,
  batches: readonly raft.RaftBatch[],
): Promise<ConnectError> {
  async function* speaking() {
    yield* batches;
    // Open until the other side ends it.
    await new Promise<void>((resolve) => abort.signal.addEventListener("abort", () => resolve()));
  }
  const abort = new AbortController();
  try {
    const answers = client.exchange(speaking(), { headers, signal: abort.signal });
    await within(Array.fromAsync(answers), { what: "the end of the stream" });
  } catch (error) {
    return ConnectError.from(error);
  } finally {
    abort.abort();
  }
  throw new Error("the stream ended as if all was well");
}

const garbage: Readonly<Record<string, readonly raft.RaftBatch[]>> = {
  "bytes that are no messages": [
    first,
    batch(2n, { messages: crypto.getRandomValues(new Uint8Array(1000)).with(0, 7) }),
  ],
  "a message in another member's name": [
    first,
    batch(2n, { messages: encodeMessages([raftMessage(3, 1)]) }),
  ],
  "no hello at first": [batch(1n)],
  "a gap in the stream": [first, batch(3n)],
  "a hello that says nothing": [batch(1n, { hello: create(raft.RaftHelloSchema) })],
  "a hello of another process": [batch(1n, { hello: { ...hello, instanceId: "another" } })],
};

for (const [what, batches] of Object.entries(garbage)) {
  Deno.test(`demand 3: ${what} ends the stream, is counted and does no harm`, async () => {
    const pki = await createTestPki();
    await using one = await openMember(pki, 1);
    await asPeer(pki, one, async (client) => {
      const { code } = await endOf(client, batches);
      assert.ok([Code.InvalidArgument, Code.PermissionDenied].includes(code), Code[code]);
      assert.deepEqual(one.heard.refused, ["malformed"]);
      assert.deepEqual(one.heard.messages, []);

      // Another one is as welcome as before.
      const messages = encodeMessages([raftMessage(PEER, 1)]);
      const good = endOf(client, [first, batch(2n, { messages })]);
      await waitFor(() => one.heard.messages.length === 1, { what: "a message" });
      await one.network.close();
      await good;
    });
  });
}

Deno.test("api.md 9: AppendEntries and Vote deliver a batch each, and refuse what is none", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await asPeer(pki, one, async (client) => {
    const sent = [append(PEER, 1, 0, [entry(1, 10)]), raftMessage(PEER, 1, { type: "Vote" })];
    await client.appendEntries({ data: encodeMessages(sent.slice(0, 1)) }, { headers });
    await client.vote({ data: encodeMessages(sent.slice(1)) }, { headers });
    assert.deepEqual(one.heard.messages.map(({ message }) => message), sent);

    const noMessages = client.vote({ data: new Uint8Array([9, 9]) }, { headers });
    await assert.rejects(noMessages, { code: Code.InvalidArgument });
    const otherCluster = client.vote({}, { headers: { ...headers, "x-pact-cluster": "c2" } });
    await assert.rejects(otherCluster, { code: Code.PermissionDenied });
    assert.deepEqual(one.heard.refused, ["malformed", "other-cluster"]);
  });
});

Deno.test("api.md 9: ForwardWrite is answered as a call of its own too, and refused to another process of a connected member", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using two = await openMember(pki, 2, { instanceId: "by-hand" });
  introduce(one, two);
  await waitFor(() => one.network.connected().has(PEER), { what: "the connection" });
  using transport = createRpcTransport({
    endpoint: `https://127.0.0.1:${one.network.port}`,
    ...await memberTls(pki, PEER),
  });
  const client = createClient(raft.RaftService, transport);
  const data = new Uint8Array([1, 2, 3]);
  assert.deepEqual((await client.forwardWrite({ data }, { headers })).data, data);
  const other = { headers: { ...headers, "x-pact-instance": "another" } };
  await assert.rejects(client.forwardWrite({ data }, other), { code: Code.Unavailable });
});

Deno.test("demand 3: a peer that does not read costs the others nothing, and what waits for it is bounded", async () => {
  const pki = await createTestPki();
  const limits = { maxMessages: 64, maxBytes: 1024 * 1024 };
  await using one = await openMember(pki, 1, { limits });
  await using three = await openMember(pki, 3);
  const { certPem, keyPem, caPem } = await memberTls(pki, PEER);
  await using deaf = await serveRpc({
    name: "deaf",
    listen: { hostname: "127.0.0.1", port: 0 },
    tls: { certPem, keyPem, clientCaPem: caPem },
    clientAuth: "required",
    routes: (router) =>
      router.service(raft.RaftService, {
        async *exchange(_batches, { signal }) {
          yield { hello };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      }),
  });
  const deafAddress = { id: PEER, raft: `127.0.0.1:${deaf.port}`, api: "127.0.0.1:1" };
  one.network.setMembers([deafAddress, three.address()]);
  three.network.setMembers([one.address(), deafAddress]);
  await waitFor(() => three.network.connected().has(1), { what: "the connection" });
  await waitFor(() => one.log.filter((line) => line.includes("connected to")).length === 2, {
    what: "the deaf peer",
  });

  for (let sent = 1; sent <= 400; sent++) {
    for (const to of [PEER, 3]) {
      one.network.send(to, [append(1, to, sent - 1, [entry(sent, 50_000)])]);
    }
    await waitFor(() => three.heard.messages.length > sent - 10, { what: "the other peer" });
  }
  await waitFor(() => three.heard.messages.length === 400, { what: "all messages" });
  await waitFor(() => one.heard.unreachable.length > 0, { what: "the report" });
  // 16 MiB were dropped, which is told now and then and not each time.
  assert.ok(one.heard.unreachable.length < 20);
  assert.deepEqual(new Set(one.heard.unreachable), new Set([PEER]));
});

Deno.test("demand 3: a peer that has stopped is given up after 10 s, and found again when it goes on", async () => {
  const pki = await createTestPki();
  const clock = new VirtualClock(Date.now());
  await using one = await openMember(pki, 1, { clock });
  await using two = await openMember(pki, 2);
  await using proxy = startProxy(two.network.port);
  introduce(one, two);
  one.network.setMembers([{ ...two.address(), raft: `127.0.0.1:${proxy.port}` }]);
  await waitFor(() => one.network.connected().has(2), { what: "the connection" });

  proxy.freeze();
  let seconds = 0;
  await waitFor(async () => {
    one.network.send(2, [raftMessage(1, 2)]);
    await clock.advanceAsync(1_000);
    seconds++;
    return one.heard.unreachable.length > 0;
  }, { what: "the peer to be given up" });
  assert.ok(seconds >= 10 && seconds <= 14, `after ${seconds} s`);

  proxy.thaw();
  await waitFor(async () => {
    await clock.advanceAsync(100);
    return one.network.connected().has(2);
  }, { what: "the peer to be found again" });
});

Deno.test("demand 3: connections on which no messages go are kept", async () => {
  const pki = await createTestPki();
  const clock = new VirtualClock(Date.now());
  await using one = await openMember(pki, 1, { clock });
  await using two = await openMember(pki, 2, { clock });
  introduce(one, two);
  await waitFor(async () => {
    await clock.advanceAsync(50);
    return one.network.connected().has(2) && two.network.connected().has(1);
  }, { what: "the connections" });

  for (let seconds = 0; seconds < 60; seconds++) {
    await clock.advanceAsync(1_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.deepEqual([one.heard.unreachable, two.heard.unreachable], [[], []]);
});
