import assert from "node:assert/strict";
import { config, policy } from "../../../../api/mod.ts";
import { create } from "@bufbuild/protobuf";
import {
  all,
  type JournalClients,
  openJournalSite,
  refusalOf,
} from "../../../support/journal/mod.ts";

const ml = { scope: { case: "vclusterId", value: "ml" } } as const;
const HUMAN = { principal: "bo", principalType: "Human", role: "pact-ops-ml" };

async function setPolicy(clients: JournalClients, settings: object, more: object = {}) {
  return await clients.policy.updatePolicy({
    vclusterId: "ml",
    policy: create(policy.VClusterPolicySchema, settings),
    ...more,
  });
}

Deno.test("API-40, API-41: an unknown vCluster has no policy, a known one the defaults, and an update counts up", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const read = () => ann.policy.getEffectivePolicy({ vclusterId: "ml" });
  assert.match((await refusalOf(read())).message, /policy for ml not found/);
  await site.register("n1", "ml");
  const defaults = await read();
  assert.equal(defaults.policyId, "");
  assert.equal(defaults.baseCommitWindowSeconds, 900);
  assert.equal(defaults.enforcementMode, "observe");
  const answer = await setPolicy(ann, { driftSensitivity: 5, enforcementMode: "enforce" }, {
    message: "tighten",
  });
  assert.equal(answer.success, true);
  assert.equal(answer.policyRef, "policy:ml");
  const stored = await read();
  assert.notEqual(stored.policyId, "");
  assert.equal(stored.version, 1n);
  assert.equal(stored.driftSensitivity, 5);
  assert.equal(stored.baseCommitWindowSeconds, 900, "VCP-2: zero means the default");
  // ACC-2: the second one replaces the first.
  await setPolicy(ann, { driftSensitivity: 1 }, { expectedVersion: 1n });
  assert.equal((await read()).version, 2n);
  assert.equal((await read()).enforcementMode, "observe");
  const entries = await all(
    ann.config.listEntries({ scope: ml, entryTypes: [config.EntryType.POLICY_UPDATE] }),
  );
  assert.deepEqual(entries.map(({ message }) => message), ["tighten", "policy version 2"]);
});

Deno.test("API-41: an invalid policy is answered with its error and the trailer, a missing one refused", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const trailers: (string | null)[] = [];
  const invalid = await ann.policy.updatePolicy({
    vclusterId: "ml",
    policy: { enforcementMode: "loudly" },
  }, { onTrailer: (trailer) => trailers.push(trailer.get("x-pact-error")) });
  assert.equal(invalid.success, false);
  assert.match(invalid.error ?? "", /enforcement_mode/);
  assert.deepEqual(trailers, ["INVALID_ARGUMENT"]);
  const overlap = await setPolicy(ann, {
    autoConvergeCategories: ["kernel"],
    requireAckCategories: ["kernel"],
  });
  assert.match(overlap.error ?? "", /require_ack_categories/);
  const missing = await refusalOf(ann.policy.updatePolicy({ vclusterId: "ml" }));
  assert.match(missing.message, /policy required/);
  const stale = await refusalOf(setPolicy(ann, {}, { expectedVersion: 7n }));
  assert.equal(stale.code, "CONFLICT");
  const forged = await refusalOf(setPolicy(ann, {}, { author: HUMAN }));
  assert.equal(forged.code, "IDENTITY_MISMATCH");
});

Deno.test("API-43: an evaluation says what would be decided, writes nothing, and for others is open to agents and admins", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const n1 = await site.node("n1", "ml");
  const viewer = await site.as("pact-viewer-ml");
  const { nextSequence } = await ann.fleet.getClusterStatus({});
  const own = await viewer.policy.evaluate({ action: "commit", scope: ml });
  assert.equal(own.authorized, false);
  assert.match(own.denialReason ?? "", /viewer role cannot perform action: commit/);
  assert.equal(own.policyRef, "rbac:denied:commit");
  const onNode = { scope: { case: "nodeId", value: "n1" } } as const;
  const forBo = { author: HUMAN, action: "commit", scope: onNode };
  assert.equal((await n1.policy.evaluate(forBo)).authorized, true);
  assert.equal((await ann.policy.evaluate(forBo)).authorized, true);
  assert.equal((await refusalOf(viewer.policy.evaluate(forBo))).code, "PERMISSION_DENIED");
  const other = { ...forBo, author: { ...HUMAN, role: "pact-ops-ai" } };
  assert.match((await n1.policy.evaluate(other)).denialReason ?? "", /\(P3\)/);
  const unknown = await ann.policy.evaluate({ action: "levitate", scope: ml });
  assert.equal(unknown.denialReason, "unknown action: levitate");
  const machine = { principal: "bot", principalType: "Service", role: "pact-service-ai" };
  const emergency = { author: machine, action: "emergency", scope: ml };
  assert.match((await ann.policy.evaluate(emergency)).denialReason ?? "", /\(P8\)/);
  assert.equal((await ann.fleet.getClusterStatus({})).nextSequence, nextSequence);
});

Deno.test("APR-1: where two people must decide, a change by one waits and appends nothing", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const operator = await site.as({ sub: "bo", role: "pact-ops-ml" });
  await setPolicy(ann, { twoPersonApproval: true });
  const entry = { entryType: config.EntryType.COMMIT, scope: ml };
  const refusal = await refusalOf(operator.config.appendEntry({ entry }));
  assert.equal(refusal.code, "APPROVAL_REQUIRED");
  assert.match(refusal.message, /two people must decide on commit/);
  const commits = ann.config.listEntries({ entryTypes: [config.EntryType.COMMIT] });
  assert.deepEqual(await all(commits), []);
  const dry = await operator.policy.evaluate({ action: "commit", scope: ml });
  assert.equal(dry.authorized, false);
  assert.equal(dry.approval?.approvalType, "two_person");
  assert.match(dry.denialReason ?? "", /two people must decide/);
  // P6: a platform admin is exempt.
  await ann.config.appendEntry({ entry });
});
