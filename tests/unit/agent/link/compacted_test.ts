import assert from "node:assert/strict";
import { systemClock } from "../../../../common/clock/mod.ts";
import { PactError } from "../../../../common/errors/mod.ts";
import { createTestPki, startScriptedJournal, waitFor } from "../../../support/mod.ts";
import { openJournalSite } from "../../../support/journal/mod.ts";
import { bootStream, enrolledIdentity, Linked } from "../../../support/link/mod.ts";

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
  const identity = await enrolledIdentity(pki);
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
