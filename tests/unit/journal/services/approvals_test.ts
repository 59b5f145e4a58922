import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { config, lock, type policy } from "../../../../api/mod.ts";
import { ERROR_TRAILER, type PactError } from "../../../../common/errors/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import {
  all,
  type JournalClients,
  type JournalSite,
  openJournalSite,
  refusalOf,
} from "../../../support/journal/mod.ts";

const { EntryType, DeltaAction } = config;
const ml = { scope: { case: "vclusterId", value: "ml" } } as const;
const onNode = (value: string) => ({ scope: { case: "nodeId", value } }) as const;
const TWO = { twoPersonApproval: true, emergencyAllowed: true };
const OPS = "pact-ops-ml";

const swappiness = (declaredValue: string) => ({
  entry: {
    entryType: EntryType.COMMIT,
    scope: ml,
    message: "less swap",
    stateDelta: {
      kernel: [{ key: "vm.swappiness", declaredValue, action: DeltaAction.MODIFY }],
    },
  },
});

/** A site whose vCluster ml wants two people; bo and olga operate it, ann administers. */
async function twoPeople(site: JournalSite, settings: object = {}) {
  const ann = await site.as();
  await ann.policy.updatePolicy({ vclusterId: "ml", policy: { ...TWO, ...settings } });
  const bo = await site.as({ sub: "bo", role: OPS });
  const olga = await site.as({ sub: "olga", role: OPS });
  return { ann, bo, olga };
}

/** The id of the approval that a call is refused for. */
async function pendingId(call: Promise<unknown>): Promise<string> {
  return idIn(await refusalOf(call));
}

function idIn(refusal: PactError): string {
  assert.equal(refusal.code, "APPROVAL_REQUIRED", refusal.message);
  return refusal.trailers["x-pact-approval-id"] ?? "";
}

/** A decision, and the code of its refusal. */
async function decide(
  clients: JournalClients,
  approvalId: string,
  decision = "approved",
): Promise<policy.DecideApprovalResponse & { readonly code: string }> {
  let code = "";
  const answer = await clients.policy.decideApproval({ approvalId, decision }, {
    onTrailer: (trailer) => void (code = trailer.get(ERROR_TRAILER) ?? ""),
  });
  return { ...answer, code };
}

const committed = (clients: JournalClients) =>
  all(clients.config.listEntries({ entryTypes: [EntryType.COMMIT] }));

Deno.test("API-31, APR-11: a change waits for a second person, who makes it happen in the name of the first", async () => {
  await using site = await openJournalSite();
  const { ann, bo, olga } = await twoPeople(site);
  const refusal = await refusalOf(bo.config.appendEntry(swappiness("10")));
  const id = idIn(refusal);
  assert.match(id, /^ap-[0-9a-f]{8}$/);
  assert.match(refusal.message, /^APPROVAL_REQUIRED: .* run `pact approve ap-/);
  assert.ok(Date.parse(refusal.trailers["x-pact-approval-expires"] ?? "") > Date.now());
  assert.deepEqual(await committed(ann), []);

  const { approvals: [listed] } = await olga.policy.listPendingApprovals({});
  assert.equal(listed?.approvalId, id);
  assert.equal(listed.scope, "vc:ml");
  assert.equal(listed.action, "commit");
  assert.equal(listed.requester, "bo");
  assert.equal(listed.summary, "commit on vc:ml; less swap; kernel:vm.swappiness");
  assert.equal(listed.proposedChange?.kernel[0]?.declaredValue, "10");
  const { approvals: [whole] } = await olga.policy.listPendingApprovals({ approvalId: id });
  assert.equal(JSON.parse(whole?.requestJson ?? "").command.entry.message, "less swap");

  const own = await decide(bo, id);
  assert.equal(own.success, false);
  assert.equal(own.code, "SELF_APPROVAL");
  assert.equal(own.error, "SELF_APPROVAL: cannot approve your own request (P4)");

  const approved = await decide(olga, id.slice(0, "ap-".length + 4));
  assert.equal(approved.status, "Approved");
  const [entry] = await committed(ann);
  assert.equal(entry?.sequence, approved.executedSequence);
  assert.equal(entry?.author?.principal, "bo");
  assert.equal(entry?.policyRef, `approved:${id}`);
  assert.equal(entry?.message, "less swap (approved by olga)");

  const again = await decide(ann, id, "rejected");
  assert.equal(again.code, "APPROVAL_CLOSED");
  assert.equal(again.error, "approval ID already Approved");
  assert.deepEqual((await ann.policy.listPendingApprovals({})).approvals, []);
  const { approvals: closed } = await ann.policy.listPendingApprovals({ includeClosed: true });
  assert.equal(closed[0]?.approver, "olga");
  assert.equal(closed[0]?.executedSequence, approved.executedSequence);

  const audit = await all(ann.fleet.queryAudit({}));
  const of = (operation: string, outcome: string) =>
    audit.filter((record) => record.operationType === operation && record.outcome === outcome)
      .map(({ actor }) => actor?.principal);
  assert.deepEqual(of("ApprovalDecision", "Denied"), ["bo"]);
  assert.deepEqual(of("ApprovalDecision", "Success"), ["olga"]);
  assert.deepEqual(of("Commit", "Success"), ["bo"]);
});

Deno.test("API-42: decisions are two words, ids may be shortened but not ambiguous, and unknown ones are said to be so", async () => {
  await using site = await openJournalSite();
  const { ann } = await twoPeople(site);
  const word = await refusalOf(
    ann.policy.decideApproval({ approvalId: "ap-00000000", decision: "yes" }),
  );
  assert.match(word.message, /invalid decision 'yes', must be 'approved' or 'rejected'/);
  for (const approvalId of ["ap-00000000", "ap-0000", "17", ""]) {
    assert.equal((await decide(ann, approvalId)).code, "NOT_FOUND", approvalId);
  }
  const short = await refusalOf(
    ann.policy.decideApproval({ approvalId: "ap-000", decision: "approved" }),
  );
  assert.equal(short.code, "INVALID_ARGUMENT");
});

Deno.test("APR-16: approvals are shown to who may decide them and to who asked", async () => {
  await using site = await openJournalSite();
  const { bo, olga } = await twoPeople(site);
  const id = await pendingId(bo.config.appendEntry(swappiness("10")));
  const ids = async (claims: Parameters<JournalSite["as"]>[0]) =>
    (await (await site.as(claims)).policy.listPendingApprovals({})).approvals
      .map(({ approvalId }) => approvalId);
  assert.deepEqual(await ids("pact-viewer-ml"), []);
  assert.deepEqual(await ids("pact-ops-sim"), []);
  assert.deepEqual(await ids("pact-service-ai"), []);
  assert.deepEqual(await ids("pact-regulated-ml"), [id]);
  // The requester, in whatever role.
  assert.deepEqual(await ids({ sub: "bo", role: "pact-viewer-ml" }), [id]);
  const viewer = await site.as("pact-viewer-ml");
  const hidden = await refusalOf(viewer.policy.listPendingApprovals({ approvalId: id }));
  assert.equal(hidden.code, "NOT_FOUND");
  const filtered = async (scopeFilter: string) =>
    (await olga.policy.listPendingApprovals({ scopeFilter })).approvals.length;
  assert.equal(await filtered("vc:ml"), 1);
  assert.equal(await filtered("vc:sim"), 0);
  assert.equal(await filtered("global"), 0);
});

Deno.test("policy.md 6.3, P8: viewers, operators of another vCluster and machines decide nothing", async () => {
  await using site = await openJournalSite();
  const { ann, bo } = await twoPeople(site);
  const approvalId = await pendingId(bo.config.appendEntry(swappiness("10")));
  const deciders = [
    await site.as("pact-viewer-ml"),
    await site.as("pact-ops-sim"),
    await site.as({ sub: "robot", role: "pact-service-ai" }),
    await site.as({ sub: "robot", role: "pact-platform-admin", type: "service" }),
  ];
  for (const clients of deciders) {
    const call = clients.policy.decideApproval({ approvalId, decision: "approved" });
    assert.equal((await refusalOf(call)).code, "PERMISSION_DENIED");
  }
  const denied = await all(ann.fleet.queryAudit({ outcome: "Denied" }));
  assert.equal(denied.length, deciders.length);
  // Who asked may take it back.
  assert.equal((await decide(bo, approvalId, "rejected")).status, "Rejected");
});

Deno.test("APR-11: both people are told when an approved request cannot be carried out any more", async () => {
  await using site = await openJournalSite();
  const { ann, bo, olga } = await twoPeople(site);
  await ann.config.appendEntry(swappiness("60"));
  const [first] = await committed(ann);
  const expectedHead = first?.sequence ?? 0n;
  const id = await pendingId(bo.config.appendEntry({ ...swappiness("10"), expectedHead }));
  await ann.config.appendEntry(swappiness("50"));
  const answer = await decide(olga, id);
  assert.equal(answer.success, true);
  assert.equal(answer.status, "Approved");
  assert.equal(answer.executedSequence, undefined);
  assert.match(answer.executionError, /^CONFLICT: expected sequence/);
  assert.equal((await committed(ann)).length, 2);
  const { approvals: [shown] } = await bo.policy.listPendingApprovals({ approvalId: id });
  assert.match(shown?.reason ?? "", /not carried out: CONFLICT/);
});

Deno.test("APR-11: a request is not carried out for who has lost the right to it", async () => {
  await using site = await openJournalSite();
  const { ann, olga } = await twoPeople(site, {
    roleBindings: [{ role: "pact-carer-ml", principals: ["cleo"], allowedActions: ["commit"] }],
  });
  const cleo = await site.as({ sub: "cleo", role: "pact-carer-ml" });
  const id = await pendingId(cleo.config.appendEntry(swappiness("10")));
  await ann.policy.updatePolicy({ vclusterId: "ml", policy: TWO });
  assert.match((await decide(olga, id)).executionError, /unknown role: pact-carer-ml/);
  assert.deepEqual(await committed(ann), []);
});

Deno.test("a request of somebody who was locked out meanwhile is not carried out, and their permit is of no use", async () => {
  await using site = await openJournalSite();
  const { ann, bo, olga } = await twoPeople(site);
  const n1 = await site.node("n1", "ml");
  const id = await pendingId(bo.config.appendEntry(swappiness("10")));
  const requester = { principal: "bo", principalType: "Human", role: OPS };
  const restart = { action: "service_restart", command: "chronyd" };
  const { approval } = await n1.policy.evaluate({
    ...restart,
    author: requester,
    scope: onNode("n1"),
    createApproval: true,
  });
  const approvalId = approval?.pendingApprovalId ?? "";
  assert.equal((await decide(olga, approvalId)).status, "Approved");
  const locks = createClient(lock.LockService, ann.transport);
  await locks.setLock({ kind: "user", name: "bo", reason: "a laptop is gone" });
  assert.match((await decide(olga, id)).executionError, /locked/);
  assert.deepEqual(await committed(ann), []);
  const redeem = n1.policy.redeemPermit({ approvalId, requester, ...restart });
  assert.match((await refusalOf(redeem)).message, /locked/);
});

Deno.test("SAF-5, POL-25: what a binding grants waits for a second person like everything marked 2", async () => {
  await using site = await openJournalSite();
  const { olga } = await twoPeople(site, {
    roleBindings: [{ role: "pact-service-ai", principals: ["robot"], allowedActions: ["commit"] }],
  });
  const robot = await site.as({ sub: "robot", role: "pact-service-ai" });
  const id = await pendingId(robot.config.appendEntry(swappiness("10")));
  assert.equal((await decide(olga, id)).status, "Approved");
});

Deno.test("ACC-P3: approved after its time is Expired, at once and for good", async () => {
  const clock = new VirtualClock(Date.now());
  await using site = await openJournalSite({ clock });
  const { ann, bo, olga } = await twoPeople(site, { approvalTimeoutSeconds: 60 });
  const id = await pendingId(bo.config.appendEntry(swappiness("10")));
  clock.advance(60_001);
  const late = await decide(olga, id);
  assert.equal(late.success, false);
  assert.equal(late.code, "APPROVAL_CLOSED");
  assert.equal(late.status, "Expired");
  assert.equal(late.error, "approval ID already Expired");
  const { approvals: [closed] } = await olga.policy.listPendingApprovals({ includeClosed: true });
  assert.equal(closed?.approver, "system/pact-journal");
  assert.deepEqual(await committed(ann), []);
});

Deno.test("JRN-57: a request that is repeated waits once, by its id even when it is decided", async () => {
  await using site = await openJournalSite();
  const { bo, olga } = await twoPeople(site);
  const headers = { "x-pact-request-id": "r-17" };
  const first = await pendingId(bo.config.appendEntry(swappiness("10"), { headers }));
  assert.equal(await pendingId(bo.config.appendEntry(swappiness("10"), { headers })), first);
  assert.equal(await pendingId(bo.config.appendEntry(swappiness("10"))), first);
  assert.notEqual(await pendingId(bo.config.appendEntry(swappiness("11"))), first);
  await decide(olga, first);
  assert.equal(await pendingId(bo.config.appendEntry(swappiness("10"), { headers })), first);
  assert.notEqual(await pendingId(bo.config.appendEntry(swappiness("10"))), first);
});

Deno.test("APR-2: a platform admin need not wait, and the record says that anybody else had to", async () => {
  await using site = await openJournalSite();
  const { ann } = await twoPeople(site);
  await ann.config.appendEntry(swappiness("10"));
  await ann.config.appendEntry({
    entry: { ...swappiness("10").entry, scope: { scope: { case: "vclusterId", value: "sim" } } },
  });
  const records = await all(ann.fleet.queryAudit({ operationTypes: ["Commit"] }));
  assert.deepEqual(records.map(({ metadata }) => metadata["approval"]), [
    "approval exempt",
    undefined,
  ]);
});

Deno.test("policy.md section 5: every change marked 2 waits, and happens when a second person agrees", async () => {
  await using site = await openJournalSite();
  const { ann, olga } = await twoPeople(site);
  await site.node("n1", "ml");
  await site.register("n2");
  const regulated = await site.as({ sub: "rob", role: "pact-regulated-ml" });
  const local = { ...swappiness("30").entry, scope: onNode("n1") };
  await ann.config.appendEntry({ entry: local });
  const { fleet, enrollment } = regulated;
  const waiting: readonly [string, () => Promise<unknown>][] = [
    ["promote", () => fleet.promote({ nodeId: "n1" })],
    ["blacklist", () => fleet.updateBlacklist({ vclusterId: "ml", add: ["/scratch/**"] })],
    ["node_assign", () => enrollment.assignNode({ nodeId: "n2", vclusterId: "ml" })],
    ["node_unassign", () => enrollment.unassignNode({ nodeId: "n1" })],
  ];
  for (const [action, call] of waiting) {
    const id = await pendingId(call());
    const { approvals: [asked] } = await olga.policy.listPendingApprovals({ approvalId: id });
    assert.equal(asked?.action, action);
    const answer = await decide(olga, id);
    assert.equal(answer.executionError, "", action);
    assert.notEqual(answer.executedSequence, undefined, action);
  }
  assert.deepEqual((await ann.fleet.getBlacklist({ vclusterId: "ml" })).patterns, ["/scratch/**"]);
  assert.equal((await ann.enrollment.inspectNode({ nodeId: "n2" })).vclusterId, "ml");
  assert.equal((await ann.enrollment.inspectNode({ nodeId: "n1" })).vclusterId, "");
});

Deno.test("CON-4, APR-11: a promotion is not carried out over what a node declared since it was asked for", async () => {
  await using site = await openJournalSite();
  const { ann, olga, bo } = await twoPeople(site);
  await site.node("n1", "ml");
  await site.node("n2", "ml");
  const onN = (id: string, value: string) => ({
    entry: { ...swappiness(value).entry, scope: onNode(id) },
  });
  await ann.config.appendEntry(onN("n1", "30"));
  const stale = await pendingId(bo.fleet.promote({ nodeId: "n1" }));
  await ann.config.appendEntry(onN("n2", "40"));
  const refused = await decide(olga, stale);
  assert.match(refused.executionError, /decide overwrite or keep for kernel:vm.swappiness on n2/);
  const decisions = [{ nodeId: "n2", category: "kernel", key: "vm.swappiness", decision: "keep" }];
  const id = await pendingId(bo.fleet.promote({ nodeId: "n1", decisions }));
  assert.equal((await decide(olga, id)).executionError, "");
});

Deno.test("API-43, APR-12: an agent files what somebody wants on its node, and uses the permit once", async () => {
  await using site = await openJournalSite();
  const { bo, olga } = await twoPeople(site);
  const n1 = await site.node("n1", "ml");
  const n2 = await site.node("n2", "ml");
  const requester = { principal: "bo", principalType: "Human", role: OPS };
  const restart = { action: "service_restart", command: "chronyd" };
  const dry = { ...restart, author: requester, scope: onNode("n1") };
  const before = (await bo.fleet.getClusterStatus({})).nextSequence;
  assert.equal((await n1.policy.evaluate(dry)).approval?.pendingApprovalId, "");
  assert.equal((await bo.fleet.getClusterStatus({})).nextSequence, before);

  const question = { ...dry, createApproval: true, authorSubject: "bo" };
  assert.equal((await refusalOf(n2.policy.evaluate(question))).code, "PERMISSION_DENIED");
  const { approval } = await n1.policy.evaluate(question);
  const approvalId = approval?.pendingApprovalId ?? "";
  assert.ok((approval?.expiresAt?.seconds ?? 0n) > 0n);
  const redeem = { approvalId, requester, requesterSubject: "bo", ...restart };
  assert.equal((await refusalOf(n1.policy.redeemPermit(redeem))).code, "APPROVAL_REQUIRED");
  const approved = await decide(olga, approvalId);
  assert.ok((approved.permitExpiresAt?.seconds ?? 0n) > 0n);

  assert.equal((await refusalOf(n2.policy.redeemPermit(redeem))).code, "PERMISSION_DENIED");
  const uses = await Promise.allSettled(
    Array.from({ length: 8 }, () => n1.policy.redeemPermit(redeem)),
  );
  assert.equal(uses.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal((await refusalOf(n1.policy.redeemPermit(redeem))).code, "APPROVAL_CLOSED");
});

Deno.test("APR-12: a commit that an agent hands in for somebody waits, and then counts for what was approved alone", async () => {
  await using site = await openJournalSite();
  const { ann, olga } = await twoPeople(site);
  const n1 = await site.node("n1", "ml");
  const local = (value: string) => ({
    entry: {
      ...swappiness(value).entry,
      scope: onNode("n1"),
      author: { principal: "bo", principalType: "Human", role: OPS },
    },
    authorSubject: "bo",
  });
  const id = await pendingId(n1.config.appendEntry(local("10")));
  const headers = { "x-pact-approval-id": id };
  const early = await refusalOf(n1.config.appendEntry(local("10"), { headers }));
  assert.equal(early.code, "APPROVAL_REQUIRED");
  await decide(olga, id);
  const other = await refusalOf(n1.config.appendEntry(local("60"), { headers }));
  assert.equal(other.code, "PERMISSION_DENIED");
  const { policyRef } = await n1.config.appendEntry(local("10"), { headers });
  assert.equal(policyRef, `approved:${id}`);
  assert.equal(
    (await refusalOf(n1.config.appendEntry(local("10"), { headers }))).code,
    "APPROVAL_CLOSED",
  );
  const [entry] = await committed(ann);
  assert.equal(entry?.author?.principal, "bo");
});
