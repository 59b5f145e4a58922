import assert from "node:assert/strict";
import fc from "fast-check";
import type { Identity } from "../../../../common/model/mod.ts";
import {
  type Approval,
  type ApprovalEvent,
  type ApprovalFacts,
  isSamePerson,
  stepApproval,
} from "../../../../journal/state/mod.ts";

const EXPIRES_MS = Date.UTC(2026, 0, 1);

const principal = fc.constantFrom("ann", "ANN", "bob", "carl");
const subject = fc.option(fc.constantFrom("s1", "s2"), { nil: undefined });
const identity: fc.Arbitrary<Identity> = fc.record({
  principal,
  principal_type: fc.constantFrom("Human" as const, "Service" as const, "Agent" as const),
  role: fc.constantFrom(
    "pact-platform-admin",
    "pact-ops-ml",
    "pact-ops-sim",
    "pact-regulated-ml",
    "pact-viewer-ml",
    "pact-service-ai",
  ),
});
const approval: fc.Arbitrary<ApprovalFacts> = fc.record({
  status: fc.constantFrom<Approval["status"]>("Pending", "Approved", "Rejected", "Expired"),
  requester: identity,
  requester_subject: subject,
  vcluster: fc.constant("ml"),
  expires_at: fc.constant(new Date(EXPIRES_MS).toISOString()),
});
const event: fc.Arbitrary<ApprovalEvent> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("approve" as const, "reject" as const),
    by: fc.record({ identity, subject }),
  }),
  fc.record({ kind: fc.constant("expire" as const), isJournal: fc.boolean() }),
);
const moment = fc.integer({ min: -5, max: 5 }).map((offset) => EXPIRES_MS + offset);

Deno.test("policy.md 6.3: whatever happens, only what is pending is decided, and never by the requester alone", () => {
  fc.assert(
    fc.property(approval, event, moment, (facts, happening, nowMs) => {
      const step = stepApproval(facts, happening, nowMs);
      if (step.kind === "refused") return;
      assert.equal(facts.status, "Pending");
      if (step.status === "Expired") {
        assert.equal(happening.kind, "expire");
        assert.ok(nowMs > EXPIRES_MS);
        return;
      }
      assert.ok(nowMs <= EXPIRES_MS);
      assert.ok(happening.kind !== "expire");
      const own = isSamePerson(
        { identity: facts.requester, subject: facts.requester_subject },
        happening.by,
      );
      const { principal_type, role } = happening.by.identity;
      if (own) return assert.equal(step.status, "Rejected");
      assert.equal(principal_type, "Human");
      assert.match(role, /^pact-(platform-admin|ops-ml|regulated-ml)$/);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("policy.md 6.3: a person who may decide does decide, in time; after it the answer is Expired", () => {
  fc.assert(fc.property(principal, moment, fc.boolean(), (name, nowMs, approve) => {
    const requester: Identity = {
      principal: "requester",
      principal_type: "Human",
      role: "pact-ops-ml",
    };
    const facts: ApprovalFacts = {
      status: "Pending",
      requester,
      vcluster: "ml",
      expires_at: new Date(EXPIRES_MS).toISOString(),
    };
    const by = { identity: { ...requester, principal: name } };
    const step = stepApproval(facts, { kind: approve ? "approve" : "reject", by }, nowMs);
    if (nowMs > EXPIRES_MS) {
      assert.deepEqual(step, {
        kind: "refused",
        rejection: { code: "APPROVAL_CLOSED", message: "approval ID already Expired" },
      });
    } else {
      assert.deepEqual(step, { kind: "to", status: approve ? "Approved" : "Rejected" });
    }
  }));
});
