import assert from "node:assert/strict";
import { LogVerifier } from "../../../../common/verify/mod.ts";
import { createCa } from "../../../../common/tls/mod.ts";
import { Checkpointer } from "../../../../journal/checkpoints/mod.ts";
import { openReplica, type Replica } from "../../../../journal/replica/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { ANN, append } from "../../../support/journal/mod.ts";
import { tempDir, waitFor } from "../../../support/mod.ts";

async function openSigned(dataDir: string, clock: VirtualClock) {
  const now = new Date(clock.nowMs());
  const replica = await openReplica({ dataDir, clock, random: Math.random });
  const ca = await createCa({ commonName: "pact journal 1 CA", validDays: 365, now });
  await replica.submit({
    type: "PublishCa",
    journal_node_id: "1",
    certificate_pem: ca.certPem,
    not_after: ca.notAfter.toISOString(),
  }, { actor: ANN });
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const checkpointer = new Checkpointer({ replica, ca, clock, onError });
  return {
    replica,
    errors,
    [Symbol.asyncDispose]: async () => {
      await checkpointer.close();
      await replica.close();
    },
  };
}

const signedSequences = (replica: Replica) =>
  [...replica.state.list("checkpoints")].map(([, { sequence }]) => sequence);

async function report(replica: Replica) {
  const verifier = new LogVerifier({
    signerCertificates: [...replica.state.list("checkpoint_signers")]
      .map(([, signer]) => signer.certificate_pem),
  });
  for (const [, checkpoint] of replica.state.list("checkpoints")) {
    verifier.addCheckpoint(checkpoint);
  }
  for await (const entry of replica.entries()) verifier.entry(entry);
  return verifier.end();
}

Deno.test("the leader signs the log 60 s after an entry, and no sooner; what it signs verifies", async () => {
  await using dir = await tempDir();
  const clock = new VirtualClock();
  await using site = await openSigned(dir.path, clock);
  await site.replica.submit(append({}), { actor: ANN });
  clock.advance(59_000);
  assert.deepEqual(signedSequences(site.replica), []);
  clock.advance(1_000);
  await waitFor(() => signedSequences(site.replica).length === 1, { what: "a checkpoint" });
  assert.deepEqual(signedSequences(site.replica), [0]);
  clock.advance(600_000);
  await site.replica.submit(append({}), { actor: ANN });
  assert.deepEqual(signedSequences(site.replica), [0], "a quiet log is not signed again");
  const { finding, checkpoints, signedThrough } = await report(site.replica);
  assert.deepEqual([finding, checkpoints, signedThrough], [undefined, 1, 0]);
  assert.deepEqual(site.errors, []);
});

Deno.test("the leader signs the log after 1,000 entries without waiting", async () => {
  await using dir = await tempDir();
  await using site = await openSigned(dir.path, new VirtualClock());
  const submit = () => site.replica.submit(append({}), { actor: ANN });
  await Promise.all(Array.from({ length: 1_050 }, submit));
  await waitFor(() => signedSequences(site.replica).length === 1, { what: "a checkpoint" });
  const [sequence = 0] = signedSequences(site.replica);
  assert.ok(sequence >= 999, `signed entry ${sequence}`);
  assert.equal((await report(site.replica)).finding, undefined);
});

Deno.test("a new CA after a restart signs on, and the former one's signatures still verify", async () => {
  await using dir = await tempDir();
  const clock = new VirtualClock();
  for (const expected of [1, 2]) {
    await using site = await openSigned(dir.path, clock);
    await site.replica.submit(append({}), { actor: ANN });
    clock.advance(60_000);
    await waitFor(() => signedSequences(site.replica).length === expected, {
      what: "a checkpoint",
    });
    const { finding, signers } = await report(site.replica);
    assert.deepEqual([finding, signers.length], [undefined, expected]);
  }
});

Deno.test("nothing is signed while the clock is outside of the CA's validity, and it is told", async () => {
  await using dir = await tempDir();
  const clock = new VirtualClock();
  await using site = await openSigned(dir.path, clock);
  clock.jumpWallClock(-3_600_000);
  await site.replica.submit(append({}), { actor: ANN });
  clock.advance(60_000);
  await waitFor(() => site.errors.length > 0, { what: "the error" });
  assert.match(String(site.errors[0]), /not valid at 2025-12-31T23:01:00/);
  assert.deepEqual(signedSequences(site.replica), []);
});
