import assert from "node:assert/strict";
import { createTestPki, CuttableWay, startScriptedJournal, waitFor } from "../../../support/mod.ts";
import { openJournalSite } from "../../../support/journal/mod.ts";
import { bootStream, enrolledIdentity, Linked } from "../../../support/link/mod.ts";

Deno.test("NET-8, SUB-8: a reconnect ends a boot stream that nobody answers, and the boot goes on over the next connection", async () => {
  const pki = await createTestPki();
  let streams = 0;
  await using journal = await startScriptedJournal(pki, {
    enrollment: { inspectNode: () => ({ nodeId: "n1", vclusterId: "ml" }) },
    stream: {
      async *streamBootConfig() {
        streams++;
        yield* bootStream(5n);
        await Promise.resolve();
      },
      async *subscribeConfigUpdates(_, { signal }) {
        yield { sequence: 8n };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    },
  });
  await using way = new CuttableWay(`127.0.0.1:${journal.port}`);
  await using site = await openJournalSite();
  using linked = new Linked(site, "02:00:00:00:00:01", {
    endpoints: [`https://127.0.0.1:${way.port}`],
    caPem: pki.caPem,
    identity: await enrolledIdentity(pki),
    resumesByHand: true,
  });
  const contact = (count: number) =>
    waitFor(() => linked.states.length === count, { what: `contact ${count}` });
  await contact(1);
  way.cut();
  linked.link.resume();
  await waitFor(() => way.lostBytes > 0, { what: "the call to be lost on its way" });
  linked.link.reconnect();
  way.heal();
  await contact(2);
  linked.link.resume();
  const { overlayVersion } = await linked.until("the declaration", () => true);
  assert.equal(overlayVersion, 7n);
  assert.deepEqual(linked.states.map(({ connected }) => connected), [true, true]);
  assert.equal(streams, 1, "the lost one never arrived");
});
