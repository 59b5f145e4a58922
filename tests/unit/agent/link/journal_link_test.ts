import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { agentport, config, journal } from "../../../../api/mod.ts";
import { type Clock, systemClock } from "../../../../common/clock/mod.ts";
import { PactError } from "../../../../common/errors/mod.ts";
import { parsePeerCertificate } from "../../../../common/tls/mod.ts";
import { freePort, waitFor } from "../../../support/mod.ts";
import { type JournalClients, openJournalSite } from "../../../support/journal/mod.ts";
import { Linked } from "../../../support/link/mod.ts";

const { EntryType, DeltaAction } = config;

type Place = { readonly vcluster: string } | { readonly node: string };

/** Declares a kernel parameter. */
async function declare(admin: JournalClients, place: Place, key: string, value: string) {
  return await admin.config.appendEntry({
    entry: {
      entryType: EntryType.COMMIT,
      scope: "node" in place
        ? { scope: { case: "nodeId", value: place.node } }
        : { scope: { case: "vclusterId", value: place.vcluster } },
      stateDelta: { kernel: [{ key, action: DeltaAction.MODIFY, declaredValue: value }] },
    },
  });
}

/** A journal that knows the machine of `n1`, in vCluster `ml` with something declared. */
async function siteWithMachine(options: Parameters<typeof openJournalSite>[0] = {}) {
  const site = await openJournalSite(options);
  const macAddress = await site.register("n1", "ml");
  const admin = await site.as();
  await declare(admin, { vcluster: "ml" }, "vm.swappiness", "10");
  return { site, macAddress, admin };
}

const has = (key: string, value: string) => ({ sysctl }: agentport.DeclaredConfig) =>
  sysctl[key] === value;

Deno.test("NEN-3, BTS-8: a link enrols with a fresh key, says so, and brings what is declared", async () => {
  const { site, macAddress } = await siteWithMachine();
  await using _ = site;
  using linked = new Linked(site, macAddress);
  const declared = await linked.until("the declaration", has("vm.swappiness", "10"));
  assert.equal(declared.vclusterId, "ml");
  assert.ok(declared.overlayVersion > 0n && declared.sequence > 0n);
  const [identity] = linked.identities;
  assert.equal(identity?.nodeId, "n1");
  assert.match(identity?.keyPem ?? "", /PRIVATE KEY/);
  const certificate = parsePeerCertificate(identity?.certPem ?? "");
  assert.ok(certificate.kind === "agent" && certificate.nodeId === "n1");
  assert.deepEqual(
    linked.states.map(({ connected, nodeId, vclusterId }) => [connected, nodeId, vclusterId]),
    [[true, "n1", "ml"]],
  );
});

Deno.test("CR1: nothing newer is brought before the core has handed in what it did alone", async () => {
  const { site, macAddress } = await siteWithMachine();
  await using _ = site;
  using linked = new Linked(site, macAddress, { resumesByHand: true });
  await linked.told("contact", ({ connected }) => connected);
  const entry = create(config.ConfigEntrySchema, {
    entryType: EntryType.EXEC_LOG,
    scope: { scope: { case: "nodeId", value: "n1" } },
    message: "while alone",
  });
  const request = create(agentport.AppendSchema, { entry, requestId: crypto.randomUUID() });
  const { sequence } = await linked.link.append(request);
  assert.deepEqual(linked.declared, []);
  linked.link.resume();
  const declared = await linked.until("the declaration", has("vm.swappiness", "10"));
  assert.ok(declared.sequence >= sequence, "and it is newer than what was handed in");
});

Deno.test("SUB: changes of vCluster, node and policy arrive as they happen, over one connection", async () => {
  const { site, macAddress, admin } = await siteWithMachine();
  await using _ = site;
  using linked = new Linked(site, macAddress);
  await linked.until("the declaration", has("vm.swappiness", "10"));

  await declare(admin, { vcluster: "ml" }, "vm.swappiness", "20");
  await linked.until("the vCluster's change", has("vm.swappiness", "20"));
  await declare(admin, { node: "n1" }, "vm.swappiness", "30");
  const changed = await linked.until("the node's change", has("vm.swappiness", "30"));
  assert.equal(changed.nodeDeltas.length, 1);
  const policy = await admin.policy.getEffectivePolicy({ vclusterId: "ml" });
  await admin.policy.updatePolicy({
    vclusterId: "ml",
    policy: { ...policy, enforcementMode: "enforce" },
  });
  await linked.until("the policy", ({ policy }) => policy?.enforcementMode === "enforce");
  assert.equal(linked.states.length, 1, "over one connection");
});

Deno.test("SUB-8: a link survives a restart of the journal and takes over what it missed", async () => {
  const port = String(freePort());
  const { site, macAddress } = await siteWithMachine({ args: ["--listen", `127.0.0.1:${port}`] });
  await using _ = site;
  using linked = new Linked(site, macAddress);
  await linked.until("the declaration", has("vm.swappiness", "10"));
  await site.stop();
  await linked.told("the loss", ({ connected }) => !connected);
  await assert.rejects(
    linked.link.append(create(agentport.AppendSchema, { requestId: "r" })),
    (error) => error instanceof PactError && error.code === "UNAVAILABLE",
  );
  await site.start();
  await declare(await site.as(), { vcluster: "ml" }, "vm.swappiness", "40");
  await linked.until("what was missed", has("vm.swappiness", "40"), 20_000);
  assert.equal(linked.identities.length, 1, "with the certificate it had");
});

Deno.test("EMM-2: a journal with a quorum is found at any endpoint, and without contact nobody is asked", async () => {
  const { site, macAddress } = await siteWithMachine();
  await using _ = site;
  const live = `https://127.0.0.1:${site.journal.rpcPort}`;
  using linked = new Linked(site, macAddress, {
    endpoints: [live, `https://127.0.0.1:${freePort()}`],
  });
  assert.equal(await linked.link.isQuorumLost(), false);
  await linked.until("the declaration", has("vm.swappiness", "10"));
  assert.equal(await linked.link.isQuorumLost(), false);
});

Deno.test("SUB-8: another endpoint is tried when one does not answer", async () => {
  const { site, macAddress } = await siteWithMachine();
  await using _ = site;
  const live = `https://127.0.0.1:${site.journal.rpcPort}`;
  using linked = new Linked(site, macAddress, {
    endpoints: [`https://127.0.0.1:${freePort()}`, live],
  });
  const failed = await linked.told("the failure", ({ connected }) => !connected);
  assert.equal(failed.code, "UNAVAILABLE");
  const { endpoint } = await linked.told("contact", ({ connected }) => connected);
  assert.equal(endpoint, live);
});

Deno.test("VCLUSTER_CHANGED: a node that is moved gets the other vCluster's declaration", async () => {
  const { site, macAddress, admin } = await siteWithMachine();
  await using _ = site;
  await declare(admin, { vcluster: "sim" }, "vm.swappiness", "60");
  using linked = new Linked(site, macAddress);
  await linked.until("the declaration", has("vm.swappiness", "10"));
  await admin.enrollment.assignNode({ nodeId: "n1", vclusterId: "sim" });
  const declared = await linked.until("the other one", has("vm.swappiness", "60"));
  assert.equal(declared.vclusterId, "sim");
  assert.ok(linked.states.every(({ connected }) => connected), "without a loss of contact");
});

Deno.test("NEN-7: a node that is revoked is told so, and its certificate is of no more use", async () => {
  const { site, macAddress, admin } = await siteWithMachine();
  await using _ = site;
  using linked = new Linked(site, macAddress);
  await linked.until("the declaration", has("vm.swappiness", "10"));
  await admin.enrollment.decommissionNode({ nodeId: "n1", force: true });
  await linked.told("the revocation", ({ code }) => code === "NODE_REVOKED");
  assert.equal(linked.states.at(-1)?.connected, false);
});

Deno.test("NEN-7, F20: a machine that nobody has registered is refused and asks again later", async () => {
  const { site } = await siteWithMachine();
  await using _ = site;
  using linked = new Linked(site, "02:00:00:00:ff:ff");
  const refused = await linked.told("the refusal", ({ connected }) => !connected);
  assert.equal(refused.code, "NODE_NOT_ENROLLED");
  assert.deepEqual(linked.identities, []);
});

Deno.test("NEN-4: a journal whose certificate leads elsewhere is not trusted", async () => {
  const { site, macAddress } = await siteWithMachine();
  await using _ = site;
  await using other = await openJournalSite();
  using linked = new Linked(site, macAddress, { caPem: other.caPem });
  const refused = await linked.told("the refusal", ({ connected }) => !connected);
  assert.deepEqual(linked.identities, [], `not enrolled: ${refused.reason}`);
});

Deno.test("ROT-1, ROT-3: a certificate is renewed at two thirds of its life, with a new key", async () => {
  const { site, macAddress } = await siteWithMachine({
    toml: { journal: { enrollment: { cert_lifetime_seconds: 3600 } } },
  });
  await using _ = site;
  let aheadMs = 0;
  const timers: { readonly fire: () => void; readonly delayMs: number }[] = [];
  // Everything but the long wait for the renewal runs in real time.
  const clock = {
    nowMs: () => Date.now() + aheadMs,
    monotonicMs: () => performance.now(),
    setTimer: (delayMs: number, fire: () => void) => {
      if (delayMs > 600_000) timers.push({ fire, delayMs });
      const id = delayMs > 600_000 ? 0 : setTimeout(fire, delayMs);
      return { id: Number(id) };
    },
    clearTimer: ({ id }: { readonly id: number }) => clearTimeout(id),
  };
  using linked = new Linked(site, macAddress, { clock });
  await linked.until("the declaration", has("vm.swappiness", "10"));
  const renewal = await waitFor(() => timers.at(0), { what: "the planned renewal" });
  assert.ok(Math.abs(renewal.delayMs - 2_400_000) < 120_000, `${renewal.delayMs}`);
  aheadMs = renewal.delayMs;
  renewal.fire();
  const renewed = await waitFor(() => linked.identities.at(1), { what: "the new certificate" });
  const [first] = linked.identities;
  assert.equal(renewed.nodeId, "n1");
  assert.notEqual(renewed.keyPem, first?.keyPem);
  assert.equal(renewed.previousSerial, first?.serial);
  assert.deepEqual(linked.states.map(({ connected }) => connected), [true], "without a loss");
});

Deno.test("NEN-6: the identity of an earlier start is used again", async () => {
  const { site, macAddress } = await siteWithMachine();
  await using _ = site;
  let identity: agentport.NodeIdentity | undefined;
  {
    using linked = new Linked(site, macAddress);
    await linked.until("the declaration", has("vm.swappiness", "10"));
    identity = linked.identities[0];
  }
  assert.ok(identity !== undefined);
  using again = new Linked(site, macAddress, { identity });
  await again.until("the declaration", has("vm.swappiness", "10"));
  assert.deepEqual(again.identities, []);
  assert.ok(again.states.every(({ connected }) => connected));
});

Deno.test("DRIFT-7: reports arrive, and what cannot be delivered is no error", async () => {
  const { site, macAddress, admin } = await siteWithMachine();
  await using _ = site;
  using linked = new Linked(site, macAddress);
  linked.link.reportState(create(journal.NodeStateDetailSchema, { configState: "Drifted" }));
  await linked.until("the declaration", has("vm.swappiness", "10"));
  linked.link.reportState(create(journal.NodeStateDetailSchema, { configState: "Drifted" }));
  await waitFor(
    async () => (await admin.config.getNodeState({ nodeId: "n1" })).configState === "Drifted",
    {
      what: "the report",
    },
  );
});

Deno.test("IDM-4, IDM-5: the identity map comes before the declaration, and again when it has changed", async () => {
  const { site, macAddress } = await siteWithMachine();
  await using _ = site;
  const n2 = await site.node("n2", "ml");
  await n2.fleet.assignUid({ subject: "oidc|ann", username: "ann" });
  // The half minute between two questions passes at once; the one that enrolling may take does not.
  let isEnrolled = () => false;
  const clock: Clock = {
    ...systemClock,
    setTimer: (delayMs, fire) =>
      systemClock.setTimer(isEnrolled() && delayMs === 30_000 ? 50 : delayMs, fire),
  };
  using linked = new Linked(site, macAddress, { clock });
  isEnrolled = () => linked.identities.length > 0;
  await linked.until("the declaration", has("vm.swappiness", "10"));
  const names = () => linked.maps.map(({ entries }) => entries.map(({ username }) => username));
  assert.deepEqual(names(), [["ann"]]);
  await n2.fleet.assignUid({ subject: "oidc|bob", username: "bob" });
  await waitFor(() => linked.maps.length === 2, { what: "the newer map" });
  assert.deepEqual(names().at(-1)?.sort(), ["ann", "bob"]);
  linked.link.meet("carl@example.org");
  linked.link.meet("carl@example.org");
  await waitFor(() => linked.maps.length === 3, { what: "the map with who signed in here" });
  assert.deepEqual(names().at(-1)?.sort(), ["ann", "bob", "carl"]);
});

Deno.test("UID-5: who is added to the identity map is in it at once, without a question", async () => {
  const { site, macAddress } = await siteWithMachine();
  await using _ = site;
  const n2 = await site.node("n2", "ml");
  await n2.fleet.assignUid({ subject: "oidc|ann", username: "ann" });
  using linked = new Linked(site, macAddress);
  await linked.until("the declaration", has("vm.swappiness", "10"));
  await n2.fleet.assignUid({ subject: "oidc|bob", username: "bob" });
  await waitFor(() => linked.maps.length === 2, { what: "the newer map", timeoutMs: 10_000 });
  const newest = linked.maps.at(-1);
  assert.deepEqual(newest?.entries.map(({ username, uid }) => [username, uid]), [
    ["ann", 10_000],
    ["bob", 10_001],
  ]);
  assert.deepEqual(newest?.groups.map(({ name, members }) => [name, members]), [
    ["local", ["ann", "bob"]],
  ]);
  assert.equal(newest?.version, 2n);
});

Deno.test("NET-8: a link that is to reconnect makes another connection at once, and goes on there", async () => {
  const { site, macAddress, admin } = await siteWithMachine();
  await using _ = site;
  using linked = new Linked(site, macAddress);
  await linked.until("the declaration", has("vm.swappiness", "10"));
  linked.link.reconnect();
  await waitFor(() => linked.states.length === 2, { what: "the second contact" });
  assert.deepEqual(linked.states.map(({ connected }) => connected), [true, true]);
  assert.equal(linked.identities.length, 1);
  await declare(admin, { node: "n1" }, "vm.swappiness", "30");
  await linked.until("a change over the new connection", has("vm.swappiness", "30"));
});

Deno.test("EMM-1: an emergency is told, also one that was opened while there was no contact", async () => {
  const { site, macAddress, admin } = await siteWithMachine();
  await using _ = site;
  using linked = new Linked(site, macAddress, { resumesByHand: true });
  const contact = (count: number) =>
    waitFor(() => linked.states.length === count, { what: `contact ${count}` });
  await contact(1);
  linked.link.resume();
  await linked.until("the declaration", has("vm.swappiness", "10"));
  await declare(admin, { node: "n1" }, "vm.swappiness", "30");
  await linked.until("a change", has("vm.swappiness", "30"));
  linked.link.reconnect();
  await contact(2);
  const scope = { scope: { case: "nodeId" as const, value: "n1" } };
  await admin.config.appendEntry({
    entry: { entryType: EntryType.EMERGENCY_START, scope, emergencyReason: "runaway job" },
  });
  linked.link.resume();
  const opened = await waitFor(() => linked.emergencies.find(({ isOpen }) => isOpen), {
    what: "the emergency",
  });
  assert.deepEqual([opened.isOpen, opened.scope, opened.reason], [true, "node", "runaway job"]);
  assert.match(opened.sessionId, /^em-[0-9]+$/);
  await admin.config.appendEntry({ entry: { entryType: EntryType.EMERGENCY_END, scope } });
  const last = (scope: string) => linked.emergencies.findLast((each) => each.scope === scope);
  await waitFor(() => last("node")?.isOpen === false, { what: "its end" });
});

Deno.test("EMM-1, EMM-9: an agent that was away hears which emergencies are open, and which are over", async () => {
  const { site, macAddress, admin } = await siteWithMachine();
  await using _ = site;
  const append = (entryType: config.EntryType, scope: "nodeId" | "vclusterId", value: string) =>
    admin.config.appendEntry({
      entry: {
        entryType,
        scope: { scope: { case: scope, value } },
        ...(entryType === EntryType.EMERGENCY_START ? { emergencyReason: "smoke" } : {}),
      },
    });
  const { sequence } = await append(EntryType.EMERGENCY_START, "nodeId", "n1");
  await append(EntryType.EMERGENCY_START, "nodeId", "n2");
  using linked = new Linked(site, macAddress);
  await linked.until("the declaration", has("vm.swappiness", "10"));
  const told = linked.emergencies.map(({ scope, isOpen, sessionId }) => [scope, isOpen, sessionId]);
  assert.deepEqual(told, [["node", true, `em-${sequence}`], ["vcluster", false, ""]]);
});

Deno.test("IDM-4: who signed in before there was contact is given an id once there is", async () => {
  const { site, macAddress } = await siteWithMachine();
  await using _ = site;
  using linked = new Linked(site, macAddress);
  linked.link.meet("oidc|dora");
  const isThere = () =>
    linked.maps.at(-1)?.entries.some(({ subject, username }) =>
      subject === "oidc|dora" && username === "dora"
    );
  await waitFor(isThere, { what: "the map with who signed in" });
});
