import assert from "node:assert/strict";
import { type Checkpoint, signerOf } from "../../../../common/chain/mod.ts";
import { createCa } from "../../../../common/tls/mod.ts";
import type { CommandInput } from "../../../../journal/state/mod.ts";
import { append, TestState } from "../../../support/journal/mod.ts";

const now = new Date("2026-01-01T00:00:00Z");
const ca = await createCa({ commonName: "pact journal 1 CA", validDays: 365, now });
const later = await createCa({ commonName: "pact journal 1 CA", validDays: 365, now });

function publish(certificate_pem: string): CommandInput {
  const not_after = "2027-01-01T00:00:00Z";
  return { type: "PublishCa", journal_node_id: "1", certificate_pem, not_after };
}

function checkpoint(state: TestState, sequence: number, differing: Partial<Checkpoint> = {}) {
  return {
    type: "RecordCheckpoint" as const,
    checkpoint: {
      sequence,
      hash: state.store.history.entry(sequence)?.hash ?? "0".repeat(64),
      signed_at: now.toISOString(),
      signer: signerOf(ca.certPem) ?? "",
      signature: "AAAA",
      ...differing,
    },
  };
}

function signed(state: TestState): number[] {
  return [...state.store.list("checkpoints")].map(([, document]) => document.sequence);
}

Deno.test("a checkpoint must name an entry of the log, its hash, and a CA of the cluster", () => {
  using state = new TestState();
  state.send(publish(ca.certPem));
  for (let count = 0; count < 3; count++) state.append(append({}));
  for (
    const [bad, message] of [
      [checkpoint(state, 3), /names a hash it does not have/],
      [checkpoint(state, 2, { hash: "1".repeat(64) }), /names a hash it does not have/],
      [checkpoint(state, 1, { hash: "1".repeat(64) }), /names a hash it does not have/],
      [checkpoint(state, 2, { signer: "1".repeat(64) }), /no CA of this cluster/],
    ] as const
  ) assert.match(state.refusal(bad).message, message);
  state.send(checkpoint(state, 1));
  assert.match(state.refusal(checkpoint(state, 1)).message, /is covered by the checkpoint/);
  state.send(checkpoint(state, 2));
  assert.deepEqual(signed(state), [1, 2]);
});

Deno.test("CRT-1: a signer's certificate stays when its CA has left the bundle", () => {
  using state = new TestState();
  state.send(publish(ca.certPem));
  state.append(append({}));
  state.send(checkpoint(state, 0));
  state.send(publish(later.certPem));
  state.send(publish(ca.certPem));
  state.send(publish(later.certPem));
  state.append(append({}));
  state.send(checkpoint(state, 1));
  assert.deepEqual(
    [...state.store.list("checkpoint_signers")].map(([, signer]) => signer.certificate_pem),
    [ca.certPem],
  );
});

Deno.test("of old checkpoints the last of every 10,000 entries stays, and the signers they name", () => {
  using state = new TestState();
  state.send(publish(later.certPem));
  state.append(append({}));
  state.send(checkpoint(state, 0, { signer: signerOf(later.certPem) ?? "" }));
  state.send(publish(ca.certPem));
  for (let sequence = 1; sequence <= 1_002; sequence++) {
    state.append(append({}));
    state.send(checkpoint(state, sequence));
  }
  const kept = signed(state);
  assert.equal(kept.length, 1_001);
  assert.equal(kept[0], 2, "the newest of those that are not among the newest 1,000");
  assert.deepEqual(
    [...state.store.list("checkpoint_signers")].map(([fingerprint]) => fingerprint),
    [signerOf(ca.certPem)],
  );
});
