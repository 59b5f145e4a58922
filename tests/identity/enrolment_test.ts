import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { enrollment } from "../../api/mod.ts";
import { type Clock, systemClock } from "../../common/clock/mod.ts";
import { createKeyAndCsr, proveKey } from "../../common/tls/mod.ts";
import { CuttableWay, waitFor } from "../support/mod.ts";
import {
  all,
  type JournalClients,
  type JournalSite,
  macOf,
  openJournalSite,
  refusalOf,
  type SiteNode,
} from "../support/journal/mod.ts";
import { Linked } from "../support/link/mod.ts";

/** The system's time, and more of it where a test says so. */
class ForwardClock implements Clock {
  aheadMs = 0;
  nowMs = () => systemClock.nowMs() + this.aheadMs;
  monotonicMs = () => systemClock.monotonicMs() + this.aheadMs;
  setTimer = systemClock.setTimer;
  clearTimer = systemClock.clearTimer;
}

type Hardware = { macAddress?: string; bmcSerial?: string; extra?: Record<string, string> };

async function enrollAs(
  clients: JournalClients,
  hardwareIdentity: Hardware,
  former?: Pick<SiteNode, "certPem" | "keyPem">,
) {
  const { csrDer, keyPem } = createKeyAndCsr("whoever");
  const previousKeyProof = former === undefined ? undefined : toBinary(
    enrollment.PreviousKeyProofSchema,
    create(enrollment.PreviousKeyProofSchema, proveKey(former, csrDer)),
  );
  const answer = await clients.enrollment.enroll({
    hardwareIdentity,
    csr: csrDer,
    ...(previousKeyProof === undefined ? {} : { previousKeyProof }),
  });
  return { ...answer, certPem: new TextDecoder().decode(answer.signedCert), keyPem };
}

/** The subscription by which a node holds its identity. */
async function holdStream(site: JournalSite, node: JournalClients, nodeId: string) {
  const stop = new AbortController();
  const updates = node.boot.subscribeConfigUpdates(
    { nodeId, vclusterId: "ml", fromSequence: 0n },
    { signal: stop.signal },
  )[Symbol.asyncIterator]();
  await updates.next();
  const admin = await site.as();
  await waitFor(async () => {
    const { nodes } = await admin.enrollment.listNodes({});
    return nodes.find((found) => found.nodeId === nodeId)?.live;
  }, { what: `${nodeId} to be live` });
  return { updates, stop: () => stop.abort() };
}

Deno.test("9.1, ENR-1: a node that lost its power enrols again within seconds, though its connection seems open", async () => {
  const clock = new ForwardClock();
  await using site = await openJournalSite({ clock });
  await using way = new CuttableWay(`127.0.0.1:${site.journal.rpcPort}`);
  const macAddress = await site.register("n1", "ml");
  const { certPem, keyPem } = await site.enroll("n1", macAddress);
  const before = site.dial({ endpoint: `https://127.0.0.1:${way.port}`, certPem, keyPem });
  await holdStream(site, before, "n1");
  const stranger = site.dial();
  const beginMs = performance.now();
  assert.equal((await refusalOf(enrollAs(stranger, { macAddress }))).code, "ALREADY_ACTIVE");
  assert.ok(performance.now() - beginMs < 10_000, "a holder that answers is found at once");

  way.cut();
  // The answer to the last question serves for a second.
  clock.aheadMs += 1_000;
  const cutMs = performance.now();
  const again = await enrollAs(stranger, { macAddress });
  assert.ok(performance.now() - cutMs < 25_000);

  assert.equal(again.nodeId, "n1");
  const second = await refusalOf(enrollAs(stranger, { macAddress }));
  assert.equal(second.code, "ALREADY_ACTIVE", "the new holder has the lock");
});

Deno.test("9.1: of many that come for a node whose holder is gone, one gets its certificate", async () => {
  await using site = await openJournalSite();
  await using way = new CuttableWay(`127.0.0.1:${site.journal.rpcPort}`);
  const macAddress = await site.register("n1", "ml");
  const { certPem, keyPem } = await site.enroll("n1", macAddress);
  const before = site.dial({ endpoint: `https://127.0.0.1:${way.port}`, certPem, keyPem });
  await holdStream(site, before, "n1");
  way.cut();
  const stranger = site.dial();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 8 }, () => enrollAs(stranger, { macAddress })),
  );
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
});

Deno.test("ENR-2: the former certificate serves for a minute more, then its connections end", async () => {
  const clock = new ForwardClock();
  await using site = await openJournalSite({
    clock,
    toml: { journal: { enrollment: { active_lock_seconds: 1 } } },
  });
  const macAddress = await site.register("n1", "ml");
  const former = await site.enroll("n1", macAddress);
  clock.aheadMs += 2_000;
  await enrollAs(site.dial(), { macAddress });
  await former.fleet.reportCapability({ nodeId: "n1" });
  clock.aheadMs += 61_000;
  const refused = await refusalOf(former.fleet.reportCapability({ nodeId: "n1" }));
  assert.equal(refused.code, "NODE_REVOKED");
});

Deno.test("ENR-2: who proves the former key is the holder: it need not wait, and its certificate is not revoked", async () => {
  const clock = new ForwardClock();
  await using site = await openJournalSite({ clock });
  const macAddress = await site.register("n1", "ml");
  const former = await site.enroll("n1", macAddress);
  const stream = await holdStream(site, former, "n1");
  const stranger = site.dial();
  const next = await enrollAs(stranger, { macAddress }, former);
  assert.notEqual(next.certSerial, former.serial);
  clock.aheadMs += 120_000;
  await former.fleet.reportCapability({ nodeId: "n1" });
  stream.stop();

  // The key of another node, of a certificate that is not the current one, or of nobody proves nothing.
  const other = await site.node("n2", "ml");
  await holdStream(site, site.dial({ certPem: next.certPem, keyPem: next.keyPem }), "n1");
  for (const proof of [other, former, { certPem: next.certPem, keyPem: other.keyPem }]) {
    const refused = await refusalOf(enrollAs(stranger, { macAddress }, proof));
    assert.equal(refused.code, "ALREADY_ACTIVE");
  }
});

Deno.test("ENR-14: a site may refuse identities that are easy to pass for, and records how strong each was", async () => {
  await using site = await openJournalSite({
    toml: { journal: { enrollment: { min_identity: "smbios" } } },
  });
  const admin = await site.as();
  const uuid = { smbios_uuid: "4c4c4544-0042-3010-8036-c7c04f4d3232" };
  const register = (nodeId: string, hardwareIdentity: Hardware) =>
    admin.enrollment.registerNode({ nodeId, hardwareIdentity });
  const weak = await refusalOf(register("n1", { macAddress: macOf(1) }));
  assert.equal(weak.code, "INVALID_ARGUMENT");
  assert.match(weak.message, /known by its mac at best.*--smbios-uuid/);
  await register("n2", { macAddress: macOf(2), extra: uuid });
  await enrollAs(site.dial(), { macAddress: macOf(2), extra: uuid });
  await register("n3", { extra: { tpm_ek_hash: "ab".repeat(32) } });
  await enrollAs(site.dial(), { extra: { tpm_ek_hash: "AB".repeat(32) } });
  const records = await all(admin.fleet.queryAudit({ operationTypes: ["NodeEnroll"] }));
  const strengths = records.map(({ metadata }) => metadata["identity"]);
  assert.deepEqual(strengths.filter((strength) => strength !== undefined).sort(), [
    "smbios",
    "tpm",
  ]);
});

/** Enrolments under way at once, over a few connections, as a rack that is switched on sends them. */
const AT_ONCE = 100;
const NODES = 1_000;

Deno.test("ACC-6, ENR-30, ENR-31: a thousand registered nodes enrol at once beside a flood of strangers, and none is turned away", async () => {
  await using site = await openJournalSite();
  const admin = await site.as();
  const nodes = Array.from({ length: NODES }, (_, at) => ({
    nodeId: `n${at}`,
    hardwareIdentity: { macAddress: macOf(at + 1) },
    vclusterId: "ml",
  }));
  assert.equal((await admin.enrollment.batchRegisterNodes({ nodes })).succeeded, NODES);
  const { csrDer } = await createKeyAndCsr("whoever");
  const requests = Array.from({ length: NODES }, (_, at) => ({
    hardwareIdentity: { macAddress: macOf(at + 1) },
    csr: csrDer,
  }));

  let isOver = false;
  const refusals = new Map<string, number>();
  const stranger = async (lane: number) => {
    const client = site.dial();
    for (let at = 0; !isOver; at++) {
      const macAddress = macOf(100_000 * (lane + 1) + at);
      const { code } = await refusalOf(
        client.enrollment.enroll({ hardwareIdentity: { macAddress }, csr: csrDer }),
      );
      refusals.set(code, (refusals.get(code) ?? 0) + 1);
    }
  };
  const flood = Promise.all(Array.from({ length: 8 }, (_, lane) => stranger(lane)));

  const clients = Array.from({ length: 10 }, () => site.dial());
  const serials = new Set<string>();
  const lane = async (index: number) => {
    const client = clients[index % clients.length];
    assert.ok(client !== undefined);
    for (let at = index; at < NODES; at += AT_ONCE) {
      const answer: enrollment.EnrollResponse = await client.enrollment.enroll(requests[at] ?? {});
      assert.equal(answer.nodeId, `n${at}`);
      serials.add(answer.certSerial);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => lane(index)));
  isOver = true;
  await flood;

  assert.equal(serials.size, NODES);
  // All strangers come from one address, which may be refused ten times a minute before it is limited.
  assert.equal(refusals.get("NODE_NOT_ENROLLED"), 10);
  // After sixty refusals each answer takes a second (AUT-12), so there are not many more.
  assert.ok((refusals.get("RATE_LIMITED") ?? 0) > 40, `${refusals.get("RATE_LIMITED")}`);
  assert.equal(refusals.size, 2);
  const { nodes: active } = await admin.enrollment.listNodes({ stateFilter: "active" });
  assert.equal(active.length, NODES);
  const records = await all(admin.fleet.queryAudit({ operationTypes: ["NodeEnroll"] }));
  const denied = records.filter(({ outcome }) => outcome === "Denied").length;
  assert.ok(denied < 50, `${denied} records of a flood: they are gathered (ENR-25)`);
});

Deno.test("CRT-10, NEN-4: a node without a CA trusts the first journal only where it may, keeps its CA, and trusts no other after that", async () => {
  await using site = await openJournalSite();
  await using other = await openJournalSite();
  const macAddress = await site.register("n1", "ml");
  await other.register("elsewhere", "ml");

  using careful = new Linked(site, macAddress, { caPem: "" });
  const refused = await careful.told("the refusal", ({ connected }) => !connected);
  assert.match(refused.reason, /give agent\.journal\.tls_ca/);
  assert.deepEqual(careful.identities, []);

  using trusting = new Linked(site, macAddress, { caPem: "", mayTrustFirst: true });
  await trusting.told("contact", ({ connected }) => connected);
  const [pinnedPem] = trusting.anchors;
  assert.ok(pinnedPem?.includes(site.caPem.trim()));
  trusting[Symbol.dispose]();

  // The pin stays when the identity is gone; whoever answers in the journal's place is refused.
  const pinned = { caPem: "", mayTrustFirst: true, pinnedPem: pinnedPem ?? "" };
  using deceived = new Linked(other, macAddress, pinned);
  const distrust = await deceived.told("the distrust", ({ connected }) => !connected);
  assert.match(distrust.reason, /cannot trust/);
  assert.deepEqual(deceived.identities, []);
});
