import assert from "node:assert/strict";
import { systemClock } from "../../../../common/clock/mod.ts";
import { Appender } from "../../../../journal/etcd/appender.ts";
import { connectEtcd, type EtcdConnection, EtcdError } from "../../../../journal/etcd/mod.ts";
import type { EtcdCaller } from "../../../../journal/etcd/etcd_client.ts";
import { LogFollower } from "../../../../journal/etcd/log_follower.ts";
import { encodeLeader } from "../../../../journal/etcd/pieces.ts";
import { put, readHead, transact } from "../../../../journal/etcd/store.ts";
import type { LogRecord } from "../../../../journal/log/mod.ts";
import { etcdSettings, etcdTest, openEtcdSite } from "../../../support/etcd/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { seededRandom } from "../../../support/site/mod.ts";

const MEMBERS = [{ id: 1, raft: "localhost:9444", api: "localhost:9443" }];
const SEED = Number(Deno.env.get("PACT_SEED") ?? 11);

/** What may become of a call besides being answered. */
interface Faults {
  /** Never made. */
  readonly lost: number;
  /** Made, and not answered. */
  readonly unanswered: number;
  /** Not answered, and made at some later time. */
  readonly late: number;
}

/** Calls of etcd over a bad network; `settled` waits for those that are still to come. */
class FaultyCaller implements EtcdCaller {
  readonly #late = new Set<Promise<unknown>>();

  constructor(
    private readonly inner: EtcdCaller,
    private readonly random: () => number,
    private readonly faults: Faults,
  ) {}

  call: EtcdCaller["call"] = async (make, signal) => {
    const { lost, unanswered, late } = this.faults;
    const fate = this.random();
    if (fate < late) {
      const delayMs = this.random() * 500;
      const call = new Promise((resolve) => setTimeout(resolve, delayMs))
        .then(() => this.inner.call(make)).catch(() => {}).finally(() => this.#late.delete(call));
      this.#late.add(call);
    }
    if (fate < late + lost) throw new EtcdError("unreachable", "lost on the way");
    const answer = await this.inner.call(make, signal);
    if (fate < late + lost + unanswered) throw new EtcdError("unreachable", "lost on the way back");
    return answer;
  };

  async settled(): Promise<void> {
    await Promise.all(this.#late);
  }
}

const payloadOf = (text: string) => ({
  kind: "payload" as const,
  payload: new TextEncoder().encode(text),
});

/** Makes the leader's key anew, as another journal does once it is gone. */
async function takeLead({ client, keys }: EtcdConnection): Promise<bigint> {
  await client.call(({ kv }, options) =>
    kv.txn({
      success: [{ request: { case: "requestDeleteRange", value: { key: keys.leader } } }],
    }, options)
  );
  const { revision } = await transact(client, {
    compare: [],
    success: [put(keys.leader, encodeLeader(1))],
  });
  return revision;
}

/** All of the log behind the founding record. */
async function readLog(connection: EtcdConnection): Promise<LogRecord[]> {
  const { lastIndex } = await readHead(connection.client, connection.keys);
  const records: LogRecord[] = [];
  const enough = new AbortController();
  const follower = new LogFollower({
    ...connection,
    clock: systemClock,
    nextIndex: 2,
    onRecords: (some) => {
      records.push(...some);
      return Promise.resolve();
    },
    onHead: () => {},
    onTrimmed: () => assert.fail("a gap in the log"),
  });
  const running = follower.run(enough.signal);
  await waitFor(() => follower.nextIndex > lastIndex, { what: "all of the log" });
  enough.abort();
  await running;
  return records;
}

async function connect(site: Awaited<ReturnType<typeof openEtcdSite>>): Promise<EtcdConnection> {
  return await connectEtcd({
    settings: etcdSettings(site),
    clock: systemClock,
    founding: MEMBERS,
  });
}

etcdTest(
  "J1: a former leader writes nothing any more, whatever it still had to write",
  async () => {
    await using site = await openEtcdSite();
    const connection = await connect(site);
    const { client, keys } = connection;
    using _ = { [Symbol.dispose]: () => client.close() };
    const lost: number[] = [];
    const begin = (createRevision: bigint) =>
      new Appender({
        client,
        keys,
        createRevision,
        term: Number(createRevision),
        clock: systemClock,
        onWritten: () => {},
        onLost: () => lost.push(Number(createRevision)),
      });
    const first = begin(await takeLead(connection));
    first.append([payloadOf("one")]);
    await waitFor(() => !first.isBusy, { what: "the first write" });
    const revision = await takeLead(connection);
    first.append([payloadOf("of the former leader")]);
    await waitFor(() => lost.length === 1, { what: "the former leader to notice" });
    assert.equal(first.append([payloadOf("more")]), false);
    const second = begin(revision);
    second.append([payloadOf("two")]);
    await waitFor(() => !second.isBusy, { what: "the second write" });
    await second.stop();
    const texts = (await readLog(connection)).map(({ payload }) =>
      new TextDecoder().decode(payload)
    );
    assert.deepEqual(texts, ["one", "two"]);
  },
);

etcdTest(
  `JRN-57: whatever a network does to a leader's calls, what it wrote is there once and in order (seed ${SEED})`,
  async () => {
    await using site = await openEtcdSite();
    const connection = await connect(site);
    const { client, keys } = connection;
    using _ = { [Symbol.dispose]: () => client.close() };
    const random = seededRandom(SEED);
    const caller = new FaultyCaller(client, random, { lost: 0.05, unanswered: 0.15, late: 0.25 });
    const appended = new Map<number, string[]>();
    const written = new Map<number, number>();
    let before: Appender | undefined;
    for (let round = 0; round < 10; round++) {
      const createRevision = await takeLead(connection);
      const term = Number(createRevision);
      const start = (await readHead(client, keys)).lastIndex;
      const texts: string[] = [];
      appended.set(term, texts);
      const appender = new Appender({
        client: caller,
        keys,
        createRevision,
        term,
        clock: systemClock,
        onWritten: ({ lastIndex }) => written.set(term, lastIndex),
        onLost: () => {},
      });
      for (let batch = 0; batch < 10; batch++) {
        const records = Array.from(
          { length: 1 + Math.floor(random() * 5) },
          (_, at) => `${round}.${batch}.${at}`,
        );
        // The former leader does not know yet, and goes on.
        before?.append(records.map((text) => payloadOf(`${text} of the former leader`)));
        if (appender.append(records.map(payloadOf))) texts.push(...records);
        await new Promise((resolve) => setTimeout(resolve, random() * 40));
      }
      await waitFor(() => (written.get(term) ?? 0) >= start + texts.length, {
        what: "all of it to be written",
        timeoutMs: 20_000,
      });
      await before?.stop();
      // Whatever is still under way comes now, or when somebody else leads.
      if (random() < 0.7) await caller.settled();
      before = appender;
    }
    await before?.stop();
    await caller.settled();

    const log = await readLog(connection);
    assert.deepEqual(log.map(({ index }) => index), log.map((_, at) => BigInt(at + 2)), "no gap");
    const terms = log.map(({ term }) => Number(term));
    assert.deepEqual(terms, terms.toSorted((a, b) => a - b), "terms never go back");
    for (const [term, texts] of appended) {
      const there = log.filter((record) => Number(record.term) === term)
        .map(({ payload }) => new TextDecoder().decode(payload));
      assert.deepEqual(there, texts, `in order, once, in term ${term}`);
    }
  },
);
