/**
 * Three real journals as one log: real processes, disks, ports and certificates.
 */
import assert from "node:assert/strict";
import { ConnectError } from "@connectrpc/connect";
import { fromConnectError } from "../../common/errors/mod.ts";
import { callHeaders } from "../../common/rpc/mod.ts";
import { waitFor, within } from "../support/mod.ts";
import {
  appendUntil,
  entryOf,
  onBothEngines,
  openQuorumSite,
  type QuorumSite,
  readLog,
} from "../support/quorum/mod.ts";

onBothEngines(
  "demand 7, JRN-58: three journals are one log: each takes writes, each reads them",
  async (openSite) => {
    await using site = await openSite();
    await site.startAll();
    for (const id of site.runningIds) {
      using clients = await site.dial(id);
      const { sequence } = await clients.config.appendEntry(entryOf(`at ${id}`));
      const own = await clients.config.getEntry({ sequence }, {
        headers: callHeaders({ minSequence: sequence }),
      });
      assert.equal(
        own.message,
        `at ${id}`,
        "ACC-7: what was just written is read where it was written",
      );
    }
    const [first, ...others] = await Promise.all(site.runningIds.map((id) => readLog(site, id)));
    for (const log of others) assert.deepEqual(log, first);
  },
);

onBothEngines(
  "JRN-57, section 17: kill -9 of the leader during writes: every write with a request id is there exactly once",
  async (openSite) => {
    await using site = await openSite();
    await site.startAll();
    const enough = new AbortController();
    const load = appendUntil(site, { writers: 4, prefix: "kill", until: enough.signal });
    const acknowledgedTo = async (count: number) => {
      using clients = await site.dial(await site.leader());
      await waitFor(
        async () => (await clients.fleet.getClusterStatus({})).nextSequence >= BigInt(count),
        { what: `${count} entries`, timeoutMs: 30_000 },
      );
    };
    for (let round = 1; round <= 3; round++) {
      await acknowledgedTo(round * 40);
      const leader = await site.leader();
      const { signal } = await site.stop(leader, "SIGKILL");
      assert.equal(signal, "SIGKILL");
      const atMs = performance.now();
      await site.leader();
      assert.ok(performance.now() - atMs < 5_000, "section 16: another one leads within 5 s");
      await site.start(leader);
    }
    enough.abort();
    const { acknowledged } = await load;
    await assertExactlyOnce(site, acknowledged);
  },
);

onBothEngines("DEP-92: a dead member of three is replaced while writes go on", async (openSite) => {
  await using site = await openSite();
  await site.startAll();
  const enough = new AbortController();
  const load = appendUntil(site, { writers: 2, prefix: "replace", until: enough.signal });
  const leader = await site.leader();
  const dead = site.runningIds.find((id) => id !== leader) ?? 0;
  await site.stop(dead, "SIGKILL");
  const admin = site.runningIds.find((id) => id !== leader) ?? 0;

  const early = await site.member(admin, ["promote", "4"]);
  assert.match(early.stderr, /there is no member 4; the members are 1, 2, 3/);
  const { raft, api } = site.place(4);
  const added = await site.member(admin, ["add", "4", raft, api]);
  assert.equal(added.code, 0, added.stderr);
  const away = await site.member(admin, ["promote", "4"]);
  assert.match(away.stderr, /member 4 cannot be reached: start it at/);
  await site.start(4, ["--join"]);
  const learner = await waitFor(async () => {
    const health = await site.health(4);
    return health?.status === "healthy" ? health : undefined;
  }, { what: "member 4 to hear of its leader", timeoutMs: 20_000 });
  assert.equal(learner.role, "learner");
  assert.ok((await readLog(site, 4)).size > 0, "JRN-61: a learner serves reads");
  const promoted = await waitFor(async () => {
    const end = await site.member(admin, ["promote", "4"]);
    return end.code === 0 ? end : undefined;
  }, { what: "member 4 to catch up", timeoutMs: 30_000 });
  assert.match(promoted.stdout, /^4 +voter +up/m);
  const removed = await site.member(admin, ["remove", String(dead)]);
  assert.equal(removed.code, 0, removed.stderr);
  assert.doesNotMatch(removed.stdout, new RegExp(`^${dead} `, "m"));

  // The new three tolerate the loss of one.
  await site.stop(leader, "SIGKILL");
  await site.leader();
  using clients = await site.dial(4);
  await clients.config.appendEntry(entryOf("by the new three"));
  enough.abort();
  const { acknowledged } = await load;
  await assertExactlyOnce(site, acknowledged);
  const records = [];
  for await (const { detail } of clients.fleet.queryAudit({ operationTypes: ["MemberChange"] })) {
    records.push(detail);
  }
  assert.ok(records.some((text) => text === `asked for: remove member ${dead}`), "AUD-5");
});

onBothEngines(
  "demand 7: leadership is handed to whom the admin names, and back by whoever leads when it is stopped",
  async (openSite) => {
    await using site = await openSite();
    await site.startAll();
    const first = await site.leader();
    const next = site.runningIds.find((id) => id !== first) ?? 0;
    const { code, stderr, stdout } = await site.member(first, ["transfer", String(next)]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`^${next} +leader`, "m"));
    assert.equal(await site.leader(), next);

    const term = async (id: number) => {
      using clients = await site.dial(id);
      return (await clients.fleet.getClusterStatus({})).term;
    };
    const before = await term(first);
    const end = await within(site.stop(next), { what: "the end of the leader", timeoutMs: 10_000 });
    assert.equal(end.code, 0, end.stderr);
    const atMs = performance.now();
    await site.leader();
    // Waiting for a leader's silence would take an election timeout of a second at least.
    assert.ok(performance.now() - atMs < 900, "JRN-62: somebody leads already");
    assert.ok(await term(first) > before);
  },
);

Deno.test("JRN-60: without a majority writes fail with no quorum, and reads and health go on", async () => {
  await using site = await openQuorumSite();
  await site.startAll();
  using clients = await site.dial(1);
  const { sequence } = await clients.config.appendEntry(entryOf("while there were three"));
  await clients.config.getEntry({ sequence }, {
    headers: callHeaders({ minSequence: sequence }),
  });
  await Promise.all([site.stop(2, "SIGKILL"), site.stop(3, "SIGKILL")]);
  const atMs = performance.now();
  const refusal = await clients.config.appendEntry(entryOf("alone"), { timeoutMs: 25_000 }).then(
    () => undefined,
    (error: unknown) => fromConnectError(ConnectError.from(error)),
  );
  assert.equal(refusal?.code, "NO_QUORUM");
  assert.match(refusal?.message ?? "", /no quorum/);
  assert.ok(performance.now() - atMs < 25_000);
  assert.equal((await clients.config.getEntry({ sequence })).message, "while there were three");
  const unhealthy = await waitFor(async () => {
    const health = await site.health(1);
    return health?.httpStatus === 503 ? health : undefined;
  }, { what: "the member to call itself degraded", timeoutMs: 20_000 });
  assert.equal(unhealthy.status, "degraded");
  assert.match(unhealthy.reason ?? "", /no leader known for \d+ s/);

  await site.start(2);
  await site.leader();
  await clients.config.appendEntry(entryOf("two of three"));
  assert.equal((await site.health(1))?.httpStatus, 200);
});

onBothEngines(
  "section 17: of two processes with one node id the second is refused and exits 1",
  async (openSite) => {
    await using site = await openSite();
    await site.startAll();
    const { id } = site.place(2);
    const other = { ...site.place(9), id };
    const program = await site.spawn(other, []);
    const end = await within(program.ended, { what: "the end of the second", timeoutMs: 20_000 });
    assert.equal(end.code, 1, end.stderr);
    assert.match(
      end.stderr,
      /another process is connected as member 2: every member needs a node id of its own/,
    );
    using clients = await site.dial(2);
    await clients.config.appendEntry(entryOf("the first one goes on"));
    assert.deepEqual(site.runningIds, [1, 2, 3]);
  },
);

onBothEngines(
  "section 17: after a restart of all, by SIGTERM or by power cut, everything is there and writes go on",
  async (openSite) => {
    await using site = await openSite();
    await site.startAll();
    const expected = new Map<bigint, string>();
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      using clients = await site.dial(await site.leader());
      for (let count = 0; count < 20; count++) {
        const message = `before ${signal} ${count}`;
        const { sequence } = await clients.config.appendEntry(entryOf(message));
        expected.set(sequence, message);
      }
      await Promise.all(site.runningIds.map((id) => site.stop(id, signal)));
      await site.startAll();
      const log = await readLog(site, 1);
      for (const [sequence, message] of expected) assert.equal(log.get(sequence), message);
    }
    using clients = await site.dial(3);
    await clients.config.appendEntry(entryOf("after"));
  },
);

onBothEngines(
  "JRN-55: a member that was started before the cluster was founded waits, and joins it once it is",
  async (openSite) => {
    await using site = await openSite();
    await site.start(2);
    const waiting = await site.health(2);
    assert.equal(waiting?.httpStatus, 503);
    assert.equal(waiting?.role, "uninitialized");
    await site.stop(2);
    // Nobody's state is lost when it is the one that founds after all.
    await Promise.all([site.start(2, ["--bootstrap"]), site.start(1), site.start(3)]);
    await site.leader();
    const again = await site.stop(2).then(() => site.start(2, ["--bootstrap"]));
    await again.waitForOutput(/--bootstrap has no effect: this member has state already/);
    using clients = await site.dial(2);
    await clients.config.appendEntry(entryOf("together"));
  },
);

Deno.test("JRN-53, DEP-52: a second cluster founded by mistake is refused by the first, and says so", async () => {
  await using site = await openQuorumSite();
  await Promise.all([site.start(1, ["--bootstrap"]), site.start(3)]);
  await site.leader();
  const mistaken = await site.spawn(site.place(2), ["--bootstrap"]);
  const end = await within(mistaken.ended, { what: "its end", timeoutMs: 20_000 });
  assert.equal(end.code, 1);
  assert.match(
    end.stderr,
    /--bootstrap would found a second cluster, .* belongs to cluster .* already/,
  );
  await site.start(2);
  using clients = await site.dial(2);
  await waitFor(() => clients.config.appendEntry(entryOf("in the one cluster")), {
    what: "the second to be in the first's",
    timeoutMs: 20_000,
  });
});

Deno.test("DEP-92: a member that lost its data takes no part under its old id, and says what to do", async () => {
  await using site = await openQuorumSite();
  await site.startAll();
  const leader = await site.leader();
  using clients = await site.dial(leader);
  for (let count = 0; count < 20; count++) {
    await clients.config.appendEntry(entryOf(`entry ${count}`));
  }
  const victim = site.runningIds.find((id) => id !== leader) ?? 0;
  await site.stop(victim);
  await Deno.remove(`${site.place(victim).root}/var`, { recursive: true });
  const program = await site.start(victim);
  await program.waitForOutput(
    /took part with another data directory than this one .*add one with an empty data/,
  );
  const health = await site.health(victim);
  assert.equal(health?.httpStatus, 503);
  assert.match(health?.reason ?? "", /^member \d took part with another data directory/);
  await clients.config.appendEntry(entryOf("the others go on"));
});

onBothEngines(
  "JRN-56, DEP-90: one journal grows to five, which tolerate the loss of two",
  async (openSite) => {
    await using site = await openSite({ size: 1 });
    await site.startAll();
    using first = await site.dial(1);
    await first.config.appendEntry(entryOf("alone"));
    for (const id of [2, 3, 4, 5]) {
      const { raft, api } = site.place(id);
      const added = await site.member(1, ["add", String(id), raft, api]);
      assert.equal(added.code, 0, added.stderr);
      await site.start(id, ["--join"]);
      await waitFor(async () => (await site.member(1, ["promote", String(id)])).code === 0, {
        what: `member ${id} to catch up`,
        timeoutMs: 30_000,
      });
    }
    await Promise.all([site.stop(1, "SIGKILL"), site.stop(2, "SIGKILL")]);
    await site.leader();
    using third = await site.dial(3);
    await third.config.appendEntry(entryOf("three of five"));
    const log = await readLog(site, 4);
    assert.deepEqual([...log.values()], ["alone", "three of five"]);
  },
);

onBothEngines(
  "JRN-6, JRN-53: a member without its Raft port or its certificate does not start, and names what it lacks",
  async (openSite) => {
    await using site = await openSite();
    const place = site.place(1);
    const port = Number(place.raft.split(":")[1]);
    const taken = Deno.listen({ hostname: "127.0.0.1", port });
    const blocked = await site.spawn(place, ["--bootstrap"]);
    const end = await within(blocked.ended, { what: "the end", timeoutMs: 20_000 });
    taken.close();
    assert.equal(end.code, 1);
    assert.match(end.stderr, /Raft listener on 127\.0\.0\.1:\d+: .*in use/);

    await Deno.remove(`${place.root}/etc/pact/certs/node.key`);
    const keyless = await site.spawn(place, ["--bootstrap"]);
    const { code, stderr } = await within(keyless.ended, { what: "the end", timeoutMs: 20_000 });
    assert.equal(code, 1);
    assert.match(stderr, /node\.key/);
  },
);

/** What was acknowledged is there as it was, nothing is there twice, and nothing is missing. */
async function assertExactlyOnce(
  site: QuorumSite,
  acknowledged: ReadonlyMap<bigint, string>,
): Promise<void> {
  const logs = await Promise.all(site.runningIds.map((id) => readLog(site, id)));
  for (const log of logs) {
    assert.deepEqual([...log.keys()], [...log.keys()].map((_, at) => BigInt(at)), "J1: no gaps");
    const messages = [...log.values()].filter((message) => message.includes("writer"));
    assert.equal(new Set(messages).size, messages.length, "JRN-57: nothing twice");
    for (const [sequence, message] of acknowledged) {
      assert.equal(log.get(sequence), message, `entry ${sequence}`);
    }
  }
  assert.ok(acknowledged.size > 50, `only ${acknowledged.size} entries`);
}
