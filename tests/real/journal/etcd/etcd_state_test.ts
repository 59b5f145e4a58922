import assert from "node:assert/strict";
import { systemClock } from "../../../../common/clock/mod.ts";
import { createCa } from "../../../../common/tls/mod.ts";
import { restoreBackup } from "../../../../journal/backup/mod.ts";
import { openReplica, type ReplicaOptions } from "../../../../journal/replica/mod.ts";
import { countersOf } from "../../../../journal/state/mod.ts";
import { etcdSettings, etcdTest, openEtcdSite } from "../../../support/etcd/mod.ts";
import {
  ANN,
  append,
  memberAddress,
  MemoryQuorum,
  signedBackup,
  streamOf,
} from "../../../support/journal/mod.ts";
import { tempDir, waitFor } from "../../../support/mod.ts";

const byAnn = { actor: ANN };

const open = (dataDir: string, quorum: Partial<ReplicaOptions["quorum"]> = {}) =>
  openReplica({
    dataDir,
    clock: systemClock,
    random: Math.random,
    quorum: { id: 1, founding: [memberAddress(1)], ...quorum },
  });

etcdTest(
  "JRN-68: on etcd, too, a cluster founded on a restored state goes on where the backup ended",
  async () => {
    await using etcd = await openEtcdSite();
    await using dir = await tempDir();
    const now = new Date("2026-01-01T00:00:00Z");
    const ca = await createCa({ commonName: "pact journal 1 CA", validDays: 365, now });
    await restoreBackup(streamOf(await signedBackup(ca, 25)), dir.file("member-1"));
    const settings = etcdSettings(etcd);
    await assert.rejects(
      openReplica({
        dataDir: dir.file("member-1"),
        clock: systemClock,
        random: Math.random,
        quorum: { id: 1, etcd: settings },
      }),
      /is a restored state, which belongs to no cluster: start this member with --bootstrap/,
    );
    const file = (name: string) => dir.file(name);
    await using quorum = new MemoryQuorum(
      { file, [Symbol.asyncDispose]: async () => {} },
      3,
      settings,
    );
    for (const id of [1, 2, 3]) await quorum.start(id);
    await waitFor(() => quorum.members.every(({ appliedSequence }) => appliedSequence === 24), {
      what: "the restored entries at all journals",
      timeoutMs: 20_000,
    });
    await quorum.member(2).submit(append({ message: "after the restore" }), byAnn);
    await waitFor(() => quorum.members.every(({ appliedSequence }) => appliedSequence === 25), {
      what: "the new entry at all journals",
    });
    const heads = quorum.members.map(({ state }) => countersOf(state).head_hash);
    assert.equal(new Set(heads).size, 1);
  },
);

etcdTest(
  "demand 11: a data directory of the other engine, or of another prefix, is refused",
  async () => {
    await using etcd = await openEtcdSite();
    await using dir = await tempDir();
    const settings = etcdSettings(etcd);
    for (const [name, engine] of [["raft", {}], ["etcd", { etcd: settings }]] as const) {
      const replica = await open(dir.file(name), engine);
      await replica.submit(append({}), byAnn);
      await replica.close();
    }
    const elsewhere = { etcd: etcdSettings(etcd, { prefix: "/pact/elsewhere" }) };
    await assert.rejects(
      open(dir.file("raft"), elsewhere),
      /etcd holds no journal below \/pact\/elsewhere/,
    );
    await assert.rejects(
      open(dir.file("etcd"), elsewhere),
      /etcd holds no journal below \/pact\/elsewhere/,
    );
    await assert.rejects(
      open(dir.file("raft"), { etcd: settings }),
      /etcd holds cluster .* belongs to cluster/,
    );
    await assert.rejects(open(dir.file("etcd")), /log ends at/);
    await (await open(dir.file("etcd"), { etcd: settings })).close();
  },
);
