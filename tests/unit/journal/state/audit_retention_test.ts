import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { PolicySettingsSchema, type Scope } from "../../../../common/model/mod.ts";
import { type CommandInput, countersOf } from "../../../../journal/state/mod.ts";
import { ANN, register, TestState } from "../../../support/journal/mod.ts";
import { tempDir } from "../../../support/mod.ts";

const DAY_MS = 86_400_000;
const vcluster = { VCluster: "ml" };

/** Puts an operation on record. */
function record(state: TestState, scope: Scope, detail = ""): void {
  state.send({
    type: "RecordOperation",
    operation: {
      actor: ANN,
      operation_type: "Exec",
      scope,
      outcome: "Success",
      detail,
      source: "cli",
      metadata: {},
    },
  });
}

function keep(state: TestState, days: number): void {
  state.send({
    type: "SetPolicy",
    vcluster_id: "ml",
    settings: PolicySettingsSchema.parse({ audit_retention_days: days }),
  });
}

const purge = (state: TestState, through: number, owner = "ml"): CommandInput => ({
  type: "PurgeAudit",
  through,
  newest: [{ vcluster_id: owner, at: new Date(state.nowMs).toISOString() }],
});

const ids = (state: TestState, archived = false) =>
  [...state.store.auditPages({ archived })].flat().map(({ id }) => id);

Deno.test("AUD-4: records go when they are past their vCluster's retention, not a moment before, and a record says so", () => {
  using state = new TestState();
  keep(state, 30);
  record(state, vcluster);
  record(state, vcluster);
  const command = purge(state, 1);
  state.nowMs += 30 * DAY_MS - 1;
  assert.match(
    state.refusal(command).message,
    /an audit record of ml of .* is within its retention/,
  );
  state.nowMs += 1;
  state.send(command);
  assert.deepEqual(ids(state), ["op-2"]);
  const [said] = [...state.store.auditPages({})].flat();
  assert.deepEqual([said?.operation_type, said?.actor.principal], ["AuditPurge", ANN.principal]);
  assert.match(said?.detail ?? "", /up to op-1 are past retention and were removed/);
  // Repeated, by a leader that comes late, it does nothing.
  state.send(command);
  assert.deepEqual(ids(state), ["op-2"]);
});

Deno.test("AUD-4: a retention that became longer meanwhile counts", () => {
  using state = new TestState();
  keep(state, 30);
  record(state, vcluster);
  const command = purge(state, 0);
  state.nowMs += 30 * DAY_MS;
  keep(state, 31);
  assert.match(state.refusal(command).message, /within its retention/);
});

Deno.test("AUD-4: without a policy records stay 2555 days, also those of the site as a whole", () => {
  using state = new TestState();
  record(state, "Global");
  for (const owner of ["ml", "_domain"]) {
    const command = purge(state, 0, owner);
    const before = state.nowMs;
    state.nowMs += 2555 * DAY_MS - 1;
    assert.match(state.refusal(command).message, /within its retention/);
    state.nowMs = before;
  }
  const command = purge(state, 0, "_domain");
  state.nowMs += 2555 * DAY_MS;
  state.send(command);
  assert.deepEqual(ids(state), ["op-1"]);
});

Deno.test("AUD-4: what does not exist yet, or is more than a thousand, is not removed", () => {
  using state = new TestState();
  record(state, vcluster);
  const at = state.nowMs;
  state.nowMs += 3000 * DAY_MS;
  const far = (through: number): CommandInput => ({
    type: "PurgeAudit",
    through,
    newest: [{ vcluster_id: "ml", at: new Date(at).toISOString() }],
  });
  assert.match(state.refusal(far(1)).message, /up to op-1 cannot be removed at once/);
  for (let count = 0; count < 1001; count++) record(state, vcluster);
  assert.match(state.refusal(far(1000)).message, /cannot be removed at once/);
});

Deno.test("AUD-3, AUD-4: the archive of a member lets go of them too; entries and their chain stay as they are", async () => {
  await using directory = await tempDir();
  const path = directory.file("state.db");
  {
    using state = new TestState(path);
    keep(state, 30);
    state.send(register("n1", "02:00:00:00:00:01", "ml"));
    for (const detail of ["a", "b", "c"]) record(state, { Node: "n1" }, detail);
    const head = countersOf(state.store);
    const command = purge(state, 1);
    state.nowMs += 30 * DAY_MS;
    state.send(command);
    assert.deepEqual(ids(state, true), ["op-2", "op-3"]);
    const { next_sequence, head_hash, audit_first, audit_kept_from } = countersOf(state.store);
    assert.deepEqual([next_sequence, head_hash], [head.next_sequence, head.head_hash]);
    assert.deepEqual([audit_first, audit_kept_from], [2, 2]);
    assert.deepEqual(
      state.entries().map(({ sequence }) => sequence),
      [0, 1, 2].slice(0, next_sequence),
    );
  }
  using database = new DatabaseSync(path);
  const kept = database.prepare("SELECT json FROM audit ORDER BY number").all()
    .flatMap(({ json }) => JSON.parse(String(json)));
  assert.deepEqual(kept.map(({ id }) => id), ["op-2", "op-3"]);
});
