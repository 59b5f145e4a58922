import assert from "node:assert/strict";
import { type Identity, SYSTEM_IDENTITY } from "../../../../common/model/mod.ts";
import type { CommandInput } from "../../../../journal/state/mod.ts";
import { AGENT, ANN, BOB, TestState } from "../../../support/journal/mod.ts";

const HOUR_MS = 3_600_000;
const inRole = (role: string): Identity => ({ ...BOB, role });
const decide = (decision: "Approved" | "Rejected" | "Expired"): CommandInput => ({
  type: "DecideApproval",
  approval_id: "ap-00000001",
  decision,
});

/** A state in which Ann asked for something in ml that expires in an hour. */
function asked(): TestState {
  const state = new TestState();
  state.send({
    type: "CreateApproval",
    approval: {
      approval_id: "ap-00000001",
      original_request: "{}",
      summary: "apply",
      action: "apply",
      scope: { VCluster: "ml" },
      vcluster: "ml",
      expires_at: new Date(state.nowMs + HOUR_MS).toISOString(),
    },
  });
  return state;
}

const DECIDERS: readonly [who: string, actor: Identity, mayDecide: boolean][] = [
  ["a platform admin", BOB, true],
  ["ops of the vCluster", inRole("pact-ops-ml"), true],
  ["the regulated role of the vCluster", inRole("pact-regulated-ml"), true],
  ["ops of another vCluster", inRole("pact-ops-sim"), false],
  ["a viewer", inRole("pact-viewer-ml"), false],
  ["a machine", AGENT, false],
];

for (const [who, actor, mayDecide] of DECIDERS) {
  Deno.test(`policy.md 6.3: ${who} ${mayDecide ? "decides" : "does not decide"} approvals`, () => {
    using state = asked();
    if (mayDecide) {
      state.send(decide("Approved"), { actor });
      assert.equal(state.store.get("approvals", "ap-00000001")?.approver?.role, actor.role);
      assert.match(state.entries().at(-1)?.message ?? "", /^ap-00000001 Approved: apply/);
    } else {
      assert.equal(state.refusal(decide("Approved"), { actor }).code, "PERMISSION_DENIED");
    }
  });
}

Deno.test("policy.md 6.3: requesters withdraw their own request, whatever their role, and never approve it", () => {
  using state = asked();
  const actor = { ...ANN, role: "pact-viewer-ml" };
  assert.equal(state.refusal(decide("Approved"), { actor }).code, "SELF_APPROVAL");
  state.send(decide("Rejected"), { actor });
  assert.equal(state.store.get("approvals", "ap-00000001")?.status, "Rejected");
});

Deno.test("APR-17: an approval expires by the journal's decision, and not before its time", () => {
  using state = asked();
  const bySystem = { actor: SYSTEM_IDENTITY };
  assert.equal(state.refusal(decide("Expired"), bySystem).code, "PRECONDITION");
  state.nowMs += HOUR_MS + 1;
  assert.equal(state.refusal(decide("Expired"), { actor: BOB }).code, "PERMISSION_DENIED");
  assert.deepEqual(state.refusal(decide("Approved"), { actor: BOB }), {
    code: "APPROVAL_CLOSED",
    message: "approval ID already Expired",
  });
  state.send(decide("Expired"), bySystem);
  assert.equal(state.store.get("approvals", "ap-00000001")?.status, "Expired");
});
