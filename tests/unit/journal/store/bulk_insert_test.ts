import assert from "node:assert/strict";
import { stamped } from "../../../../journal/log/mod.ts";
import { applyRecords, encodeEnvelope } from "../../../../journal/replica/state_machine.ts";
import { CommandSchema } from "../../../../journal/state/mod.ts";
import { exportState, StateStore } from "../../../../journal/store/mod.ts";
import { ANN, commit } from "../../../support/journal/mod.ts";

const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

/** Commits with request id and audit record; those after the first half come two hours later. */
function records(count: number) {
  const vcluster = { VCluster: "ml" };
  return Array.from({ length: count }, (_, at) => {
    const payload = encodeEnvelope({
      format: 1,
      proposal: `p-${at}`,
      actor: ANN,
      request_id: `r-${at}`,
      audit: { operation_type: "commit", scope: vcluster, detail: "", source: "cli", metadata: {} },
      command: CommandSchema.parse(commit(vcluster, { "vm.swappiness": `${at} \u{fffd}` })),
    });
    const atMs = START_MS + at + (at < count / 2 ? 0 : 2 * HOUR_MS);
    return { index: BigInt(at + 1), term: 1n, payload: stamped(payload, atMs) };
  });
}

for (const count of [1, 31, 32, 33, 64, 100, 150]) {
  Deno.test(`JRN-17: ${count} records give the same state in one transaction as in one each`, () => {
    const together = new StateStore(":memory:");
    const apart = new StateStore(":memory:");
    try {
      applyRecords(together, records(count));
      for (const record of records(count)) applyRecords(apart, [record]);
      const text = (store: StateStore) => [...exportState(store)].join("\n");
      assert.equal(text(together), text(apart));
      assert.equal([...together.entryPages({})].flat().length, count);
      assert.equal([...together.auditPages({})].flat().length, count);
      // Each command of the second half forgets requests of the first, which are too old by then.
      const forgotten = count < 2 ? 0 : Math.ceil(count / 2);
      const remembered = [...together.list("request_order")].length;
      assert.equal(remembered, count - forgotten);
      assert.equal(text(together).match(/\["request_order"/g)?.length, remembered);
    } finally {
      together.close();
      apart.close();
    }
  });
}
