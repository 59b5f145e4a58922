import assert from "node:assert/strict";
import {
  countItems,
  defaultPolicy,
  IdentitySchema,
  memorySizeBytes,
  parseEntry,
  parseScopeText,
  PolicySettingsSchema,
  ScopeSchema,
  scopeText,
  ServiceDeclarationSchema,
  StateDeltaSchema,
} from "../../../../common/model/mod.ts";

Deno.test("JRN-13: an entry reads back from its JSON form, nulls count as absent, unknown keys vanish", () => {
  const entry = parseEntry({
    sequence: 4,
    timestamp: "2026-03-14T18:30:00.000Z",
    entry_type: "Commit",
    scope: { VCluster: "ml" },
    author: { principal: "alice", principal_type: "human", role: "pact-ops-ml" },
    parent: null,
    state_delta: {
      kernel: [{ action: "Modify", key: "vm.swappiness", value: "10", previous: "60" }],
    },
    colour: "red",
  });
  assert.deepEqual(entry, {
    sequence: 4,
    timestamp: "2026-03-14T18:30:00.000Z",
    entry_type: "Commit",
    scope: { VCluster: "ml" },
    author: { principal: "alice", principal_type: "Human", role: "pact-ops-ml" },
    state_delta: {
      kernel: [{ action: "Modify", key: "vm.swappiness", value: "10", previous: "60" }],
    },
  });
});

Deno.test("JRN-10: principal types are read in any case with their synonym, and nothing else", () => {
  const type = (text: string) =>
    IdentitySchema.safeParse({ principal: "x", principal_type: text, role: "r" }).data
      ?.principal_type;
  assert.equal(type("ADMIN"), "Human");
  assert.equal(type("service"), "Service");
  assert.equal(type("robot"), undefined);
});

Deno.test("scopes have one text form that reads back, and identifiers keep their grammar", () => {
  for (const scope of ["Global" as const, { VCluster: "ml-1" }, { Node: "x1000c0s0b0n0" }]) {
    assert.deepEqual(parseScopeText(scopeText(scope)), scope);
  }
  assert.equal(parseScopeText("node:"), undefined);
  assert.equal(parseScopeText("everything"), undefined);
  assert.equal(ScopeSchema.safeParse({ Node: "../etc" }).success, false);
  assert.equal(ScopeSchema.safeParse({ VCluster: "a".repeat(64) }).success, false);
});

Deno.test("CLI-70: a minimal service is legal; a bad name, policy or check is not", () => {
  assert.equal(ServiceDeclarationSchema.safeParse({ name: "a", state: "running" }).success, true);
  for (
    const bad of [
      { name: "a/b" },
      { name: "a..b" },
      { name: "a", binary: "relative" },
      { name: "a", restart: "sometimes" },
      { name: "a", health_check: { type: "http", url: "nonsense" } },
      { name: "a", health_check: { type: "tcp" } },
      { name: "a", cgroup_memory_max: "much" },
    ]
  ) assert.equal(ServiceDeclarationSchema.safeParse(bad).success, false, JSON.stringify(bad));
  assert.equal(
    ServiceDeclarationSchema.parse({ name: "a", restart: "on-failure" }).restart,
    "OnFailure",
  );
});

Deno.test("memory sizes use binary suffixes: 128M is 134217728 bytes", () => {
  assert.equal(memorySizeBytes("128M"), 134_217_728);
  assert.equal(memorySizeBytes("77"), 77);
  assert.equal(memorySizeBytes("max"), undefined);
});

Deno.test("a delta beyond 10000 items is refused as a whole", () => {
  const kernel = Array.from({ length: 6000 }, (_, n) => ({ action: "Add", key: `k${n}` }));
  assert.equal(StateDeltaSchema.safeParse({ kernel, packages: kernel }).success, false);
  assert.equal(countItems(StateDeltaSchema.parse({ kernel })), 6000);
});

Deno.test("policy.md section 7: defaults, ranges and contradictions of a policy", () => {
  const policy = defaultPolicy("ml");
  assert.equal(policy.base_commit_window_seconds, 900);
  assert.equal(policy.drift_weights.kernel, 2);
  assert.equal(policy.enforcement_mode, "observe");
  for (
    const bad of [
      { base_commit_window_seconds: 59 },
      { auto_converge_categories: ["files"], require_ack_categories: ["files"] },
      { regulated: true, whitelist_mode: "bypass" },
      { regulated: true, audit_retention_days: 30 },
      { base_comit_window_seconds: 900 },
    ]
  ) assert.equal(PolicySettingsSchema.safeParse(bad).success, false, JSON.stringify(bad));
});
