import assert from "node:assert/strict";
import { apply, EnvelopeSchema } from "../../../../journal/state/mod.ts";
import { ANN, commit, TestState } from "../../../support/journal/mod.ts";

const NOTE = {
  operation_type: "Commit",
  scope: { VCluster: "ml" },
  detail: "",
  source: "10.0.0.1",
  metadata: { policy_ref: "rbac:default:commit" },
};

function envelope(state: TestState, command: ReturnType<typeof commit>, role = ANN.role) {
  return EnvelopeSchema.parse({
    format: 1,
    proposal: "test",
    timestamp: new Date(state.nowMs).toISOString(),
    actor: { ...ANN, role },
    audit: NOTE,
    command,
  });
}

Deno.test("AUD-5: a change and its record come out of one apply, or neither does", () => {
  using state = new TestState();
  const change = commit({ VCluster: "ml" }, { "vm.swappiness": "10" });
  const applied = apply(state.store, envelope(state, change));
  assert.equal(applied.kind, "applied");
  assert.equal(applied.kind === "applied" && applied.entries.length, 1);
  assert.deepEqual([...applied.writes.audit.values()].map((record) => record?.outcome), [
    "Success",
  ]);

  const nameless = apply(state.store, envelope(state, change, ""));
  assert.equal(nameless.kind, "rejected");
  assert.equal(nameless.kind === "rejected" && nameless.writes.audit.size, 0);
  assert.deepEqual(state.entries(), []);
});

Deno.test("AUD-2: what an agent tells it has refused is recorded as denied", () => {
  using state = new TestState();
  const told = envelope(state, commit({ VCluster: "ml" }, { "vm.swappiness": "10" }));
  const applied = apply(state.store, { ...told, audit: { ...NOTE, outcome: "Denied" } });
  assert.equal(applied.kind, "applied");
  assert.deepEqual([...applied.writes.audit.values()].map((record) => record?.outcome), ["Denied"]);
});
