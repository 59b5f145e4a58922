import assert from "node:assert/strict";
import { type Entry, PolicySettingsSchema } from "../../../../common/model/mod.ts";
import type { CommandInput } from "../../../../journal/state/mod.ts";
import {
  AGENT,
  ANN,
  append,
  BOB,
  commit,
  register,
  TestState,
} from "../../../support/journal/mod.ts";

const vcluster = { VCluster: "ml" };
const settings = PolicySettingsSchema.parse({});
const setPolicy: CommandInput = { type: "SetPolicy", vcluster_id: "ml", settings };

Deno.test("ACC-1: the first append is sequence 0, types are in order, and everything reads back", () => {
  using state = new TestState();
  const delta = {
    kernel: [{ action: "Modify" as const, key: "vm.swappiness", value: "10", previous: "60" }],
  };
  const first = state.append(
    append({ scope: { Node: "n1" }, state_delta: delta, ttl_seconds: 3600 }),
  );
  state.append(append({ entry_type: "DriftDetected", scope: { Node: "n1" }, author: AGENT }));
  state.append(
    append({ entry_type: "EmergencyStart", scope: vcluster, emergency_reason: "cooling failed" }),
  );
  assert.equal(first, 0);
  assert.deepEqual(
    state.entries().map(({ sequence, entry_type }) => [sequence, entry_type]),
    [[0, "Commit"], [1, "DriftDetected"], [2, "EmergencyStart"]],
  );
  const stored = state.entry(0);
  assert.deepEqual(stored.author, ANN);
  assert.deepEqual(stored.state_delta, delta);
  assert.equal(stored.ttl_seconds, 3600);
});

Deno.test("ACC-2, J6: a second policy replaces the first and raises its version", () => {
  using state = new TestState();
  state.send(setPolicy);
  state.send({ ...setPolicy, settings: { ...settings, base_commit_window_seconds: 60 } });
  const policies = [...state.store.list("policies")];
  assert.equal(policies.length, 1);
  assert.equal(policies[0]?.[1].version, 2);
  assert.equal(policies[0]?.[1].base_commit_window_seconds, 60);
});

const WRITERS: readonly [
  before: readonly CommandInput[],
  command: CommandInput,
  types: Entry["entry_type"][],
][] = [
  [[], setPolicy, ["PolicyUpdate"]],
  [[], { type: "SetBlacklist", vcluster_id: "ml", add: ["*.tmp"] }, ["BlacklistUpdate"]],
  [[], register("n1", "02:00:00:00:00:01"), ["NodeEnrolled"]],
  [[], register("n1", "02:00:00:00:00:01", "ml"), ["NodeEnrolled", "NodeAssigned"]],
  [
    [register("n1", "02:00:00:00:00:01")],
    { type: "ActivateNode", node_id: "n1" },
    ["NodeActivated"],
  ],
  [
    [register("n1", "02:00:00:00:00:01"), { type: "ActivateNode", node_id: "n1" }],
    { type: "DeactivateNode", node_id: "n1" },
    ["NodeDeactivated"],
  ],
  [
    [
      register("n1", "02:00:00:00:00:01"),
      {
        type: "UpdateNodeCert",
        node_id: "n1",
        cert_serial: "0a",
        cert_expires_at: "2026-01-04T00:00:00Z",
      },
    ],
    { type: "RevokeNode", node_id: "n1" },
    ["NodeDecommissioned", "CertRevoked"],
  ],
  [
    [register("n1", "02:00:00:00:00:01")],
    { type: "AssignNodeToVCluster", node_id: "n1", vcluster_id: "ml" },
    ["NodeAssigned"],
  ],
  [
    [register("n1", "02:00:00:00:00:01", "ml")],
    { type: "MoveNodeVCluster", node_id: "n1", to_vcluster_id: "sim" },
    ["NodeAssigned"],
  ],
  [
    [register("n1", "02:00:00:00:00:01", "ml")],
    { type: "UnassignNode", node_id: "n1" },
    ["NodeUnassigned"],
  ],
  [
    [register("n1", "02:00:00:00:00:01")],
    {
      type: "UpdateNodeCert",
      node_id: "n1",
      cert_serial: "0a",
      cert_expires_at: "2026-01-04T00:00:00Z",
    },
    ["CertSigned"],
  ],
  [
    [],
    { type: "ReportCapability", node_id: "n1", report: { cpus: 2 } },
    ["CapabilityChange"],
  ],
];

for (const [before, command, types] of WRITERS) {
  Deno.test(`JRN-15, J3: ${command.type} writes ${types.join(" and ")} in the caller's name`, () => {
    using state = new TestState();
    for (const earlier of before) state.send(earlier);
    const count = state.entries().length;
    state.send(command, { actor: BOB });
    const written = state.entries().slice(count);
    assert.deepEqual(written.map(({ entry_type }) => entry_type), types);
    for (const { author } of written) assert.deepEqual(author, BOB);
  });
}

Deno.test("J1, J4: sequences have no gaps, whatever is refused in between", () => {
  using state = new TestState();
  for (let i = 0; i < 10; i++) {
    state.refusal(append({ ttl_seconds: 1 }));
    state.append(commit(vcluster, { a: String(i) }));
  }
  assert.deepEqual(state.entries().map(({ sequence }) => sequence), [...Array(10).keys()]);
});

Deno.test("JRN-57: a repeated request id gets the first result and no second entry", () => {
  using state = new TestState();
  const first = state.send(commit(vcluster, { a: "1" }), { requestId: "r1" });
  const again = state.send(commit(vcluster, { a: "2" }), { requestId: "r1" });
  assert.deepEqual(again, first);
  assert.equal(state.entries().length, 1);
});

Deno.test("JRN-57: a request id belongs to who sent it", () => {
  using state = new TestState();
  state.send(commit(vcluster, { a: "1" }), { requestId: "r1", actor: ANN });
  const other = state.append(commit(vcluster, { a: "2" }), { requestId: "r1", actor: BOB });
  assert.equal(other, 1);
});

Deno.test("JRN-57: request ids are forgotten an hour later", () => {
  using state = new TestState();
  for (let i = 0; i < 100; i++) {
    state.send(commit(vcluster, { a: "1" }), { requestId: `old-${i}` });
  }
  state.nowMs += 3_600_001;
  for (let i = 0; i < 10; i++) {
    state.send(commit(vcluster, { a: "1" }), { requestId: `new-${i}` });
  }
  assert.equal([...state.store.list("request_ids")].length, 10);
  assert.equal([...state.store.list("request_order")].length, 10);
});

Deno.test("AUD-1: operations are recorded with an id and the journal's time", () => {
  using state = new TestState();
  const result = state.send({
    type: "RecordOperation",
    operation: {
      actor: ANN,
      operation_type: "Exec",
      scope: { Node: "n1" },
      outcome: "Denied",
      detail: "rm",
      source: "10.0.0.1",
      metadata: {},
    },
  });
  const [record] = [...state.store.auditPages({})].flat();
  assert.deepEqual(result, { kind: "Ok", id: "op-0" });
  assert.equal(record?.id, "op-0");
  assert.equal(record?.timestamp, "2026-01-01T00:00:00.000Z");
  assert.deepEqual([...state.store.auditPages({ outcome: "Success" })].flat(), []);
});
