import assert from "node:assert/strict";
import { canonicalJson } from "../../../../common/json/mod.ts";
import {
  type Identity,
  PolicySettingsSchema,
  type StateDelta,
  SYSTEM_IDENTITY,
} from "../../../../common/model/mod.ts";
import type { Approval, CommandInput } from "../../../../journal/state/mod.ts";
import {
  AGENT,
  ANN,
  BOB,
  commit,
  hold,
  holdAction,
  kernel,
  OPS,
  register,
  TestState,
} from "../../../support/journal/mod.ts";

const ID = "ap-00000001";
const TIMEOUT_MS = 1_800_000;
const ml = { VCluster: "ml" };
const swappiness = commit(ml, { "vm.swappiness": "10" }, { author: OPS, message: "less swap" });
const inRole = (role: string): Identity => ({ ...BOB, role });

const decide = (
  decision: "Approved" | "Rejected" | "Expired",
  more: { readonly subject?: string; readonly denial?: string; readonly reason?: string } = {},
): CommandInput => ({ type: "DecideApproval", approval_id: ID, decision, ...more });

/** A state in which an operator of ml asked for a commit there. */
function asked(held: CommandInput = hold(ID, swappiness)): TestState {
  const state = new TestState();
  state.send(held, { actor: OPS });
  return state;
}

function approvalIn(state: TestState): Approval {
  const approval = state.store.get("approvals", ID);
  assert.ok(approval !== undefined);
  return approval;
}

const DECIDERS: readonly [who: string, actor: Identity, mayDecide: boolean][] = [
  ["a platform admin", BOB, true],
  ["ops of the vCluster", inRole("pact-ops-ml"), true],
  ["the regulated role of the vCluster", inRole("pact-regulated-ml"), true],
  ["ops of another vCluster", inRole("pact-ops-sim"), false],
  ["a viewer", inRole("pact-viewer-ml"), false],
  ["a machine", AGENT, false],
  ["a machine in a person's role", { ...BOB, principal_type: "Service" }, false],
];

for (const [who, actor, mayDecide] of DECIDERS) {
  Deno.test(`policy.md 6.3: ${who} ${mayDecide ? "decides" : "does not decide"} approvals`, () => {
    using state = asked();
    if (mayDecide) {
      state.send(decide("Approved"), { actor });
      assert.equal(approvalIn(state).approver?.role, actor.role);
      assert.match(state.entries().at(-1)?.message ?? "", /^ap-00000001 Approved: commit/);
    } else {
      assert.equal(state.refusal(decide("Approved"), { actor }).code, "PERMISSION_DENIED");
    }
  });
}

Deno.test("PAuth5: nobody approves their own request, under another name or another token neither", () => {
  using state = asked(hold(ID, swappiness, { subject: "u-17" }));
  const shouted = { ...OPS, principal: OPS.principal.toUpperCase() };
  assert.equal(state.refusal(decide("Approved"), { actor: shouted }).code, "SELF_APPROVAL");
  assert.deepEqual(state.refusal(decide("Approved", { subject: "u-17" }), { actor: BOB }), {
    code: "SELF_APPROVAL",
    message: "SELF_APPROVAL: cannot approve your own request (P4)",
  });
  state.send(decide("Approved", { subject: "u-18" }), { actor: BOB });
  assert.equal(approvalIn(state).status, "Approved");
});

Deno.test("policy.md 6.3: requesters withdraw their own request, whatever their role, and never approve it", () => {
  using state = asked();
  const actor = { ...OPS, role: "pact-viewer-ml" };
  assert.equal(state.refusal(decide("Approved"), { actor }).code, "SELF_APPROVAL");
  state.send(decide("Rejected", { reason: "changed my mind" }), { actor });
  assert.equal(approvalIn(state).status, "Rejected");
  assert.match(state.entries().at(-1)?.message ?? "", /changed my mind/);
  assert.equal(state.store.get("declared", "vc:ml\nkernel\nvm.swappiness"), undefined);
});

Deno.test("APR-10: an approval expires after the policy's timeout, by the journal's decision and not before", () => {
  using state = asked();
  const bySystem = { actor: SYSTEM_IDENTITY };
  assert.equal(approvalIn(state).expires_at, new Date(state.nowMs + TIMEOUT_MS).toISOString());
  assert.equal(state.refusal(decide("Expired"), bySystem).code, "PRECONDITION");
  state.nowMs += TIMEOUT_MS + 1;
  assert.equal(state.refusal(decide("Expired"), { actor: BOB }).code, "PERMISSION_DENIED");
  // ACC-P3: too late, also before the sweep has come.
  assert.deepEqual(state.refusal(decide("Approved"), { actor: BOB }), {
    code: "APPROVAL_CLOSED",
    message: "approval ID already Expired",
  });
  state.send(decide("Expired"), bySystem);
  assert.equal(approvalIn(state).status, "Expired");
  assert.equal(state.refusal(decide("Rejected"), { actor: OPS }).code, "APPROVAL_CLOSED");
});

Deno.test("APR-11, APR-13: approval carries the commit out in the same apply, as the requester's, with the approver's name", () => {
  using state = asked();
  const before = state.entries().length;
  state.send(decide("Approved"), { actor: BOB });
  const [executed, told] = state.entries().slice(before);
  assert.equal(executed?.entry_type, "Commit");
  assert.deepEqual(executed?.author, OPS);
  assert.equal(executed?.policy_ref, `approved:${ID}`);
  assert.equal(executed?.message, "less swap (approved by bob@example.org)");
  assert.equal(told?.entry_type, "PendingApproval");
  assert.deepEqual(told?.author, BOB);
  assert.equal(approvalIn(state).executed_sequence, executed?.sequence);
  assert.equal(state.store.get("declared", "vc:ml\nkernel\nvm.swappiness")?.value, "10");
  const [record] = [...state.store.auditPages({})].flat();
  assert.deepEqual(record?.actor, OPS);
  assert.equal(record?.metadata["policy_ref"], `approved:${ID}`);
});

Deno.test("APR-11: of two decisions one counts, and the request is carried out once", () => {
  using state = asked();
  state.send(decide("Approved"), { actor: BOB, requestId: "r1" });
  const entries = state.entries().length;
  // The same decision again, as after a lost answer, and somebody else's.
  assert.equal(state.outcome(decide("Approved"), { actor: BOB, requestId: "r1" }).kind, "repeated");
  assert.deepEqual(state.refusal(decide("Rejected"), { actor: ANN }), {
    code: "APPROVAL_CLOSED",
    message: "approval ID already Approved",
  });
  assert.equal(state.entries().length, entries);
});

const policy = (settings: object): CommandInput => ({
  type: "SetPolicy",
  vcluster_id: "ml",
  settings: PolicySettingsSchema.parse(settings),
});

const STALE: readonly [why: string, held: CommandInput, meanwhile: CommandInput, error: RegExp][] =
  [
    [
      "the head is another one by now",
      hold(ID, { ...swappiness, expected_head: 0 }),
      commit(ml, { "kernel.pid_max": "1" }),
      /^CONFLICT: expected sequence 0, head is/,
    ],
    [
      "what it was worked out from has changed",
      hold(ID, swappiness, { heads: { "vc:ml": -1 } }),
      commit(ml, { "kernel.pid_max": "1" }),
      /^CONFLICT: vc:ml has changed since/,
    ],
    [
      "its TTL is none",
      hold(ID, { ...swappiness, entry: { ...swappiness.entry, ttl_seconds: 60 } }),
      policy({}),
      /^TTL must be >= 900 seconds/,
    ],
    [
      "the node belongs to another vCluster",
      hold(ID, commit({ Node: "n1" }, { a: "1" }, { author: OPS }), { scope: { Node: "n1" } }),
      { type: "AssignNode", node_id: "n1", vcluster_id: "sim" },
      /is scoped to vCluster ml, not sim \(P3\)/,
    ],
  ];

for (const [why, held, meanwhile, error] of STALE) {
  Deno.test(`APR-11: approved, but not carried out and nothing applied, when ${why}`, () => {
    using state = new TestState();
    state.send({ type: "AssignNode", node_id: "n1", vcluster_id: "ml" });
    state.send(held, { actor: OPS });
    state.send(meanwhile);
    const declared = canonicalJson([...state.store.list("declared")].map(([key]) => key));
    const before = state.entries().length;
    state.send(decide("Approved", { reason: "fine" }), { actor: BOB });
    const approval = approvalIn(state);
    assert.equal(approval.status, "Approved");
    assert.equal(approval.executed_sequence, undefined);
    assert.match(approval.execution_error ?? "", error);
    assert.match(approval.reason ?? "", /^fine; not carried out: /);
    const now = canonicalJson([...state.store.list("declared")].map(([key]) => key));
    assert.equal(now, declared);
    const entries = state.entries().slice(before);
    assert.deepEqual(entries.map(({ entry_type }) => entry_type), ["PendingApproval"]);
    assert.match(entries[0]?.message ?? "", /not carried out/);
  });
}

Deno.test("APR-11: what the proposer knows to be denied now is not carried out", () => {
  using state = asked();
  state.send(decide("Approved", { denial: "locked: under investigation" }), { actor: BOB });
  assert.equal(approvalIn(state).execution_error, "locked: under investigation");
});

const numbered = (number: number) => commit(ml, { "vm.swappiness": `${number}` }, { author: OPS });

Deno.test("a request that is made again while it waits is the same one; after the decision it is another", () => {
  using state = asked();
  const entries = state.entries().length;
  const again = state.send(hold("ap-00000002", swappiness), { actor: OPS });
  assert.equal(again.kind === "Ok" && again.id, ID);
  assert.equal(state.entries().length, entries);
  // Somebody else's, and another one, are requests of their own.
  state.send(hold("ap-00000003", swappiness), { actor: { ...OPS, principal: "otto" } });
  state.send(hold("ap-00000004", numbered(1)), { actor: OPS });
  state.send(decide("Rejected"), { actor: BOB });
  const anew = state.send(hold("ap-00000005", swappiness), { actor: OPS });
  assert.equal(anew.kind === "Ok" && anew.id, "ap-00000005");
});

Deno.test("APR-15: what is decided is listed for 90 days, and in the entries for ever", () => {
  using state = asked();
  state.send(decide("Approved"), { actor: BOB });
  state.nowMs += 89 * 86_400_000;
  state.send({ type: "PurgeExpired" }, { actor: SYSTEM_IDENTITY });
  assert.equal(approvalIn(state).status, "Approved");
  state.nowMs += 2 * 86_400_000;
  state.send({ type: "PurgeExpired" }, { actor: SYSTEM_IDENTITY });
  assert.equal(state.store.get("approvals", ID), undefined);
  assert.ok(state.entries().some(({ message }) => message?.startsWith(`${ID} Approved`)));
});

Deno.test("policy.md 6.3: a thousand requests may wait in one vCluster; an id that is taken gives way to the next", () => {
  using state = new TestState();
  for (let number = 0; number < 1000; number++) {
    const result = state.send(hold("ap-fffffff0", numbered(number)), { actor: OPS });
    const expected = (0xfffffff0 + number) % 2 ** 32;
    assert.equal(
      result.kind === "Ok" && result.id,
      `ap-${expected.toString(16).padStart(8, "0")}`,
    );
  }
  assert.equal(state.refusal(hold(ID, swappiness), { actor: OPS }).code, "RESOURCE_EXHAUSTED");
  state.send(hold("ap-abcdef00", swappiness, { vcluster: "sim" }), { actor: OPS });
  state.nowMs += TIMEOUT_MS + 1;
  state.send(hold("ap-abcdef01", swappiness), { actor: OPS });
});

Deno.test("policy.md 6.2: what is no command that may wait is refused, approvals of approvals among it", () => {
  using state = new TestState();
  for (const command of [decide("Approved"), { type: "PurgeExpired" } as const]) {
    const held = hold(ID, swappiness);
    const request = JSON.parse(held.approval.original_request);
    const original_request = JSON.stringify({ ...request, command });
    const refusal = state.refusal({ ...held, approval: { ...held.approval, original_request } });
    assert.equal(refusal.code, "INVALID_ARGUMENT");
  }
});

const restart = { action: "service_restart", node_id: "n1", command: "chronyd", args: [] };
const redeem = (
  action: object,
  { requester = OPS, subject }: { requester?: Identity; subject?: string } = {},
): CommandInput => ({
  type: "RedeemPermit",
  approval_id: ID,
  requester,
  action: { kind: "node", ...restart, ...action },
  ...(subject === undefined ? {} : { subject }),
});

/** A state with node n1 in ml and an approved restart there. */
function permitted(): TestState {
  const state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01"));
  state.send({ type: "AssignNodeToVCluster", node_id: "n1", vcluster_id: "ml" });
  const held = holdAction(ID, restart);
  state.send({ ...held, approval: { ...held.approval, requester_subject: "u-17" } }, {
    actor: OPS,
  });
  assert.equal(state.refusal(redeem({}), { actor: AGENT }).code, "APPROVAL_REQUIRED");
  state.send(decide("Approved"), { actor: BOB });
  return state;
}

Deno.test("APR-12: an approved action on a node is permitted for 900 s, to the requester, for that very request, once", () => {
  using state = permitted();
  const { permit } = approvalIn(state);
  assert.equal(permit?.expires_at, new Date(state.nowMs + 900_000).toISOString());
  const wrong: [string, CommandInput][] = [
    ["another person", redeem({}, { requester: BOB })],
    ["another person of that name", redeem({}, { subject: "u-18" })],
    ["another node", redeem({ node_id: "n2" })],
    ["another action", redeem({ action: "service_stop" })],
    ["another service", redeem({ command: "sshd" })],
    ["other arguments", redeem({ args: ["force"] })],
  ];
  for (const [what, command] of wrong) {
    assert.equal(state.refusal(command, { actor: AGENT }).code, "PERMISSION_DENIED", what);
  }
  state.send(redeem({}, { subject: "u-17" }), { actor: AGENT });
  assert.equal(approvalIn(state).permit?.used_at, new Date(state.nowMs).toISOString());
  const again = state.refusal(redeem({}), { actor: AGENT });
  assert.equal(again.code, "APPROVAL_CLOSED");
  assert.match(again.message, /was used at/);
});

Deno.test("APR-12: a permit lapses, and is of no use to who lost the role", () => {
  using state = permitted();
  const viewer = { ...OPS, role: "pact-viewer-ml" };
  assert.equal(
    state.refusal(redeem({}, { requester: viewer }), { actor: AGENT }).code,
    "PERMISSION_DENIED",
  );
  state.nowMs += 900_001;
  const late = state.refusal(redeem({}), { actor: AGENT });
  assert.equal(late.code, "APPROVAL_CLOSED");
  assert.match(late.message, /could be used until/);
});

Deno.test("APR-12: a node's commit uses its permit in the apply that appends it, and commits what was approved", () => {
  using state = new TestState();
  state.send({ type: "AssignNode", node_id: "n1", vcluster_id: "ml" });
  const change: StateDelta = kernel({ "vm.swappiness": "10" });
  state.send(
    holdAction(ID, { action: "commit", node_id: "n1", command: "", args: ["ttl:900"], change }),
    { actor: OPS },
  );
  state.send(decide("Approved"), { actor: BOB });
  const local = (values: Record<string, string>, ttl_seconds = 900): CommandInput => ({
    ...commit({ Node: "n1" }, values, { author: OPS, ttl_seconds }),
    permit: { approval_id: ID, action: "commit" },
  });
  const other = state.refusal(local({ "vm.swappiness": "60" }), { actor: OPS });
  assert.equal(other.code, "PERMISSION_DENIED");
  assert.match(other.message, /permits another request/);
  assert.equal(
    state.refusal(local({ "vm.swappiness": "10" }, 3600), { actor: OPS }).code,
    "PERMISSION_DENIED",
  );
  state.send(local({ "vm.swappiness": "10" }), { actor: OPS });
  assert.equal(
    state.refusal(local({ "vm.swappiness": "10" }), { actor: OPS }).code,
    "APPROVAL_CLOSED",
  );
});
