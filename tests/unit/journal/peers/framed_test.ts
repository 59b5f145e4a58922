import assert from "node:assert/strict";
import { createServer } from "node:tls";
import { create, toBinary } from "@bufbuild/protobuf";
import { raft } from "../../../../api/mod.ts";
import { encodeMessages, FRAME, FRAME_PROTOCOL, framed } from "../../../../journal/peers/mod.ts";
import { createTestPki, type TestPki, waitFor } from "../../../support/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { append, entry, memberTls, openMember, raftMessage, type TestMember } from "./fixture.ts";
import { dialInFrames, type FramedPeer } from "./framed_peer.ts";

const hello = create(raft.RaftHelloSchema, {
  clusterId: "c1",
  memberId: 2,
  instanceId: "by-hand",
  protocolVersion: 1,
});
const greeting = create(raft.RaftBatchSchema, { sequence: 1n, hello });
const packed = encodeMessages([raftMessage(2, 1)]);

/** Lets member 2, played by hand, speak to member 1. */
async function speaking(
  speak: (peer: FramedPeer, member: TestMember, pki: TestPki) => Promise<void>,
): Promise<void> {
  const pki = await createTestPki();
  await using member = await openMember(pki, 1);
  using peer = await dialInFrames(pki, member);
  await speak(peer, member, pki);
}

Deno.test("demand 3: batches and bare messages of one connection are taken in order and acknowledged", () =>
  speaking(async (peer, { heard }) => {
    peer.batch(greeting);
    for (let commit = 1; commit <= 6; commit += 2) {
      peer.frame(FRAME.messages, encodeMessages([raftMessage(2, 1, { commit })]));
      const messages = encodeMessages([raftMessage(2, 1, { commit: commit + 1 })]);
      peer.batch(create(raft.RaftBatchSchema, { sequence: BigInt(commit + 2), messages }));
    }
    await waitFor(() => peer.answers.at(-1)?.acknowledged === 7n, { what: "the acknowledgement" });
    assert.deepEqual(heard.messages.map(({ message }) => message.commit), [1, 2, 3, 4, 5, 6]);
    assert.equal(peer.answers[0]?.hello?.memberId, 1);
    assert.deepEqual(peer.errors, []);
  }));

const wrong: Readonly<Record<string, (peer: FramedPeer) => void>> = {
  "bytes that are no frames": ({ bytes }) =>
    bytes(crypto.getRandomValues(new Uint8Array(100)).fill(0xff, 0, 2)),
  "a greeting that is too long": ({ frame }) => frame(FRAME.batch, new Uint8Array(4097)),
  "a greeting that is no batch": ({ frame }) => frame(FRAME.batch, new Uint8Array([7, 7, 7])),
  "messages before the greeting": ({ frame }) => frame(FRAME.messages, packed),
  "a gap behind the greeting": ({ batch }) => {
    batch(greeting);
    batch(create(raft.RaftBatchSchema, { sequence: 3n }));
  },
  "a frame of no known kind": ({ batch, frame }) => {
    batch(greeting);
    frame(9, packed);
  },
  "an answer from who dialled": ({ batch, frame }) => {
    batch(greeting);
    frame(FRAME.answer, new Uint8Array(0));
  },
  "messages of another member": ({ batch, frame }) => {
    batch(greeting);
    frame(FRAME.messages, encodeMessages([raftMessage(3, 1)]));
  },
  "a frame larger than the largest batch": ({ batch, bytes }) => {
    batch(greeting);
    bytes(new Uint8Array([FRAME.messages, 2, 0, 0, 1]));
  },
};

for (const [what, say] of Object.entries(wrong)) {
  Deno.test(`demand 3: ${what} ends the connection, is counted and told`, () =>
    speaking(async (peer, member, pki) => {
      say(peer);
      assert.equal((await peer.end())?.code, "INVALID_ARGUMENT");
      assert.deepEqual(member.heard.refused, ["malformed"]);
      assert.deepEqual(member.heard.messages, []);

      using next = await dialInFrames(pki, member);
      next.batch(greeting);
      next.frame(FRAME.messages, packed);
      await waitFor(() => member.heard.messages.length === 1, {
        what: "another one to be welcome",
      });
    }));
}

const strangers: Readonly<Record<string, Partial<raft.RaftHello>>> = {
  "other-cluster": { clusterId: "c2" },
  "member-mismatch": { memberId: 3 },
  protocol: { protocolVersion: 2 },
};

for (const [reason, lie] of Object.entries(strangers)) {
  Deno.test(`JRN-53: a greeting is refused for ${reason}, counted and told`, () =>
    speaking(async (peer, member) => {
      peer.batch({ ...greeting, hello: { ...hello, ...lie } });
      peer.frame(FRAME.messages, packed);
      assert.equal((await peer.end())?.code, "PERMISSION_DENIED");
      assert.deepEqual(member.heard.refused, [reason]);
      assert.deepEqual(member.heard.messages, []);
    }));
}

Deno.test("JRN-53: who is no member of the quorum is refused before anything is taken", () =>
  speaking(async (peer, member) => {
    member.network.setMembers([]);
    peer.batch(greeting);
    peer.frame(FRAME.messages, packed);
    assert.equal((await peer.end())?.code, "PERMISSION_DENIED");
    assert.deepEqual(member.heard.refused, ["unknown-member"]);
    assert.deepEqual(member.heard.messages, []);
  }));

Deno.test("demand 3: a connection on which nobody says who it is, is ended after 3 s", async () => {
  const pki = await createTestPki();
  const clock = new VirtualClock(Date.now());
  await using member = await openMember(pki, 1, { clock });
  using peer = await dialInFrames(pki, member);
  await waitFor(async () => {
    await clock.advanceAsync(500);
    return peer.isClosed();
  }, { what: "the end of the connection" });
  assert.equal(peer.errors[0]?.code, "DEADLINE");
});

Deno.test("demand 3: a peer that greets and then reads nothing holds up nothing, and what waits for it is bounded", async () => {
  const pki = await createTestPki();
  const { certPem, keyPem, caPem } = await memberTls(pki, 2);
  let taken = 0;
  const deaf = createServer({
    cert: certPem,
    key: keyPem.reveal(),
    ca: [caPem],
    requestCert: true,
    ALPNProtocols: [FRAME_PROTOCOL],
  }, (socket) => {
    taken++;
    socket.on("error", () => {});
    const answer = create(raft.RaftAnswerSchema, { hello });
    socket.write(framed(FRAME.answer, toBinary(raft.RaftAnswerSchema, answer)));
    socket.pause();
  });
  await new Promise<void>((resolve) => deaf.listen(0, "127.0.0.1", resolve));
  const address = deaf.address();
  assert.ok(address !== null && typeof address === "object");
  {
    const limits = { maxMessages: 64, maxBytes: 1024 * 1024 };
    await using one = await openMember(pki, 1, { limits });
    one.network.setMembers([{ id: 2, raft: `127.0.0.1:${address.port}`, api: "127.0.0.1:1" }]);
    await waitFor(() => one.log.some((line) => line.includes("connected to")), {
      what: "the connection",
    });
    // 20 MB: more than socket buffers of both ends and the queue hold.
    for (let sent = 1; sent <= 400; sent++) {
      one.network.send(2, [append(1, 2, sent - 1, [entry(sent, 50_000)])]);
      if (sent % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await waitFor(() => one.heard.unreachable.length > 0, { what: "the report" });
    assert.equal(taken, 1);
  }
  deaf.close();
});
