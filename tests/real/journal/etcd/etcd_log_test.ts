import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { systemClock } from "../../../../common/clock/mod.ts";
import { type ErrorCode, PactError } from "../../../../common/errors/mod.ts";
import { connectEtcd } from "../../../../journal/etcd/mod.ts";
import type { Replica } from "../../../../journal/replica/mod.ts";
import { CuttableWay, waitFor, within } from "../../../support/mod.ts";
import { etcdSettings, etcdTest, openEtcdSite } from "../../../support/etcd/mod.ts";
import { ANN, append, openMemoryQuorum } from "../../../support/journal/mod.ts";

const byAnn = { actor: ANN };
/** Entries of this scope cause no overlay, and so no entries of the journal's own. */
const scope = "Global";

const hasCode = (code: ErrorCode) => (error: unknown) =>
  error instanceof PactError && error.code === code;

async function messagesOf(replica: Replica): Promise<(string | undefined)[]> {
  const messages = [];
  for await (const { message } of replica.entries()) messages.push(message);
  return messages;
}

const write = (replica: Replica, message: string, requestId?: string) =>
  replica.submit(append({ scope, message }), {
    ...byAnn,
    ...requestId !== undefined && { requestId },
  });

etcdTest(
  "J1, J9, JRN-59: writers at all journals at once get sequences without a gap, the same everywhere",
  async () => {
    await using etcd = await openEtcdSite();
    await using quorum = await openMemoryQuorum(3, etcdSettings(etcd));
    await quorum.leader();
    const results = await Promise.all(
      Array.from({ length: 300 }, (_, at) => write(quorum.member(1 + at % 3), `m${at}`)),
    );
    const sequences = results.map((each) => each.kind === "EntryAppended" ? each.sequence : -1);
    assert.deepEqual(sequences.toSorted((a, b) => a - b), [...Array(300).keys()]);
    for (const replica of quorum.members) {
      await within(replica.waitForLinearizable(), { what: "the read's place" });
      assert.equal(replica.appliedSequence, 299);
    }
    const [first, ...others] = await Promise.all(quorum.members.map(messagesOf));
    for (const each of others) assert.deepEqual(each, first);
  },
);

etcdTest("J5: a command many times larger than etcd takes at once goes in parts", async () => {
  await using etcd = await openEtcdSite();
  await using quorum = await openMemoryQuorum(2, etcdSettings(etcd));
  const data = "0123456789abcdef".repeat(4 * 65_536);
  const checksum = createHash("sha256").update(data).digest("hex");
  await within(
    quorum.member(2).submit({
      type: "SetOverlay",
      overlay: { vcluster_id: "demo", version: 1, data, checksum, built_from_sequence: 0 },
    }, byAnn),
    { what: "the overlay", timeoutMs: 20_000 },
  );
  await write(quorum.member(1), "behind it");
  for (const replica of quorum.members) {
    await replica.waitForLinearizable();
    assert.equal(replica.state.get("overlays", "demo")?.data, data);
  }
});

etcdTest(
  "JRN-58: when the leader's key is taken away another term begins, and nothing is lost or written twice",
  async () => {
    await using etcd = await openEtcdSite();
    const settings = etcdSettings(etcd);
    await using quorum = await openMemoryQuorum(3, settings);
    const { client, keys } = await connectEtcd({ settings, clock: systemClock });
    using _ = { [Symbol.dispose]: () => client.close() };
    const terms = new Set<bigint>();
    for (let round = 0; round < 4; round++) {
      const leader = await quorum.leader();
      terms.add(leader.status().log.term);
      const writes = Array.from(
        { length: 60 },
        (_, at) => write(quorum.member(1 + at % 3), `${round}-${at}`, `id-${round}-${at}`),
      );
      await client.call(({ kv }, options) =>
        kv.txn({
          success: [{ request: { case: "requestDeleteRange", value: { key: keys.leader } } }],
        }, options)
      );
      await within(Promise.all(writes), { what: "the writes", timeoutMs: 20_000 });
    }
    assert.equal(terms.size, 4);
    const messages = await messagesOf(await quorum.leader());
    assert.equal(messages.length, 240);
    assert.equal(new Set(messages).size, 240);
  },
);

etcdTest(
  "JRN-60: while etcd is away writes fail with NO_QUORUM, what is here is read, and the status says why",
  async () => {
    await using etcd = await openEtcdSite();
    await using quorum = await openMemoryQuorum(2, etcdSettings(etcd));
    await write(quorum.member(1), "before");
    await quorum.member(2).waitForLinearizable();
    await etcd.stop(0);
    await assert.rejects(quorum.member(2).waitForLinearizable(), hasCode("NO_QUORUM"));
    await assert.rejects(write(quorum.member(1), "meanwhile"), hasCode("NO_QUORUM"));
    assert.deepEqual(await messagesOf(quorum.member(2)), ["before"]);
    for (const replica of quorum.members) {
      const { leaderId, trouble } = replica.status().log;
      assert.equal(leaderId, undefined);
      assert.match(trouble ?? "", /^etcd: .*is it running/);
    }
    etcd.start(0);
    // etcd lets leases last anew when it comes back.
    await waitFor(() => quorum.members.some((each) => each.status().log.role === "leader"), {
      what: "a leader",
      timeoutMs: 20_000,
    });
    await within(write(quorum.member(2), "after"), { what: "a write", timeoutMs: 20_000 });
    assert.equal(quorum.member(2).status().log.trouble, undefined);
  },
);

etcdTest(
  "JRN-51: records that a majority keeps in snapshots leave etcd, and who lacks them gets a snapshot",
  async () => {
    await using etcd = await openEtcdSite();
    await using quorum = await openMemoryQuorum(3, etcdSettings(etcd));
    const leader = await quorum.leader();
    for (let batch = 0; batch < 30; batch++) {
      await Promise.all(Array.from({ length: 100 }, (_, at) => write(leader, `${batch}-${at}`)));
    }
    for (const replica of quorum.members) {
      await replica.waitForLinearizable();
      await replica.makeSnapshot();
    }
    await waitFor(() => leader.status().log.firstIndex > 1_000n, {
      what: "the oldest records to go",
      timeoutMs: 30_000,
    });
    const late = await quorum.start(4);
    await waitFor(() => late.status().appliedIndex >= leader.status().appliedIndex, {
      what: "the state to reach who came late",
      timeoutMs: 30_000,
    });
    await write(leader, "the last one");
    await late.waitForLinearizable();
    assert.deepEqual(await messagesOf(late), await messagesOf(leader));
  },
);

etcdTest("section 17: a journal that is stopped and started goes on where it was", async () => {
  await using etcd = await openEtcdSite();
  await using quorum = await openMemoryQuorum(2, etcdSettings(etcd));
  await write(quorum.member(2), "one");
  for (const id of [1, 2]) {
    await quorum.stop(id);
    await write(quorum.member(3 - id), `without ${id}`);
    await quorum.start(id);
    await quorum.member(id).waitForLinearizable();
  }
  assert.deepEqual(await messagesOf(quorum.member(1)), ["one", "without 1", "without 2"]);
});

etcdTest(
  "section 17: a leader that is cut off from etcd stops, another goes on, and it follows again when it can",
  async () => {
    await using etcd = await openEtcdSite();
    await using way = new CuttableWay(new URL(etcd.endpoints[0] ?? "").host);
    await using quorum = await openMemoryQuorum(3, etcdSettings(etcd));
    await quorum.stop(1);
    await quorum.stop(2);
    await quorum.stop(3);
    // The first journal alone goes another way, and leads.
    const endpoints = [`https://127.0.0.1:${way.port}`];
    const first = await quorum.start(1, { etcd: etcdSettings(etcd, { endpoints }) });
    await within(write(first, "before"), { what: "a write", timeoutMs: 20_000 });
    await quorum.start(2);
    await quorum.start(3);
    const { term } = first.status().log;
    way.cut();
    const meanwhile = write(first, "in the dark").catch((error) => error);
    await waitFor(() => first.status().log.role !== "leader", {
      what: "the leader to stop",
      timeoutMs: 10_000,
    });
    const second = await waitFor(
      () => quorum.members.find((each) => each !== first && each.quorum.isLeader),
      { what: "another leader", timeoutMs: 10_000 },
    );
    await within(write(second, "without the first"), { what: "a write", timeoutMs: 20_000 });
    assert.ok(second.status().log.term > term);
    assert.ok(hasCode("NO_QUORUM")(await meanwhile));
    assert.deepEqual(await messagesOf(first), ["before"]);
    way.heal();
    await within(write(first, "together"), { what: "a write", timeoutMs: 20_000 });
    assert.deepEqual(
      (await messagesOf(first)).filter((text) => text !== "in the dark"),
      ["before", "without the first", "together"],
    );
    await second.waitForLinearizable();
    assert.deepEqual(await messagesOf(second), await messagesOf(first));
  },
);
