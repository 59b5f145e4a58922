import assert from "node:assert/strict";
import { config, type journal } from "../../../../api/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { type JournalClients, openJournalSite } from "../../../support/journal/mod.ts";

const { EntryType, DeltaAction } = config;
const ml = { scope: { case: "vclusterId", value: "ml" } } as const;
const onNode = (value: string) => ({ scope: { case: "nodeId", value } }) as const;
const kernel = (declaredValue: string) => ({
  kernel: [{ key: "vm.swappiness", declaredValue, action: DeltaAction.MODIFY }],
});

/** What a session is told; ends with its scope. */
class Session implements AsyncDisposable {
  readonly heard: journal.AdminNotification[] = [];
  readonly #stop = new AbortController();
  readonly #reading: Promise<void>;

  constructor({ fleet }: JournalClients) {
    this.#reading = this.#read(fleet.subscribeNotifications({}, { signal: this.#stop.signal }));
  }

  async next(kind: string): Promise<journal.AdminNotification> {
    return await waitFor(() => this.heard.find((each) => each.kind === kind), { what: kind });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }

  async #read(messages: AsyncIterable<journal.AdminNotification>): Promise<void> {
    try {
      for await (const message of messages) this.heard.push(message);
    } catch {
      // The end of the session.
    }
  }
}

Deno.test("SUB-10, CR5: who is not there finds the notice of an overwritten value at the next session, once", async () => {
  await using site = await openJournalSite();
  const ann = await site.as({ sub: "ann" });
  const ops = { role: "pact-ops-ml" };
  const bob = await site.as({ sub: "bob", ...ops });
  await site.node("n1", "ml");
  await site.node("n2", "ml");
  const commit = (clients: JournalClients, nodeId: string, value: string) =>
    clients.config.appendEntry({
      entry: { entryType: EntryType.COMMIT, scope: onNode(nodeId), stateDelta: kernel(value) },
    });
  await commit(ann, "n1", "10");
  await commit(bob, "n2", "60");
  await ann.fleet.promote({
    nodeId: "n1",
    decisions: [{ nodeId: "n2", category: "kernel", key: "vm.swappiness", decision: "overwrite" }],
  });
  {
    await using session = new Session(bob);
    const notice = await session.next("overwrite");
    assert.equal(notice.text, "promoted by ann: vm.swappiness 60 → 10");
    assert.deepEqual([notice.nodeId, notice.keys, notice.by], ["n2", ["vm.swappiness"], "ann"]);
    await waitFor(async () => {
      await using again = new Session(bob);
      await ann.policy.updatePolicy({ vclusterId: "ml", policy: { vclusterId: "ml" } });
      return again.heard.length === 0;
    }, { what: "the notice to be forgotten" });
  }
});

Deno.test("SUB-10: an open session hears of conflicts and stale emergencies it may act on", async () => {
  const clock = new VirtualClock(Date.now());
  await using site = await openJournalSite({ clock });
  const ops = await site.as("pact-ops-ml");
  await (await site.as()).policy.updatePolicy({
    vclusterId: "ml",
    policy: { vclusterId: "ml", emergencyWindowSeconds: 300, emergencyAllowed: true },
  });
  const n1 = await site.node("n1", "ml");
  await using session = new Session(ops);
  await using viewer = new Session(await site.as("pact-viewer-ml"));
  const commit = () =>
    ops.config.appendEntry({
      entry: { entryType: EntryType.COMMIT, scope: ml, stateDelta: kernel("20") },
    });
  const { sequence: since } = await commit();
  await commit();
  await n1.config.appendEntry({
    entry: {
      entryType: EntryType.DRIFT_DETECTED,
      scope: onNode("n1"),
      policyRef: `local-changes:${since}`,
      stateDelta: kernel("60"),
    },
  });
  const conflict = await session.next("conflict");
  assert.match(conflict.text, /^conflict: vm.swappiness local=60 journal=20 until /);
  await ops.config.appendEntry({
    entry: { entryType: EntryType.EMERGENCY_START, scope: ml, emergencyReason: "fire" },
  });
  await waitFor(async () => {
    await clock.advanceAsync(2_000);
    return session.heard.some(({ kind }) => kind === "stale_emergency");
  }, { what: "the stale emergency", timeoutMs: 30_000 });
  assert.deepEqual(viewer.heard, []);

  // EMG-4: whoever comes later hears of it too, until it is ended; the hold is in the list.
  const [open] = (await ops.fleet.listEmergencies({ vclusterId: "ml" })).sessions;
  assert.ok(open?.stale && open.holdSince !== undefined);
  {
    await using later = new Session(ops);
    assert.match(
      (await later.next("stale_emergency")).text,
      /^emergency session em-\d+ on vc:ml is/,
    );
  }
  await ops.config.appendEntry({ entry: { entryType: EntryType.EMERGENCY_END, scope: ml } });
  const [ended] =
    (await ops.fleet.listEmergencies({ vclusterId: "ml", includeClosed: true })).sessions;
  assert.deepEqual([ended?.stale, ended?.holdSince], [false, undefined]);
});
