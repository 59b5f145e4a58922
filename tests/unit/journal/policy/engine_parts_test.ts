import assert from "node:assert/strict";
import type { Verdict } from "../../../../common/rego/mod.ts";
import { afterAttempt, isOpen, SHUT } from "../../../../journal/policy/breaker.ts";
import { packageOf } from "../../../../common/rego/evaluator.ts";
import { readModules } from "../../../../journal/policy/opa/modules.ts";
import { ReadCache } from "../../../../journal/policy/read_cache.ts";
import { exampleInput } from "../../../support/opa/mod.ts";

Deno.test("OPA-12: after five errors in a row the server is left alone for five seconds", () => {
  let state = SHUT;
  for (let attempt = 1; attempt <= 4; attempt++) state = afterAttempt(state, false, 1_000);
  assert.ok(!isOpen(state, 1_000));
  state = afterAttempt(state, false, 1_000);
  assert.ok(isOpen(state, 1_000) && isOpen(state, 5_999) && !isOpen(state, 6_000));
  const failedAgain = afterAttempt(state, false, 6_000);
  assert.ok(isOpen(failedAgain, 10_999), "one more error is enough");
  const answered = afterAttempt(state, true, 6_000);
  assert.ok(!isOpen(afterAttempt(answered, false, 6_001), 6_001));
});

Deno.test("OPA-8: what rules say of a read counts for five seconds, for the same read only", () => {
  let nowMs = 0;
  const cache = new ReadCache(() => nowMs);
  const allow: Verdict = { outcome: "allow", auditRead: false };
  const input = exampleInput({ action: "status" });
  cache.put(input, allow);
  nowMs = 4_999;
  assert.equal(cache.get({ ...input, time: "2026-03-14T12:00:04.999Z" }), allow);
  assert.equal(cache.get({ ...input, principal: "eve" }), undefined);
  assert.equal(cache.get({ ...input, source: "10.0.0.1" }), undefined);
  nowMs = 5_000;
  assert.equal(cache.get(input), undefined);
  cache.put(input, allow);
  cache.clear();
  assert.equal(cache.get(input), undefined);
});

Deno.test("OPA-8: that there was no answer is never kept", () => {
  const cache = new ReadCache(() => 0);
  const input = exampleInput({ action: "status" });
  cache.put(input, { outcome: "unavailable", cause: "down" });
  assert.equal(cache.get(input), undefined);
});

Deno.test("OPA-3: the package of a vCluster has _ where its name has - or .", () => {
  assert.equal(packageOf("ml-training"), "ml_training");
  assert.equal(packageOf("a.b-c_d"), "a_b_c_d");
});

const policy = (path: string[], ...rules: string[]) => ({
  id: path.join("/"),
  raw: "",
  ast: {
    package: { path: path.map((value) => ({ type: "string", value })) },
    rules: rules.map((name) => ({ head: { name, ref: [{ type: "var", value: name }] } })),
  },
});

Deno.test("OPA-3, OPA-13: what the server has loaded is read from its list of policies", () => {
  const modules = readModules({
    result: [
      policy(["data", "pact", "authz"], "allow"),
      policy(["data", "pact", "authz", "lib"], "x"),
      policy(["data", "pact", "vcluster", "ml"], "deny"),
      policy(["data", "pact", "vcluster", "bio"], "requires_approval", "deny"),
      policy(["data", "other", "vcluster", "no"], "deny"),
    ],
  });
  assert.deepEqual(modules, {
    hasAuthz: true,
    vclusters: new Set(["ml", "bio"]),
    askingForApproval: new Set(["bio"]),
  });
  assert.equal(readModules({ result: [] })?.hasAuthz, false);
  assert.equal(readModules({})?.hasAuthz, false);
  const library = readModules({ result: [policy(["data", "pact", "authz", "lib"], "x")] });
  assert.equal(library?.hasAuthz, false);
  for (const garbage of [undefined, "x", { result: 7 }, { result: [{ ast: 7 }] }]) {
    assert.equal(readModules(garbage), undefined);
  }
});
