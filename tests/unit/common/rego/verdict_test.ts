import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { PolicyInput, Verdict } from "../../../../common/rego/mod.ts";
import { EngineUnavailable } from "../../../../common/rego/evaluator.ts";
import { questionsOf } from "../../../../common/rego/questions.ts";
import { strictest, verdictOf } from "../../../../common/rego/verdict.ts";
import { exampleInput } from "../../../support/opa/mod.ts";

function verdict(
  vcluster: unknown,
  changes: Partial<PolicyInput> = {},
  coarseVcluster: unknown = undefined,
): Verdict {
  const [question] = questionsOf(exampleInput(changes));
  assert.ok(question !== undefined);
  return verdictOf(question, { allow: true, denyReason: undefined, vcluster, coarseVcluster });
}

const outcome = (...args: Parameters<typeof verdict>) => verdict(...args).outcome;

Deno.test("OPA-5: whatever pact.authz.allow is but true denies, with the reason or a standing one", () => {
  const [question] = questionsOf(exampleInput());
  assert.ok(question !== undefined);
  const of = (allow: unknown, denyReason?: unknown) =>
    verdictOf(question, { allow, denyReason, vcluster: undefined, coarseVcluster: undefined });
  const rule = "pact.authz";
  assert.deepEqual(of(false, "no"), { outcome: "deny", reason: "no", rule });
  assert.deepEqual(of(false), { outcome: "deny", reason: "denied by OPA policy", rule });
  assert.deepEqual(of(undefined, ""), { outcome: "deny", reason: "denied by OPA policy", rule });
  for (const malformed of ["true", 1, null, {}, []]) {
    assert.throws(() => of(malformed), EngineUnavailable);
  }
  assert.throws(() => of(false, ["no"]), EngineUnavailable);
});

/** The vCluster's document, what is asked, and the answer (OPA-5). */
const TABLE: readonly (readonly [object, Partial<PolicyInput>, Verdict["outcome"]])[] = [
  [{}, {}, "allow"],
  [{ deny: true }, {}, "deny"],
  [{ deny: false }, {}, "allow"],
  [{ deny: [] }, {}, "allow"],
  [{ deny: ["b", "a"] }, {}, "deny"],
  [{ allow: true }, {}, "allow"],
  [{ allow: false }, {}, "deny"],
  [{ allow: "yes" }, {}, "deny"],
  [{ deny_commit: true }, {}, "deny"],
  [{ deny_commit: true }, { action: "apply" }, "deny"],
  [{ deny_commit: true }, { action: "promote" }, "deny"],
  [{ deny_commit: true }, { action: "rollback" }, "allow"],
  [{ exec_allowed: false }, { action: "exec", command: "ls" }, "deny"],
  [{ exec_allowed: true }, { action: "exec", command: "ls" }, "allow"],
  [{ exec_allowed: false }, {}, "allow"],
  [{ allowed_commands: ["ls"] }, { action: "exec", command: "ls" }, "allow"],
  [{ allowed_commands: ["ls"] }, { action: "exec", command: "cat" }, "deny"],
  [{ allowed_commands: ["ls"] }, { action: "exec" }, "deny"],
  [{ emergency_allowed: false }, { action: "emergency_start" }, "deny"],
  [{ emergency_allowed: false }, { action: "emergency_end" }, "allow"],
  [{ restartable_services: ["a"] }, { action: "service_restart", service_name: "a" }, "allow"],
  [{ restartable_services: ["a"] }, { action: "service_restart", service_name: "b" }, "deny"],
  [{ restartable_services: ["a"] }, { action: "service_stop", service_name: "b" }, "allow"],
  [
    { restartable_services: ["a"] },
    { action: "service_restart", service_name: "b", emergency_mode: true },
    "allow",
  ],
  [{ requires_approval: true }, {}, "approval"],
  [{ requires_approval: false }, {}, "allow"],
  [{ requires_approval: true, deny: true }, {}, "deny"],
  [{ anything: "else" }, {}, "allow"],
];

Deno.test("OPA-5: each rule of a vCluster's package has the effect of the table", () => {
  for (const [document, changes, expected] of TABLE) {
    assert.equal(outcome(document, changes), expected, JSON.stringify([document, changes]));
  }
});

Deno.test("OPA-5: several reasons are told together, in a stable order", () => {
  const { reason } = verdict({ deny: ["b", "a"] }) as Verdict & { reason: string };
  assert.equal(reason, "a; b");
});

Deno.test("OPA-5: a rule of another type than it must have denies, and is named", () => {
  for (const key of ["deny", "deny_commit", "allowed_commands", "requires_approval"]) {
    const said = verdict({ [key]: 7 });
    assert.ok(said.outcome === "deny" && said.reason.includes(key), key);
  }
  assert.equal(outcome("no document"), "deny");
});

Deno.test("OPA-7: of the two names of an action the stricter answer counts, allow in one is enough", () => {
  const restart = { action: "service_restart", service_name: "a" };
  assert.equal(outcome({}, restart, { deny: true }), "deny");
  assert.equal(outcome({}, restart, { requires_approval: true }), "approval");
  assert.equal(outcome({ allow: false }, restart, { allow: true }), "allow");
  assert.equal(outcome({ allow: false }, restart, { allow: false }), "deny");
});

Deno.test("OPA-4: a change is asked about once for each category, another request once", () => {
  const change = { categories: ["files", "kernel"], keys: [], count: 2 };
  const asked = questionsOf(exampleInput({ change })).map(({ input }) => input.drift_category);
  assert.deepEqual(asked, ["files", "kernel"]);
  assert.equal(questionsOf(exampleInput({ change, drift_category: "gpu" })).length, 1);
  assert.equal(questionsOf(exampleInput()).length, 1);
});

Deno.test("OPA-7: emergencies and services have a coarse name beside the canonical one", () => {
  const coarse = (action: string) => questionsOf(exampleInput({ action }))[0]?.coarseInput;
  for (const action of ["emergency_start", "emergency_end"]) {
    assert.equal(coarse(action)?.action, "emergency");
    assert.equal(coarse(action)?.action_detail, action);
  }
  for (const action of ["service_start", "service_stop", "service_restart"]) {
    assert.equal(coarse(action)?.action, "service");
  }
  for (const action of ["commit", "service_status", "services"]) {
    assert.equal(coarse(action), undefined);
  }
});

Deno.test("the strictest of several verdicts does not hang on their order, and no read is forgotten", () => {
  const verdicts = fc.array(fc.oneof(
    fc.record({ outcome: fc.constant("allow" as const), auditRead: fc.boolean() }),
    fc.record({
      outcome: fc.constant("approval" as const),
      auditRead: fc.boolean(),
      rule: fc.constant("r"),
    }),
    fc.record({
      outcome: fc.constant("deny" as const),
      reason: fc.constant("no"),
      rule: fc.constant("r"),
    }),
    fc.record({ outcome: fc.constant("unavailable" as const), cause: fc.constant("down") }),
  ));
  fc.assert(fc.property(verdicts, (drawn) => {
    const list = drawn.map((each): Verdict => ({ ...each }));
    const said = strictest(list);
    assert.deepEqual(strictest(list.toReversed()), said);
    for (const outcome of ["deny", "unavailable", "approval", "allow"] as const) {
      if (!list.some((each) => each.outcome === outcome)) continue;
      assert.equal(said.outcome, outcome);
      break;
    }
    if ("auditRead" in said) {
      assert.equal(said.auditRead, list.some((each) => "auditRead" in each && each.auditRead));
    }
  }));
});
