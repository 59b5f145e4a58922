/**
 * What users see of journals whose log a site's etcd keeps, where it differs from a quorum of theirs.
 */
import assert from "node:assert/strict";
import { ConnectError } from "@connectrpc/connect";
import { fromConnectError } from "../../common/errors/mod.ts";
import { waitFor, within } from "../support/mod.ts";
import { entryOf, onEtcd, readLog } from "../support/quorum/mod.ts";

onEtcd(
  "JRN-60: one journal suffices to write; without etcd's majority writes fail with no quorum, and reads go on",
  async (openSite) => {
    await using site = await openSite();
    await site.startAll();
    await Promise.all([site.stop(2, "SIGKILL"), site.stop(3, "SIGKILL")]);
    await site.leader();
    using clients = await site.dial(1);
    const { sequence } = await clients.config.appendEntry(entryOf("alone"));
    const etcd = site.etcd ?? assert.fail("no etcd");
    await Promise.all([etcd.stop(0), etcd.stop(1)]);
    const refusal = await clients.config.appendEntry(entryOf("without etcd"), { timeoutMs: 25_000 })
      .then(() => undefined, (error: unknown) => fromConnectError(ConnectError.from(error)));
    assert.equal(refusal?.code, "NO_QUORUM");
    assert.equal((await clients.config.getEntry({ sequence })).message, "alone");
    const unhealthy = await waitFor(async () => {
      const health = await site.health(1);
      return health?.httpStatus === 503 ? health : undefined;
    }, { what: "the journal to call itself degraded", timeoutMs: 20_000 });
    assert.match(unhealthy.reason ?? "", /etcd: .*has it a quorum\?/);
    const { logEngine, logTrouble } = await clients.fleet.getClusterStatus({});
    assert.equal(logEngine, "etcd");
    assert.match(logTrouble, /^etcd: /);
    etcd.start(0);
    await waitFor(() => clients.config.appendEntry(entryOf("etcd is back")), {
      what: "a write",
      timeoutMs: 30_000,
    });
    await waitFor(async () => (await site.health(1))?.httpStatus === 200, {
      what: "the journal to call itself healthy",
      timeoutMs: 10_000,
    });
  },
);

onEtcd(
  "demand 11: a journal whose etcd does not answer does not start, and says why",
  async (openSite) => {
    await using site = await openSite({ size: 1 });
    await site.startAll();
    await site.stop(1);
    const etcd = site.etcd ?? assert.fail("no etcd");
    const place = site.place(1);
    await Promise.all(Array.from({ length: etcd.size }, (_, at) => etcd.stop(at)));
    const program = await site.spawn(place, []);
    const end = await within(program.ended, { what: "the end", timeoutMs: 60_000 });
    assert.equal(end.code, 1);
    assert.match(end.stderr, /pact-journal: etcd: .*https:\/\/127\.0\.0\.1:\d+.*is it running/);
  },
);

onEtcd("DEP-92: a journal that lost its data gets it back under its old id", async (openSite) => {
  await using site = await openSite();
  await site.startAll();
  using clients = await site.dial(1);
  for (let count = 0; count < 20; count++) {
    await clients.config.appendEntry(entryOf(`entry ${count}`));
  }
  await site.stop(2);
  await Deno.remove(`${site.place(2).root}/var`, { recursive: true });
  await site.start(2);
  await waitFor(async () => (await site.health(2))?.status === "healthy", {
    what: "the journal to be healthy",
    timeoutMs: 20_000,
  });
  assert.deepEqual(await readLog(site, 2), await readLog(site, 1));
});
