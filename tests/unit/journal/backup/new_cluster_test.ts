import assert from "node:assert/strict";
import { createCa } from "../../../../common/tls/mod.ts";
import { LogVerifier } from "../../../../common/verify/mod.ts";
import { restoreBackup } from "../../../../journal/backup/mod.ts";
import { openReplica } from "../../../../journal/replica/mod.ts";
import { countersOf, storedCluster } from "../../../../journal/state/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { ANN, append, MemoryQuorum, signedBackup, streamOf } from "../../../support/journal/mod.ts";
import { tempDir, waitFor } from "../../../support/mod.ts";

const now = new Date("2026-01-01T00:00:00Z");
const ca = await createCa({ commonName: "pact journal 1 CA", validDays: 365, now });
const backup = await signedBackup(ca, 25);

const open = (dataDir: string) => openReplica({ dataDir, clock: systemClock, random: Math.random });

Deno.test("JRN-68: a cluster founded on a restored state goes on where the backup ended, also after a restart", async () => {
  await using dir = await tempDir();
  const { metadata } = await restoreBackup(streamOf(backup), dir.path);
  let clusterId: string | undefined;
  for (const expected of [25, 26]) {
    const replica = await open(dir.path);
    try {
      const result = await replica.submit(append({}), { actor: ANN });
      assert.equal(result.kind === "EntryAppended" && result.sequence, expected);
      assert.ok(Number(replica.status().appliedIndex) > metadata.last_index);
      clusterId ??= storedCluster(replica.state)?.cluster_id;
      assert.equal(storedCluster(replica.state)?.cluster_id, clusterId);
      const verifier = new LogVerifier({ trustedPem: ca.certPem });
      for (const [, signer] of replica.state.list("checkpoint_signers")) {
        verifier.addSigner(signer.certificate_pem);
      }
      for (const [, checkpoint] of replica.state.list("checkpoints")) {
        verifier.addCheckpoint(checkpoint);
      }
      for await (const entry of replica.entries()) verifier.entry(entry);
      const report = verifier.end(expected + 1);
      assert.deepEqual([report.finding, report.trustedThrough], [undefined, 19]);
    } finally {
      await replica.close();
    }
  }
  assert.notEqual(clusterId, undefined);
});

Deno.test("JRN-68: a member that does not found refuses a restored state and says what to do", async () => {
  await using dir = await tempDir();
  await restoreBackup(streamOf(backup), dir.path);
  const quorum = { id: 1 };
  await assert.rejects(
    openReplica({ dataDir: dir.path, clock: systemClock, random: Math.random, quorum }),
    /is a restored state, which belongs to no cluster: start this member with --bootstrap/,
  );
  await (await open(dir.path)).close();
});

Deno.test("JRN-68: members that start empty get the restored state, and go on with the same hashes", async () => {
  await using dir = await tempDir();
  await restoreBackup(streamOf(backup), dir.file("member-1"));
  const file = (name: string) => dir.file(name);
  await using quorum = new MemoryQuorum({ file, [Symbol.asyncDispose]: async () => {} }, 3);
  for (const id of [1, 2, 3]) await quorum.start(id);
  await waitFor(() => quorum.members.every(({ appliedSequence }) => appliedSequence === 24), {
    what: "the restored entries at all members",
    timeoutMs: 20_000,
  });
  const leader = await quorum.leader();
  await leader.submit(append({ message: "after the restore" }), { actor: ANN });
  await waitFor(() => quorum.members.every(({ appliedSequence }) => appliedSequence === 25), {
    what: "the new entry at all members",
  });
  const heads = quorum.members.map(({ state }) => countersOf(state).head_hash);
  assert.equal(new Set(heads).size, 1);
  assert.equal(leader.entry(25)?.hash, heads[0]);
});
