import assert from "node:assert/strict";
import {
  AUDIT_ACTION_EXTENSIONS,
  AUDIT_ACTIONS,
  complianceFor,
  compliancePolicyFromJson,
  compliancePolicyToJson,
  DEFAULT_COMPLIANCE,
  EMIT_FIRST_ACTIONS,
  isAuditAction,
  isRequired,
  REGULATED_COMPLIANCE,
} from "../../../../contracts/mod.ts";

Deno.test("ACC-N8: there are 44 fixed actions, all different and well formed", () => {
  assert.equal(AUDIT_ACTIONS.length, 44);
  assert.equal(new Set(AUDIT_ACTIONS).size, 44);
  assert.ok(AUDIT_ACTIONS.every(isAuditAction));
});

Deno.test("AE-10: the 14 extensions are well formed and not among the fixed actions", () => {
  const fixed: readonly string[] = AUDIT_ACTIONS;
  assert.equal(new Set(AUDIT_ACTION_EXTENSIONS).size, 14);
  assert.ok(AUDIT_ACTION_EXTENSIONS.every((a) => isAuditAction(a) && !fixed.includes(a)));
});

Deno.test("section 7.2: each group has as many actions as its row", () => {
  const counts: Record<string, number> = {};
  for (const action of AUDIT_ACTIONS) {
    const group = action.slice(0, action.indexOf("."));
    counts[group] = (counts[group] ?? 0) + 1;
  }
  assert.deepEqual(counts, {
    service: 4,
    cgroup: 3,
    emergency: 2,
    identity: 3,
    namespace: 4,
    mount: 4,
    network: 3,
    boot: 5,
    config: 3,
    admin: 5,
    enrollment: 4,
    workload: 4,
  });
});

Deno.test("ACC-N8: the default policy has 10 points, the regulated one 33 that contain them", () => {
  const regulated = REGULATED_COMPLIANCE.requiredAuditPoints;
  const standard = DEFAULT_COMPLIANCE.requiredAuditPoints;
  const fixed: readonly string[] = AUDIT_ACTIONS;
  assert.deepEqual([new Set(standard).size, new Set(regulated).size], [10, 33]);
  assert.deepEqual([standard.length, regulated.length], [10, 33]);
  assert.ok(standard.every((point) => regulated.includes(point)));
  assert.ok(regulated.every((point) => fixed.includes(point)));
});

Deno.test("section 7.5: retention and read accesses of both policies", () => {
  assert.deepEqual([DEFAULT_COMPLIANCE.retentionDays, DEFAULT_COMPLIANCE.logAllAccess], [
    365,
    false,
  ]);
  assert.deepEqual(
    [REGULATED_COMPLIANCE.retentionDays, REGULATED_COMPLIANCE.logAllAccess],
    [2555, true],
  );
});

Deno.test("section 7.5: the regulated policy holds whole groups", () => {
  for (const group of ["service.", "cgroup.", "emergency.", "config.", "admin."]) {
    const actions = AUDIT_ACTIONS.filter((action) => action.startsWith(group));
    assert.ok(actions.every((action) => isRequired(REGULATED_COMPLIANCE, action)), group);
  }
});

Deno.test("CP-1: required means exactly that action", () => {
  assert.ok(isRequired(DEFAULT_COMPLIANCE, "config.commit"));
  assert.ok(!isRequired(DEFAULT_COMPLIANCE, "config"));
  assert.ok(!isRequired(DEFAULT_COMPLIANCE, "config.commit.x"));
  assert.ok(!isRequired(DEFAULT_COMPLIANCE, "service.start"));
});

Deno.test("CP-3: a vCluster keeps events for the longer of both times", () => {
  assert.equal(complianceFor(false, 30).retentionDays, 365);
  assert.equal(complianceFor(false, 400).retentionDays, 400);
  assert.equal(complianceFor(true, 400).retentionDays, 2555);
  assert.equal(complianceFor(true, 400).logAllAccess, true);
});

Deno.test("ACC-N3: a policy in JSON", () => {
  const policy = { retentionDays: 1, logAllAccess: true, requiredAuditPoints: ["config.commit"] };
  const golden = {
    retention_days: 1,
    log_all_access: true,
    required_audit_points: ["config.commit"],
  };
  assert.deepEqual(compliancePolicyToJson(policy), golden);
  assert.deepEqual(compliancePolicyFromJson(golden), policy);
});

Deno.test("AS-6: emergency writes and forced unmounts wait for their event", () => {
  assert.deepEqual(EMIT_FIRST_ACTIONS, [
    "emergency.freeze",
    "emergency.kill",
    "mount.force_unmount",
  ]);
});
