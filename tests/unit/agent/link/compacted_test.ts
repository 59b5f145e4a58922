import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport, stream } from "../../../../api/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { PactError } from "../../../../common/errors/mod.ts";
import { createTestPki, startScriptedJournal, waitFor } from "../../../support/mod.ts";
import { openJournalSite } from "../../../support/journal/mod.ts";
import { Linked } from "../../../support/link/mod.ts";

/** The whole configuration as a boot stream brings it; `next` is where a subscription goes on. */
function bootStream(next: bigint): MessageInitShape<typeof stream.ConfigChunkSchema>[] {
  const document = new TextEncoder().encode(
    JSON.stringify({ format: 1, vcluster: "ml", version: 7, built_from_sequence: 0 }),
  );
  const overlay = {
    version: 7n,
    data: new Uint8Array(zstdCompressSync(document)),
    chunkIndex: 0,
    totalChunks: 1,
    checksum: createHash("sha256").update(document).digest("hex"),
  };
  return [
    { chunk: { case: "baseOverlay", value: overlay } },
    { chunk: { case: "complete", value: { baseVersion: 7n, nextSequence: next } } },
  ];
}

/** A journal that forgets, while the node is away, what came after the entry it heard last. */
async function forgetfulJournal() {
  const pki = await createTestPki();
  const knownVersions: (bigint | undefined)[] = [];
  const subscribedFrom: bigint[] = [];
  const journal = await startScriptedJournal(pki, {
    enrollment: { inspectNode: () => ({ nodeId: "n1", vclusterId: "ml" }) },
    stream: {
      async *streamBootConfig({ lastKnownVersion }) {
        knownVersions.push(lastKnownVersion);
        yield* bootStream(knownVersions.length === 1 ? 5n : 50n);
        await Promise.resolve();
      },
      async *subscribeConfigUpdates({ fromSequence }, { signal }) {
        subscribedFrom.push(fromSequence);
        if (subscribedFrom.length === 1) yield { sequence: 8n };
        else if (fromSequence < 40n) {
          throw new PactError("SEQUENCE_COMPACTED", "SEQUENCE_COMPACTED oldest=40");
        } else {
          yield { sequence: 50n };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        }
      },
    },
  });
  const { certPem, keyPem } = await pki.agent({ nodeId: "n1" });
  const identity = create(agentport.NodeIdentitySchema, {
    nodeId: "n1",
    domainId: "test",
    vclusterId: "ml",
    certPem,
    keyPem: keyPem.reveal(),
    trustBundlePem: pki.caPem,
  });
  return { journal, identity, caPem: pki.caPem, knownVersions, subscribedFrom };
}

Deno.test("SUB-5, PRT-8: a node whose place in the log is compacted takes its whole configuration anew and goes on from there", async () => {
  const { journal, identity, caPem, knownVersions, subscribedFrom } = await forgetfulJournal();
  await using _ = journal;
  await using site = await openJournalSite();
  using linked = new Linked(site, "02:00:00:00:00:01", {
    endpoints: [journal.url],
    caPem,
    identity,
    // The second between two connections passes at once.
    clock: {
      ...systemClock,
      setTimer: (delayMs, fire) => systemClock.setTimer(delayMs <= 1_200 ? 20 : delayMs, fire),
    },
  });
  await waitFor(() => subscribedFrom.length === 3, { what: "the third stream", timeoutMs: 20_000 });
  assert.deepEqual(subscribedFrom, [5n, 9n, 50n]);
  assert.deepEqual(knownVersions, [undefined, 7n, undefined]);
  assert.ok(linked.states.some(({ code }) => code === "SEQUENCE_COMPACTED"));
  assert.equal(linked.declared.at(-1)?.overlayVersion, 7n);
});
