import assert from "node:assert/strict";
import fc from "fast-check";
import { declaredAsOf, declaredNow, EnvelopeSchema } from "../../../../journal/state/mod.ts";
import { exportState, importState, StateStore } from "../../../../journal/store/mod.ts";
import { buildOverlay } from "../../../../journal/overlay/mod.ts";
import { applyRecords, encodeEnvelope } from "../../../../journal/replica/state_machine.ts";
import type { LogRecord } from "../../../../journal/log/mod.ts";
import { type RandomStep, randomSteps } from "../../../support/journal/mod.ts";

/** The log records of a random history. */
function recordsOf(steps: readonly RandomStep[]): LogRecord[] {
  let nowMs = Date.UTC(2026, 0, 1);
  return steps.map(({ afterMs, command, options }, at) => {
    nowMs += afterMs;
    const envelope = EnvelopeSchema.parse({
      format: 1,
      proposal: `p-${at}`,
      timestamp: new Date(nowMs).toISOString(),
      actor: options.actor,
      request_id: options.requestId,
      command,
    });
    return { index: BigInt(at + 1), term: 1n, payload: encodeEnvelope(envelope) };
  });
}

function exported(store: StateStore): string {
  return [...exportState(store)].join("\n");
}

function withStores(run: (one: StateStore, other: StateStore) => void): void {
  const stores = [new StateStore(":memory:"), new StateStore(":memory:")] as const;
  try {
    run(...stores);
  } finally {
    for (const store of stores) store.close();
  }
}

Deno.test("JRN-40, JRN-17: a replica that follows the log and one that starts from a snapshot at a random point hold the same bytes", () => {
  fc.assert(
    fc.property(randomSteps, fc.nat(40), (steps, snapshotAt) => {
      const records = recordsOf(steps);
      withStores((byLog, bySnapshot) => {
        applyRecords(byLog, records.slice(0, snapshotAt));
        importState(bySnapshot, exportState(byLog));
        assert.equal(exported(bySnapshot), exported(byLog));
        applyRecords(byLog, records);
        applyRecords(bySnapshot, records);
        assert.equal(exported(bySnapshot), exported(byLog));
        assert.deepEqual(buildOverlay(bySnapshot, "ml"), buildOverlay(byLog, "ml"));
      });
    }),
    { numRuns: 150 },
  );
});

Deno.test("JRN-20: one batch or record by record, the state is the same", () => {
  fc.assert(
    fc.property(randomSteps, (steps) => {
      const records = recordsOf(steps);
      withStores((batched, single) => {
        applyRecords(batched, records);
        for (const record of records) applyRecords(single, [record]);
        assert.equal(exported(single), exported(batched));
      });
    }),
    { numRuns: 50 },
  );
});

Deno.test("J1, OVL-3: sequences are gapless and what is declared is the fold of the entries", () => {
  fc.assert(
    fc.property(randomSteps, (steps) => {
      const records = recordsOf(steps);
      withStores((store) => {
        applyRecords(store, records);
        const entries = [...store.entryPages({})].flat();
        assert.deepEqual(entries.map(({ sequence }) => sequence), [...entries.keys()]);
        for (const { parent, sequence } of entries) {
          assert.ok(parent === undefined || parent < sequence);
        }
        const scope = { VCluster: "ml" };
        assert.deepEqual(
          new Map([...declaredNow(store, scope)].sort()),
          new Map([...declaredAsOf(store.history, scope, entries.length, 0)].sort()),
        );
      });
    }),
    { numRuns: 100 },
  );
});
