import assert from "node:assert/strict";
import type { Scope } from "../../../../common/model/mod.ts";
import { declaredNow, rollbackDelta } from "../../../../journal/state/mod.ts";
import {
  AGENT,
  append,
  commit,
  kernel,
  register,
  rollback,
  TestState,
} from "../../../support/journal/mod.ts";

const node = { Node: "n1" };
const vcluster = { VCluster: "ml" };

/** What a scope declares, as `key=value`; a declared absence is `key!`. */
function declared(state: TestState, scope: Scope): string[] {
  return [...declaredNow(state.store, scope).values()]
    .map(({ key, value, absent }) => absent === true ? `${key}!` : `${key}=${value}`)
    .sort();
}

Deno.test("OVL-3, API-33: a Rollback restores what its parent declared and stores the way there", () => {
  using state = new TestState();
  const target = state.append(commit(vcluster, { a: "1", b: "1" }));
  state.append(commit(vcluster, { a: "2", c: "1" }));
  state.append(append({
    scope: vcluster,
    state_delta: { kernel: [{ action: "Remove", key: "b" }] },
  }));
  const back = state.entry(state.append(rollback(vcluster, target)));
  assert.deepEqual(declared(state, vcluster), ["a=1", "b=1"]);
  assert.deepEqual(back.state_delta, {
    kernel: [
      { action: "Modify", key: "a", value: "1", previous: "2" },
      { action: "Modify", key: "b", value: "1" },
      { action: "Remove", key: "c", previous: "1" },
    ],
  });
});

Deno.test("OVL-3: a Rollback to a Rollback restores what that one had restored", () => {
  using state = new TestState();
  const first = state.append(commit(vcluster, { a: "1" }));
  state.append(commit(vcluster, { a: "2" }));
  const back = state.append(rollback(vcluster, first));
  state.append(commit(vcluster, { a: "3", b: "3" }));
  state.append(rollback(vcluster, back));
  assert.deepEqual(declared(state, vcluster), ["a=1"]);
});

Deno.test("API-33: targets must exist, be configuration of the scope, and lie before the head", () => {
  using state = new TestState();
  state.append(append({ entry_type: "ExecLog", scope: vcluster }));
  const other = state.append(commit({ VCluster: "other" }, { a: "1" }));
  const head = state.append(commit(vcluster, { a: "1" }));
  assert.deepEqual(
    [0, other, head, 99].map((parent) => state.refusal(rollback(vcluster, parent)).message),
    [
      "entry 0 is no configuration change of vc:ml",
      `entry ${other} is no configuration change of vc:ml`,
      "target must be earlier than the current head",
      "parent must precede entry",
    ],
  );
});

Deno.test("API-33: an agent that reverts drift by itself may name the head, or no target, and changes nothing", () => {
  using state = new TestState();
  const head = state.append(commit(node, { a: "1" }));
  for (const parent of [head, undefined]) {
    const sent = append({ entry_type: "Rollback", scope: node, author: AGENT, parent });
    assert.deepEqual(state.entry(state.append(sent)).state_delta, {});
  }
  assert.deepEqual(declared(state, node), ["a=1"]);
});

Deno.test("API-33: a node that loses its own value falls back to its vCluster's", () => {
  using state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01", "ml"));
  const base = state.append(commit(vcluster, { a: "base" }));
  state.append(commit(node, { a: "own", b: "own" }));
  const entry = state.entry(state.append(rollback(node, base)));
  assert.deepEqual(entry.state_delta, {
    kernel: [
      { action: "Modify", key: "a", value: "base", previous: "own" },
      { action: "Remove", key: "b", previous: "own" },
    ],
  });
  assert.deepEqual(declared(state, node), []);
});

Deno.test("OPA-4: what a rollback would change is what it changes then, and nothing for a target that is none", () => {
  using state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01", "ml"));
  const base = state.append(commit(vcluster, { a: "1", b: "1" }));
  const foreign = state.append(commit({ VCluster: "other" }, { a: "1" }));
  state.append(commit(vcluster, { a: "2", c: "1" }));
  state.append(commit(node, { a: "own", d: "own" }));
  for (const scope of [vcluster, node]) {
    const foreseen = rollbackDelta(state.store, scope, base, state.nowMs);
    assert.ok(foreseen?.kernel !== undefined && foreseen.kernel.length > 0);
    assert.deepEqual(foreseen, state.entry(state.append(rollback(scope, base))).state_delta);
  }
  assert.equal(rollbackDelta(state.store, vcluster, foreign, state.nowMs), undefined);
  assert.equal(rollbackDelta(state.store, vcluster, 99, state.nowMs), undefined);
});

Deno.test("OVL-3: Remove declares a key absent on a node, and no more in a vCluster", () => {
  using state = new TestState();
  const remove = { kernel: [{ action: "Remove" as const, key: "a" }] };
  for (const scope of [vcluster, node]) {
    state.append(commit(scope, { a: "1" }));
    state.append(append({ scope, state_delta: remove }));
  }
  assert.deepEqual(declared(state, vcluster), []);
  assert.deepEqual(declared(state, node), ["a!"]);
});

Deno.test("JRN-31, JRN-32: an expired delta is withdrawn by the journal, the older value is back", () => {
  using state = new TestState();
  state.append(commit(node, { a: "1" }));
  const short = state.append(commit(node, { a: "2", b: "2" }, { ttl_seconds: 900 }));
  state.nowMs += 899_999;
  state.send({ type: "ExpireTtl", sequences: [short] });
  assert.deepEqual(declared(state, node), ["a=2", "b=2"], "too early");
  state.nowMs += 1;
  state.send({ type: "ExpireTtl", sequences: [short] });
  assert.deepEqual(declared(state, node), ["a=1"]);
  const entry = state.entries().at(-1);
  assert.equal(entry?.entry_type, "Rollback");
  assert.equal(entry?.author.principal, "system/pact-journal");
  assert.equal(entry?.policy_ref, `ttl-expired:${short}`);
  assert.deepEqual(entry?.state_delta, {
    kernel: [
      { action: "Modify", key: "a", value: "1", previous: "2" },
      { action: "Remove", key: "b", previous: "2" },
    ],
  });
  assert.deepEqual([...state.store.list("ttls")], []);
});

Deno.test("JRN-32: what was committed over an expired delta stays", () => {
  using state = new TestState();
  const short = state.append(commit(node, { a: "2" }, { ttl_seconds: 900 }));
  state.append(append({ scope: node, state_delta: kernel({ a: "3" }) }));
  state.nowMs += 900_000;
  state.send({ type: "ExpireTtl", sequences: [short] });
  assert.deepEqual(declared(state, node), ["a=3"]);
  assert.deepEqual(state.entries().at(-1)?.state_delta, {});
});
