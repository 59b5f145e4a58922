import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { config, journal } from "../../api/mod.ts";
import { needing, waitFor } from "../support/mod.ts";
import { canMount, fillDisk, smallDisk } from "../support/small_disk.ts";
import { appendUntil, openQuorumSite, type QuorumSite, readLog } from "../support/quorum/mod.ts";
import { openSite, type SiteJournal } from "../support/site/mod.ts";

/** Room of the data directory: enough for a start, little enough to fill soon. */
const DISK_BYTES = 64 * 1024 * 1024;
const MESSAGE = "x".repeat(4000);

async function health({ metricsAddress }: SiteJournal) {
  const answer = await fetch(`http://${metricsAddress}/health`);
  return { status: answer.status, body: await answer.text() };
}

Deno.test({
  ...needing(
    canMount,
    "root and leave to mount",
    "demand 4: with its disk full a journal refuses writes, says so, goes on reading, and has lost nothing after a restart",
  ),
  fn: async () => {
    await using site = await openSite();
    const data = site.journalDataDirectory;
    await using _disk = await smallDisk(data, DISK_BYTES);
    const running = await site.startJournal();
    await site.addPerson({ name: "ann", role: "pact-platform-admin" });
    const transport = await site.connect("ann");
    using _connection = { [Symbol.dispose]: () => transport.close() };
    const client = createClient(journal.ConfigService, transport);
    const append = async () => {
      const { sequence } = await client.appendEntry({
        entry: {
          entryType: config.EntryType.COMMIT,
          scope: { scope: { case: "vclusterId", value: "ml" } },
          message: MESSAGE,
        },
      });
      return sequence;
    };
    const acknowledged = [await append()];
    assert.equal((await health(running)).status, 200);

    // Writes go on meanwhile, so that some are answered shortly before there is no room for them.
    const filled = fillDisk(`${data}/ballast`);
    const refusal = await waitFor(async () => {
      try {
        acknowledged.push(await append());
        return undefined;
      } catch (error) {
        return ConnectError.from(error);
      }
    }, { what: "a refused write", timeoutMs: 30_000 });
    await filled;

    assert.equal(refusal.code, Code.Unavailable, refusal.message);
    const told = await waitFor(async () => {
      const now = await health(running);
      return now.status === 503 && now;
    }, { what: "/health to tell" });
    assert.match(told.body, /full|space/i);
    await assert.rejects(append());
    const assertReadable = async () => {
      for (const sequence of acknowledged) {
        assert.equal((await client.getEntry({ sequence })).message, MESSAGE);
      }
    };
    await assertReadable();

    await site.stop("journal", "SIGKILL");
    await Deno.remove(`${data}/ballast`);
    await site.startJournal();
    await assertReadable();
    assert.ok(await append() > (acknowledged.at(-1) ?? 0n));
  },
});

Deno.test({
  ...needing(
    canMount,
    "root and leave to mount",
    "section 17: a leader whose disk is full steps down and says so, the others go on, and nothing acknowledged is lost",
  ),
  fn: async () => {
    await using site = await openQuorumSite();
    const data = `${site.place(1).root}/var/lib/pact/journal`;
    await Deno.mkdir(data, { recursive: true });
    await using _disk = await smallDisk(data, DISK_BYTES);
    await site.startAll();
    const first = await site.leader();
    if (first !== 1) await site.member(first, ["transfer", "1"]);
    assert.equal(await site.leader(), 1);
    const enough = new AbortController();
    const load = appendUntil(site, { writers: 3, prefix: "full", until: enough.signal });
    try {
      await entriesAt(site, 2, 30);
      await fillDisk(`${data}/ballast`);

      const next = await site.leader([2, 3]);
      const told = await waitFor(async () => {
        const health = await site.health(1);
        return health?.httpStatus === 503 ? health : undefined;
      }, { what: "the full member to say so", timeoutMs: 20_000 });
      assert.notEqual(told.role, "leader");
      assert.match(told.reason ?? "", /full|space/i);
      using clients = await site.dial(next);
      const { nextSequence } = await clients.fleet.getClusterStatus({});
      await entriesAt(site, next, Number(nextSequence) + 30);
      using full = await site.dial(1);
      assert.ok((await full.config.getEntry({ sequence: 0n })).message !== "", "it reads on");
    } finally {
      enough.abort();
    }
    const { acknowledged } = await load;

    await site.stop(1, "SIGKILL");
    await Deno.remove(`${data}/ballast`);
    await site.start(1);
    const log = await readLog(site, 1);
    for (const [sequence, message] of acknowledged) assert.equal(log.get(sequence), message);
  },
});

/** Waits until a member has so many entries. */
async function entriesAt(site: QuorumSite, id: number, count: number): Promise<void> {
  using clients = await site.dial(id);
  await waitFor(
    async () => (await clients.fleet.getClusterStatus({})).nextSequence >= BigInt(count),
    { what: `${count} entries at member ${id}`, timeoutMs: 30_000 },
  );
}
