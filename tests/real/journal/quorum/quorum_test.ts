import assert from "node:assert/strict";
import { type ErrorCode, PactError } from "../../../../common/errors/mod.ts";
import { FORMATS, readStamp } from "../../../../journal/log/mod.ts";
import { foundingEntries } from "../../../../journal/quorum/mod.ts";
import {
  applyChange,
  EMPTY_CONFIGURATION,
  jointVote,
  membershipOf,
} from "../../../../journal/raft/mod.ts";
import type { Replica } from "../../../../journal/replica/mod.ts";
import {
  ANN,
  append,
  commit,
  memberAddress,
  openMemoryQuorum,
} from "../../../support/journal/mod.ts";
import { waitFor, within } from "../../../support/mod.ts";

const byAnn = { actor: ANN };
/** Entries of this scope cause no overlay, and so no entries of the journal's own. */
const scope = "Global" as const;

const hasCode = (code: ErrorCode) => (error: unknown) =>
  error instanceof PactError && error.code === code;

async function messagesOf(replica: Replica): Promise<(string | undefined)[]> {
  const messages = [];
  for await (const { message } of replica.entries()) messages.push(message);
  return messages;
}

function write(replica: Replica, message: string, requestId?: string) {
  return replica.submit(append({ scope, message }), {
    ...byAnn,
    ...requestId !== undefined && { requestId },
  });
}

Deno.test("JRN-58, ACC-7: every member takes writes and reads its own", async () => {
  await using quorum = await openMemoryQuorum(3);
  for (const replica of quorum.members) {
    const result = await within(write(replica, "x"), { what: "the write" });
    assert.equal(result.kind, "EntryAppended");
    const sequence = result.kind === "EntryAppended" ? result.sequence : -1;
    assert.equal(replica.entry(sequence)?.message, "x");
  }
  for (const replica of quorum.members) {
    await within(replica.waitForSequence(2), { what: "all three entries everywhere" });
  }
});

Deno.test("J1, J9: writers at all members at once get sequences without a gap, the same everywhere", async () => {
  await using quorum = await openMemoryQuorum(3);
  await quorum.leader();
  const results = await Promise.all(
    Array.from({ length: 300 }, (_, at) => write(quorum.member(1 + at % 3), `m${at}`)),
  );
  const sequences = results.map((each) => each.kind === "EntryAppended" ? each.sequence : -1);
  assert.deepEqual(sequences.toSorted((a, b) => a - b), [...Array(300).keys()]);
  for (const replica of quorum.members) await replica.waitForSequence(299);
  const [first, ...others] = await Promise.all(quorum.members.map(messagesOf));
  for (const each of others) assert.deepEqual(each, first);
});

Deno.test("DEP-91: writes are logged in the short form once every member says that it reads it", async () => {
  await using quorum = await openMemoryQuorum(3);
  quorum.former.add(3);
  const leader = await quorum.leader();
  const audit = { operation_type: "Commit", scope, detail: "", source: "test", metadata: {} };
  const write = (message: string) =>
    leader.submit(append({ scope, message }), { ...byAnn, audit, requestId: message });
  await write("before");
  quorum.former.delete(3);
  await write("after");
  const [id] = [1, 2, 3].filter((id) => quorum.member(id) === leader);
  assert.ok(id !== undefined);
  await quorum.stop(id);
  const payloads = await quorum.stoppedLog(id);
  const formOf = (message: string) => {
    const isIts = (data: Uint8Array) => new TextDecoder().decode(data).includes(`"${message}"`);
    return payloads.filter(isIts).map((data) => readStamp(data)?.format);
  };
  assert.deepEqual(formOf("before"), [FORMATS.named]);
  assert.deepEqual(formOf("after"), [FORMATS.packed]);
});

Deno.test("JRN-59: a linearizable read at any member contains every write acknowledged before", async () => {
  await using quorum = await openMemoryQuorum(3);
  await quorum.leader();
  for (let at = 0; at < 30; at++) {
    await write(quorum.member(1 + at % 3), `m${at}`);
    const reader = quorum.member(1 + (at + 1) % 3);
    await within(reader.waitForLinearizable(), { what: "the read's place" });
    assert.equal(reader.entry(at)?.message, `m${at}`);
  }
});

Deno.test("a member asks the leader from where on a read is linearizable", async () => {
  await using quorum = await openMemoryQuorum(3);
  const leader = await quorum.leader();
  await write(leader, "before");
  const follower = quorum.members.find((each) => each !== leader);
  const answer = await waitFor(
    () => follower?.quorum.callLeader("ReadIndex", new Uint8Array(), AbortSignal.timeout(5_000)),
    { what: "the leader's answer" },
  );
  const { index } = JSON.parse(new TextDecoder().decode(answer));
  assert.ok(BigInt(index) >= leader.status().appliedIndex, `${index}`);
});

Deno.test("JRN-57: a leader that is cut off: writes go on, and a repeated request id writes nothing twice", async () => {
  await using quorum = await openMemoryQuorum(3);
  const old = await quorum.leader();
  await write(old, "before");
  const oldId = quorum.members.indexOf(old) + 1;
  const orphan = write(old, "torn", "req-1");
  quorum.cut(oldId);
  const next = await quorum.leader();
  assert.notEqual(next, old);
  await write(next, "torn", "req-1");
  await write(next, "after");
  quorum.heal();
  assert.deepEqual(await within(orphan, { what: "the write of the old leader" }), {
    kind: "EntryAppended",
    sequence: 1,
  });
  await old.waitForSequence(2);
  assert.deepEqual(await messagesOf(old), ["before", "torn", "after"]);
});

Deno.test("JRN-60: without a majority writes fail with NO_QUORUM and reads go on", async () => {
  await using quorum = await openMemoryQuorum(3);
  const leader = await quorum.leader();
  await write(leader, "before");
  const id = quorum.members.indexOf(leader) + 1;
  quorum.cut(id);
  const refused = write(leader, "lost");
  await assert.rejects(refused, hasCode("NO_QUORUM"));
  assert.deepEqual(await messagesOf(leader), ["before"]);
});

Deno.test("JRN-62: a leader that closes hands over, so that the next write need not wait for an election", async () => {
  await using quorum = await openMemoryQuorum(3);
  const leader = await quorum.leader();
  await write(leader, "before");
  const id = quorum.members.indexOf(leader) + 1;
  await quorum.stop(id);
  const next = quorum.members.find(({ quorum }) => quorum.status().role === "leader");
  assert.ok(next !== undefined, "somebody leads at once");
  await write(next, "after");
});

Deno.test("a member that was away longer than the log reaches back gets a snapshot and the rest", async () => {
  await using quorum = await openMemoryQuorum(3);
  const leader = await quorum.leader();
  const away = 1 + [1, 2, 3].findIndex((id) => quorum.member(id) !== leader);
  await quorum.stop(away);
  for (let round = 0; round < 4; round++) {
    await Promise.all(Array.from({ length: 20 }, (_, at) => write(leader, `m${round}-${at}`)));
    await leader.makeSnapshot();
  }
  assert.ok(leader.status().log.firstIndex > 3n, "the log is cut");
  const back = await quorum.start(away);
  await waitFor(() => back.appliedSequence === 79, { what: "the snapshot and what followed" });
  assert.deepEqual(await messagesOf(back), await messagesOf(leader));
  await write(back, "after");
  // It starts from what it got.
  await quorum.stop(away);
  const again = await quorum.start(away);
  assert.ok(again.appliedSequence >= 79);
});

Deno.test("everything acknowledged is there after all members were stopped", async () => {
  await using quorum = await openMemoryQuorum(3);
  await Promise.all(
    [1, 2, 3].map((id) => quorum.member(id).submit(commit(scope, { a: "1" }), byAnn)),
  );
  for (const id of [1, 2, 3]) await quorum.stop(id);
  for (const id of [1, 2, 3]) await quorum.start(id);
  for (const replica of quorum.members) {
    await within(replica.waitForSequence(2), { what: "all three entries" });
  }
  await write(quorum.member(2), "after");
});

Deno.test("JRN-55: whoever has only some of the founding entries can elect nobody without the founder", () => {
  const members = [1, 2, 3, 4, 5].map(memberAddress);
  const entries = foundingEntries({ founder: 2, members, clusterId: "c", now: new Date(0) });
  let configuration = EMPTY_CONFIGURATION;
  for (const entry of entries) {
    assert.equal(entry.kind, "membership");
    if (entry.kind !== "membership") return;
    configuration = applyChange(configuration, entry.change).configuration;
    const isWhole = entry === entries.at(-1);
    const withoutFounder = jointVote(configuration.voters, (id) => id === 2 ? undefined : true);
    assert.equal(withoutFounder, isWhole ? "won" : "pending");
  }
  assert.deepEqual(membershipOf(configuration).voters, [1, 2, 3, 4, 5]);
});
