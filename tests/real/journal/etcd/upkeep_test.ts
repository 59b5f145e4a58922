import assert from "node:assert/strict";
import { systemClock } from "../../../../common/clock/mod.ts";
import { connectEtcd, EtcdError } from "../../../../journal/etcd/mod.ts";
import { put, readPage, transact, wasMadeAt } from "../../../../journal/etcd/store.ts";
import { Upkeep } from "../../../../journal/etcd/upkeep.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { etcdSettings, etcdTest, openEtcdSite } from "../../../support/etcd/mod.ts";
import { ANN, append, openMemoryQuorum } from "../../../support/journal/mod.ts";
import { waitFor } from "../../../support/mod.ts";

const key = new TextEncoder().encode("/of/somebody/else");

etcdTest(
  "demand 11: the leader lets etcd forget what is older than five minutes, unless it shall not",
  async () => {
    await using etcd = await openEtcdSite();
    const { client, keys, overview } = await connectEtcd({
      settings: etcdSettings(etcd),
      clock: systemClock,
    });
    using _ = { [Symbol.dispose]: () => client.close() };
    const begin = overview.revision + 1n;
    for (let count = 0; count < 5; count++) {
      await transact(client, { compare: [], success: [put(key, new Uint8Array(count))] });
    }
    const isForgotten = async () => {
      try {
        await client.call(({ kv }, options) => kv.range({ key, revision: begin }, options));
        return false;
      } catch (error) {
        if (error instanceof EtcdError && error.kind === "compacted") return true;
        throw error;
      }
    };
    for (const compactsHistory of [false, true]) {
      const clock = new VirtualClock();
      const upkeep = new Upkeep({
        client,
        keys,
        clock,
        compactsHistory,
        fence: () => wasMadeAt(keys.leader, 0n),
        trimTo: () => 0,
      });
      await waitFor(async () => {
        clock.advance(60_000);
        return await isForgotten() || clock.monotonicMs() > 20 * 60_000;
      }, { what: "history to be forgotten or time to pass", timeoutMs: 30_000 });
      await upkeep.close();
      assert.equal(await isForgotten(), compactsHistory);
    }
    const { values } = await readPage(client, { key, rangeEnd: new Uint8Array(0) }, 1);
    assert.equal(values[0]?.byteLength, 4, "what is, stays");
    assert.equal(client.trouble, undefined);
  },
);

etcdTest(
  "demand 11: of an etcd that is full the status says so, and what is there is still read",
  async () => {
    const quotaBytes = 16 * 1024 * 1024;
    await using etcd = await openEtcdSite({ args: [`--quota-backend-bytes=${quotaBytes}`] });
    const settings = etcdSettings(etcd);
    await using quorum = await openMemoryQuorum(1, settings);
    const journal = quorum.member(1);
    await journal.submit(append({ message: "before" }), { actor: ANN });
    const { client } = await connectEtcd({ settings, clock: systemClock });
    using _ = { [Symbol.dispose]: () => client.close() };
    await assert.rejects(async () => {
      for (let count = 0; count < 100; count++) {
        await transact(client, { compare: [], success: [put(key, new Uint8Array(1_000_000))] });
      }
    }, (error) => error instanceof EtcdError && error.kind === "full");
    const enough = new AbortController();
    const write = journal.submit(append({ message: "no room" }), {
      actor: ANN,
      signal: enough.signal,
    });
    await waitFor(() => /space/i.test(journal.status().log.trouble ?? ""), {
      what: "the trouble to be told",
      timeoutMs: 20_000,
    });
    enough.abort(new Error("enough"));
    await assert.rejects(write, /enough/);
    await journal.waitForLinearizable();
    assert.equal(journal.entry(0)?.message, "before");
  },
);
