import assert from "node:assert/strict";
import { type EntryType, PolicySettingsSchema } from "../../../../common/model/mod.ts";
import { type CommandInput, type ConfigState, nodeStateOf } from "../../../../journal/state/mod.ts";
import {
  AGENT,
  append,
  BOB,
  commit,
  kernel,
  register,
  TestState,
} from "../../../support/journal/mod.ts";

const node = { Node: "n1" };
const vcluster = { VCluster: "ml" };

const entry = (entry_type: EntryType, scope: typeof node | typeof vcluster = node): CommandInput =>
  append({
    entry_type,
    scope,
    author: entry_type.startsWith("Emergency") ? BOB : AGENT,
    state_delta: kernel({ "vm.swappiness": "10" }),
    emergency_reason: "fire",
  });

const report = (state: ConfigState): CommandInput => ({
  type: "UpdateNodeState",
  node_id: "n1",
  report: { state },
});

const policy = (enforcement_mode: "observe" | "enforce"): CommandInput => ({
  type: "SetPolicy",
  vcluster_id: "ml",
  settings: PolicySettingsSchema.parse({ enforcement_mode }),
});

const TABLE: readonly [event: string, commands: readonly CommandInput[], expected: ConfigState][] =
  [
    ["a node is registered", [], "ObserveOnly"],
    ["drift without a policy", [entry("DriftDetected")], "ObserveOnly"],
    ["drift under policy observe", [policy("observe"), entry("DriftDetected")], "ObserveOnly"],
    ["drift under policy enforce", [policy("enforce"), entry("DriftDetected")], "Drifted"],
    ["a Commit", [entry("Commit")], "Converging"],
    ["a Commit, confirmed by the agent", [entry("Commit"), report("Committed")], "Committed"],
    ["a revert by the agent", [entry("AutoConverge")], "Converging"],
    ["an emergency on the node", [entry("EmergencyStart")], "Emergency"],
    ["an emergency on its vCluster", [entry("EmergencyStart", vcluster)], "Emergency"],
    ["a report during an emergency", [entry("EmergencyStart"), report("Committed")], "Emergency"],
    ["a Commit during an emergency", [entry("EmergencyStart"), entry("Commit")], "Emergency"],
    ["the emergency's end", [entry("EmergencyStart"), entry("EmergencyEnd")], "Committed"],
    ["an agent that calls an emergency by itself", [report("Emergency")], "ObserveOnly"],
    ["a vCluster Commit (JRN-27)", [entry("Commit", vcluster)], "ObserveOnly"],
  ];

for (const [event, commands, expected] of TABLE) {
  Deno.test(`JRN-26: ${event} leaves the node ${expected}`, () => {
    using state = new TestState();
    state.send(register("n1", "02:00:00:00:00:01", "ml"));
    for (const command of commands) state.send(command);
    assert.equal(nodeStateOf(state.store, "n1")?.state, expected);
  });
}

Deno.test("JRN-26: a Rollback makes a node converge", () => {
  using state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01"));
  const first = state.append(commit(node, { a: "1" }));
  state.append(commit(node, { a: "2" }));
  state.send(report("Committed"));
  state.append(append({ entry_type: "Rollback", scope: node, parent: first }));
  assert.equal(nodeStateOf(state.store, "n1")?.state, "Converging");
});

Deno.test("JRN-28: nobody knows the state of an unknown node, and its reports are refused", () => {
  using state = new TestState();
  assert.equal(nodeStateOf(state.store, "n1"), undefined);
  assert.deepEqual(state.refusal(report("Committed")), {
    code: "NOT_FOUND",
    message: "node ID not found",
  });
});

Deno.test("JRN-28: a node that was only assigned reads as ObserveOnly", () => {
  using state = new TestState();
  state.send({ type: "AssignNode", node_id: "n1", vcluster_id: "ml" });
  assert.equal(nodeStateOf(state.store, "n1")?.state, "ObserveOnly");
});

Deno.test("JRN-33, EMG-5: a node's Commit during an emergency refers to it and gets its window as TTL", () => {
  using state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01", "ml"));
  const start = state.append(entry("EmergencyStart", vcluster));
  const made = state.entry(state.append(commit(node, { a: "1" })));
  assert.equal(made.ttl_seconds, 14_400);
  assert.equal(made.policy_ref, `emergency:em-${start}`);
});

Deno.test("EMG-3: only the opener ends an emergency, others need force", () => {
  using state = new TestState();
  state.append(entry("EmergencyStart"));
  const end = append({ entry_type: "EmergencyEnd", scope: node });
  assert.equal(state.refusal(end).code, "PERMISSION_DENIED");
  state.append({ ...end, force: true });
  assert.equal(state.refusal(end).message, "NO_EMERGENCY: no emergency session on node:n1");
  const [[, session] = []] = state.store.list("emergencies");
  assert.equal(session?.forced, true);
});

Deno.test("EMG-3: the opener's Commit with the flag ends the emergency in one step", () => {
  using state = new TestState();
  state.append(append({ entry_type: "EmergencyStart", scope: node, emergency_reason: "fire" }));
  state.append({ ...commit(node, { a: "1" }), end_emergency: true });
  assert.deepEqual(
    state.entries().map(({ entry_type }) => entry_type),
    ["EmergencyStart", "Commit", "EmergencyEnd"],
  );
  assert.equal(nodeStateOf(state.store, "n1")?.state, "Committed");
});
