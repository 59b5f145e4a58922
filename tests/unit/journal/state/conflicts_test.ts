import assert from "node:assert/strict";
import { PolicySettingsSchema, SYSTEM_IDENTITY } from "../../../../common/model/mod.ts";
import { expiryCommands } from "../../../../journal/replica/sweeps.ts";
import type { Conflict } from "../../../../journal/state/mod.ts";
import {
  AGENT,
  ANN,
  append,
  BOB,
  commit,
  kernel,
  register,
  rollback,
  TestState,
} from "../../../support/journal/mod.ts";

const node = { Node: "n1" };
const vcluster = { VCluster: "ml" };

/** n1 in ml, which declares a=1, b=1; the node has seen that, then was cut off. */
function partitioned(): { readonly state: TestState; readonly since: number } {
  const state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01", "ml"));
  const since = state.append(commit(vcluster, { a: "1", b: "1" }));
  return { state, since };
}

/** The node is back and says what it has. */
function report(state: TestState, since: number | string, values: Record<string, string>): void {
  state.append(append({
    entry_type: "DriftDetected",
    scope: node,
    author: AGENT,
    policy_ref: `local-changes:${since}`,
    state_delta: kernel(values),
  }));
}

const conflicts = (state: TestState): Conflict[] =>
  [...state.store.list("conflicts")].map(([, conflict]) => conflict);
const summary = (state: TestState) =>
  conflicts(state).map(({ key, local, journal, state }) => [key, local, journal, state]);
const lastEntry = (state: TestState) => state.entries().at(-1);

Deno.test("CON-1: keys that the journal changed meanwhile to another value are in conflict, no others", () => {
  const { state, since } = partitioned();
  using _ = state;
  state.append(commit(vcluster, { a: "2", c: "2" }));
  report(state, since, { a: "9", b: "9", c: "2" });
  // b was not changed in the journal: plain drift. c is equal on both sides.
  assert.deepEqual(summary(state), [["a", "9", "2", "Open"]]);
  const entry = lastEntry(state);
  assert.equal(entry?.entry_type, "MergeConflict");
  assert.deepEqual(entry?.scope, node);
  assert.deepEqual(entry?.state_delta?.kernel, [
    { action: "Modify", key: "a", value: "2", previous: "9" },
  ]);
});

Deno.test("CON-1: a value that was rolled back or removed meanwhile is a newer journal value too", () => {
  const { state, since } = partitioned();
  using _ = state;
  const later = state.append(commit(vcluster, { a: "2" }));
  state.append(rollback(vcluster, since));
  state.append(append({
    scope: vcluster,
    state_delta: { kernel: [{ action: "Remove", key: "b" }] },
  }));
  report(state, later, { a: "2", b: "1" });
  assert.deepEqual(summary(state), [["a", "2", "1", "Open"], ["b", "1", null, "Open"]]);
});

Deno.test("CON-1: the node's own delta outweighs its vCluster's value", () => {
  const { state, since } = partitioned();
  using _ = state;
  state.append(commit(node, { a: "5" }));
  state.append(commit(vcluster, { a: "2" }));
  report(state, since, { a: "5" });
  assert.deepEqual(summary(state), []);
  report(state, since, { a: "2" });
  assert.deepEqual(summary(state), [["a", "2", "5", "Open"]]);
});

Deno.test("CON-1: a report without the sequence it compares with is refused", () => {
  const { state } = partitioned();
  using _ = state;
  assert.throws(() => report(state, "", { a: "9" }), /needs the last applied sequence/);
});

Deno.test("CON-3: a key in conflict takes no Commit on its node, other keys and nodes do", () => {
  const { state, since } = partitioned();
  using _ = state;
  state.append(commit(vcluster, { a: "2" }));
  report(state, since, { a: "9" });
  assert.deepEqual(state.refusal(commit(node, { a: "3" })), {
    code: "MERGE_CONFLICT",
    message: "MERGE_CONFLICT: on node n1 resolve a first",
  });
  state.append(commit(node, { b: "3" }));
  state.append(commit({ Node: "n2" }, { a: "3" }));
});

Deno.test("journal.md 11.2: accepting the local value makes it a delta of the node, in the name of who decided", () => {
  const { state, since } = partitioned();
  using _ = state;
  state.append(commit(vcluster, { a: "2" }));
  report(state, since, { a: "9" });
  const [conflict] = conflicts(state);
  const id = conflict?.id ?? "";
  state.send({ type: "ResolveConflict", conflict_id: id, accept: "local" }, { actor: BOB });
  assert.deepEqual(summary(state), [["a", "9", "2", "ResolvedLocal"]]);
  const entry = lastEntry(state);
  assert.equal(entry?.entry_type, "Commit");
  assert.equal(entry?.author.principal, BOB.principal);
  assert.equal(entry?.policy_ref, `conflict:${id}`);
  assert.equal(state.store.get("declared", "node:n1\nkernel\na")?.value, "9");
  assert.deepEqual(state.refusal({ type: "ResolveConflict", conflict_id: id, accept: "journal" }), {
    code: "PRECONDITION",
    message: "conflict ID already ResolvedLocal",
  });
});

Deno.test("journal.md 11.2: accepting the journal's value keeps the loser on record", () => {
  const { state, since } = partitioned();
  using _ = state;
  state.append(commit(vcluster, { a: "2" }));
  report(state, since, { a: "9" });
  const [conflict] = conflicts(state);
  state.send({ type: "ResolveConflict", conflict_id: conflict?.id ?? "", accept: "journal" });
  assert.deepEqual(summary(state), [["a", "9", "2", "ResolvedJournal"]]);
  assert.equal(lastEntry(state)?.entry_type, "MergeConflict");
  const [record] = [...state.store.auditPages({ operationTypes: ["ConflictResolve"] })].flat();
  assert.equal(record?.metadata["local"], "9");
  assert.equal(record?.metadata["journal"], "2");
});

Deno.test("CON-2, CR3: after the grace period the journal's value wins by the leader's proposal; the loser is on record and a notice is left", () => {
  const { state, since } = partitioned();
  using _ = state;
  state.send({
    type: "SetPolicy",
    vcluster_id: "ml",
    settings: PolicySettingsSchema.parse({ conflict_grace_seconds: 120 }),
  });
  state.append(commit(vcluster, { a: "2" }));
  report(state, since, { a: "9" });
  state.nowMs += 119_999;
  assert.deepEqual(expiryCommands(state.store, state.nowMs, true), []);
  const early = conflicts(state)[0]?.id ?? "";
  assert.equal(
    state.refusal({ type: "ResolveConflict", conflict_id: early, accept: "expired" }).code,
    "PRECONDITION",
  );
  state.nowMs += 1;
  for (const command of expiryCommands(state.store, state.nowMs, true)) {
    state.send(command, { actor: SYSTEM_IDENTITY });
  }
  assert.deepEqual(summary(state), [["a", "9", "2", "Overwritten"]]);
  const text = "grace period expired, journal value applied: a 9 → 2";
  assert.equal(lastEntry(state)?.message, text);
  const [[, notice] = []] = state.store.list("notices");
  assert.equal(notice?.text, text);
  const [record] = [...state.store.auditPages({ operationTypes: ["GraceOverwrite"] })].flat();
  assert.equal(record?.metadata["local"], "9");
});

Deno.test("MRG-4: without a grace period of its own a conflict waits as long as the base commit window, and another partition does not prolong it", () => {
  const { state, since } = partitioned();
  using _ = state;
  state.append(commit(vcluster, { a: "2" }));
  report(state, since, { a: "9" });
  const deadline = new Date(state.nowMs + 900_000).toISOString();
  assert.equal(conflicts(state)[0]?.deadline, deadline);
  state.nowMs += 600_000;
  report(state, since, { a: "8" });
  assert.deepEqual(summary(state), [["a", "8", "2", "Open"]]);
  assert.equal(conflicts(state)[0]?.deadline, deadline);
});

Deno.test("MRG-4: a conflict closes by itself when both values become equal, from either side", () => {
  const { state, since } = partitioned();
  using _ = state;
  state.append(commit(vcluster, { a: "2", b: "2" }));
  report(state, since, { a: "9", b: "9" });
  state.append(commit(vcluster, { a: "9" }), { actor: ANN });
  report(state, since, { b: "2" });
  assert.deepEqual(summary(state), [
    ["a", "9", "9", "ResolvedJournal"],
    ["b", "2", "2", "ResolvedJournal"],
  ]);
  assert.deepEqual([...state.store.list("open_conflicts")], []);
});

Deno.test("CON-4, CR5: who declared what a promotion takes back finds a notice; who promotes does not", () => {
  const { state } = partitioned();
  using _ = state;
  const bobs = state.append(commit(node, { a: "5" }, { author: BOB }), { actor: BOB });
  const anns = state.append(commit(node, { b: "5" }));
  state.send({
    type: "Promote",
    entry: { entry_type: "Commit", scope: vcluster, author: ANN, state_delta: kernel({ a: "7" }) },
    withdraw: [{
      node_id: "n1",
      message: "promoted",
      deltas: [
        { category: "kernel", key: "a", sequence: bobs },
        { category: "kernel", key: "b", sequence: anns },
      ],
    }],
  });
  const notices = [...state.store.list("notices")].map(([, notice]) => notice);
  assert.deepEqual(notices.map(({ principal, text }) => [principal, text]), [
    [BOB.principal, `promoted by ${ANN.principal}: a 5 → 7`],
  ]);
});
