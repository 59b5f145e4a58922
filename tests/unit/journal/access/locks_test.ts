import assert from "node:assert/strict";
import {
  all,
  type JournalClients,
  openJournalSite,
  refusalOf,
} from "../../../support/journal/mod.ts";
import { within } from "../../../support/mod.ts";

/** A subscription that has been let in, and how it ends. */
async function watchOf(clients: JournalClients, vclusterId: string) {
  const messages = clients.boot.subscribeConfigUpdates({ vclusterId, fromSequence: 0n });
  const iterator = messages[Symbol.asyncIterator]();
  await iterator.next();
  const ended = (async () => {
    // Ends with the stream.
    for (let item = await iterator.next(); item.done !== true; item = await iterator.next());
  })();
  const refusal = refusalOf(ended);
  refusal.catch(() => {});
  return () => within(refusal, { what: "the end of a stream", timeoutMs: 5_000 });
}

Deno.test("demand 9: a locked user is refused everywhere, their streams end, and after the release they are back", async () => {
  await using site = await openJournalSite();
  const admin = await site.as();
  await admin.policy.updatePolicy({ vclusterId: "ml", policy: {} });
  const bo = await site.as({ sub: "bo", role: "pact-ops-ml" });
  const carl = await site.as({ sub: "carl", role: "pact-ops-ml" });
  const streamOfBo = await watchOf(bo, "ml");
  const alarm = refusalOf(all(bo.fleet.subscribeNotifications({})));
  alarm.catch(() => {});
  const set = await admin.lock.setLock({ kind: "user", name: "BO", reason: "laptop stolen" });
  assert.deepEqual([set.kind, set.name, set.lockedBy], ["user", "bo", "ann"]);
  const { code, message } = await streamOfBo();
  assert.equal(code, "LOCKED");
  assert.equal(message, "LOCKED: user bo is locked: laptop stolen");
  assert.equal((await within(alarm, { what: "the end of the notifications" })).code, "LOCKED");
  assert.equal((await refusalOf(bo.config.getOverlay({ vclusterId: "ml" }))).code, "LOCKED");
  await carl.config.getOverlay({ vclusterId: "ml" });
  assert.deepEqual((await admin.lock.listLocks({})).locks.map(({ name }) => name), ["bo"]);
  const { lock } = await admin.lock.releaseLock({ kind: "user", name: "bo" });
  assert.equal(lock?.reason, "laptop stolen");
  await bo.config.getOverlay({ vclusterId: "ml" });
});

Deno.test("demand 9: a locked role keeps out whoever holds it, also beside another role", async () => {
  await using site = await openJournalSite();
  const admin = await site.as();
  const bo = await site.as({ sub: "bo", role: ["pact-viewer-ml", "pact-ops-sim"] });
  await admin.lock.setLock({ kind: "role", name: "pact-ops-sim", reason: "audit" });
  assert.equal((await refusalOf(bo.fleet.listVClusters({}))).code, "LOCKED");
  const second = await site.as({ sub: "bea", role: ["pact-platform-admin", "pact-ops-ml"] });
  const own = second.lock.setLock({ kind: "role", name: "pact-ops-ml", reason: "audit" });
  assert.equal((await refusalOf(own)).code, "PRECONDITION");
});

Deno.test("demand 9: a locked vCluster is closed, its streams end, its rows are hidden; admins and its nodes go on", async () => {
  await using site = await openJournalSite();
  const admin = await site.as();
  const n1 = await site.node("n1", "ml");
  const bo = await site.as({ sub: "bo", role: "pact-ops-ml" });
  const stream = await watchOf(bo, "ml");
  const streamOfAdmin = watchOf(admin, "ml");
  await admin.lock.setLock({ kind: "vcluster", name: "ml", reason: "freeze", ttlSeconds: 3600n });
  assert.equal((await stream()).code, "LOCKED");
  assert.equal((await refusalOf(bo.config.getNodeState({ nodeId: "n1" }))).code, "LOCKED");
  assert.deepEqual((await bo.fleet.listVClusters({})).vclusters, []);
  await streamOfAdmin;
  await admin.config.getNodeState({ nodeId: "n1" });
  await n1.fleet.reportNodeState({ nodeId: "n1", configState: "Committed" });
  const { authorized, denialReason, policyRef } = await admin.policy.evaluate({
    author: { principal: "bo", principalType: "Human", role: "pact-ops-ml" },
    action: "commit",
    scope: { scope: { case: "vclusterId", value: "ml" } },
  });
  assert.equal(authorized, false);
  assert.equal(policyRef, "lock:vcluster:ml");
  assert.match(denialReason ?? "", /^LOCKED: vcluster ml is locked: freeze/);
});

Deno.test("demand 9: a locked node's agent hears of it on its stream, is cut off, and is refused", async () => {
  await using site = await openJournalSite();
  const admin = await site.as();
  const n1 = await site.node("n1", "ml");
  const bo = await site.as({ sub: "bo", role: "pact-ops-ml" });
  const request = { nodeId: "n1", vclusterId: "ml", fromSequence: 0n };
  const updates = n1.boot.subscribeConfigUpdates(request)[Symbol.asyncIterator]();
  await updates.next();
  await admin.lock.setLock({ kind: "node", name: "n1", reason: "odd syscalls" });
  const kinds: (string | undefined)[] = [];
  const refusal = await refusalOf((async () => {
    // Ends with the stream.
    for (let item = await updates.next(); item.done !== true; item = await updates.next()) {
      kinds.push(item.value.update.case);
    }
  })());
  assert.equal(kinds.at(-1), "lockChange");
  assert.equal(refusal.code, "LOCKED");
  const report = n1.fleet.reportNodeState({ nodeId: "n1", configState: "Committed" });
  assert.equal((await refusalOf(report)).code, "LOCKED");
  assert.equal((await refusalOf(bo.config.getNodeState({ nodeId: "n1" }))).code, "LOCKED");
  await admin.lock.releaseLock({ kind: "node", name: "n1" });
  const macAddress = await site.register("n2", "ml");
  await admin.lock.setLock({ kind: "node", name: "n2", reason: "odd syscalls" });
  assert.equal((await refusalOf(site.enroll("n2", macAddress))).code, "LOCKED");
  await n1.fleet.reportNodeState({ nodeId: "n1", configState: "Committed" });
});

Deno.test("demand 9: locks are set and released by platform admins, on record, and what makes no sense is refused by name", async () => {
  await using site = await openJournalSite();
  const admin = await site.as();
  const set = (request: object) => refusalOf(admin.lock.setLock(request));
  assert.equal((await set({ kind: "user", name: "ANN", reason: "x" })).code, "PRECONDITION");
  assert.equal((await set({ kind: "team", name: "x", reason: "x" })).code, "INVALID_ARGUMENT");
  assert.equal((await set({ kind: "user", name: "bo" })).message, "reason required");
  assert.equal(
    (await set({ kind: "user", name: "bo", reason: "a\nb" })).code,
    "INVALID_ARGUMENT",
  );
  assert.equal((await set({ kind: "vcluster", name: "none", reason: "x" })).code, "NOT_FOUND");
  const tooLong = { kind: "user", name: "bo", reason: "x", ttlSeconds: 2n ** 40n };
  assert.equal((await set(tooLong)).code, "TTL_OUT_OF_BOUNDS");
  for (const role of ["pact-ops-ml", "pact-service-ai"]) {
    const other = await site.as({ sub: "eve", role });
    const call = other.lock.setLock({ kind: "user", name: "ann", reason: "x" });
    assert.equal((await refusalOf(call)).code, "PERMISSION_DENIED");
  }
  await admin.lock.setLock({ kind: "user", name: "bo", reason: "laptop stolen" });
  const [record] = await all(
    admin.fleet.queryAudit({ operationTypes: ["Lock"], outcome: "success" }),
  );
  assert.equal(record?.actor?.principal, "ann");
  assert.equal(record?.detail, "user bo locked: laptop stolen");
  const denied = await all(admin.fleet.queryAudit({ operationTypes: ["Lock"], outcome: "denied" }));
  assert.deepEqual(denied.map(({ actor }) => actor?.principal), ["eve", "eve"]);
});
