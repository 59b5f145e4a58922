import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { createKeyAndCsr } from "../../../../common/tls/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import {
  all,
  type JournalClients,
  type JournalSite,
  macOf,
  openJournalSite,
  refusalOf,
} from "../../../support/journal/mod.ts";

const ALREADY_ACTIVE_AFTER_SECONDS = { journal: { enrollment: { active_lock_seconds: 1 } } };

async function enrollWith(
  clients: JournalClients,
  hardwareIdentity: { macAddress?: string; bmcSerial?: string; extra?: Record<string, string> },
) {
  const { csrDer } = createKeyAndCsr("whoever");
  return await clients.enrollment.enroll({ hardwareIdentity, csr: csrDer });
}

async function stateOf(site: JournalSite, nodeId: string): Promise<string> {
  return (await (await site.as()).enrollment.inspectNode({ nodeId })).enrollmentState;
}

Deno.test("ENR-21: a registered machine gets a certificate of the journal's making, whatever its request says", async () => {
  await using site = await openJournalSite();
  const macAddress = await site.register("n1", "ml");
  assert.equal(await stateOf(site, "n1"), "Registered");
  const { csrDer } = createKeyAndCsr("CN=root,O=somebody else");
  const stranger = site.dial();
  const answer = await stranger.enrollment.enroll({
    hardwareIdentity: { macAddress },
    csr: csrDer,
  });
  assert.equal(answer.nodeId, "n1");
  assert.equal(answer.domainId, "default");
  assert.equal(answer.vclusterId, "ml");

  const pem = new TextDecoder().decode(answer.signedCert);
  const certificate = new X509Certificate(pem);
  assert.equal(certificate.subject, "CN=pact-service-agent/n1@default");
  assert.deepEqual(certificate.subjectAltName?.split(", ").sort(), [
    "DNS:n1",
    "URI:spiffe://default/pact/agent/n1",
  ]);
  assert.match(answer.certSerial, /^[0-9a-f]{16,40}$/);
  assert.equal(certificate.serialNumber.toLowerCase().replace(/^0+/, ""), answer.certSerial);
  const lifetimeSeconds = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) /
    1000;
  assert.ok(Math.abs(lifetimeSeconds - 259_260) <= 2, `${lifetimeSeconds} s`);
  assert.equal(Date.parse(answer.certExpiresAt), Date.parse(certificate.validTo));
  const ca = new X509Certificate(new TextDecoder().decode(answer.caChain));
  assert.ok(certificate.verify(ca.publicKey));
  assert.equal(await stateOf(site, "n1"), "Active");
});

Deno.test("ENR-24: who may not enrol is told why, by code", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const stranger = site.dial();
  await ann.enrollment.registerNode({
    nodeId: "n1",
    hardwareIdentity: { macAddress: "02-AA-00-00-00-01", bmcSerial: "BMC77" },
  });
  const full = { macAddress: "02aa.0000.0001", bmcSerial: "bmc77" };
  const unknown = await refusalOf(enrollWith(stranger, { macAddress: macOf(99) }));
  assert.equal(unknown.code, "NODE_NOT_ENROLLED");
  const partial = await refusalOf(enrollWith(stranger, { macAddress: full.macAddress }));
  assert.equal(partial.code, "HARDWARE_IDENTITY_MISMATCH", "ENR-13: every identifier must match");
  const wrong = { ...full, bmcSerial: "other" };
  assert.equal((await refusalOf(enrollWith(stranger, wrong))).code, "HARDWARE_IDENTITY_MISMATCH");
  const nothing = await refusalOf(enrollWith(stranger, {}));
  assert.match(nothing.message, /hardware_identity required/);
  const noCsr = await refusalOf(stranger.enrollment.enroll({ hardwareIdentity: full }));
  assert.match(noCsr.message, /csr required/);
  assert.equal(await stateOf(site, "n1"), "Registered");
  await enrollWith(stranger, full);
  await ann.enrollment.decommissionNode({ nodeId: "n1" });
  assert.equal((await refusalOf(enrollWith(stranger, full))).code, "NODE_REVOKED");
  // ENR-41, 9.1: registering it again brings it back.
  await ann.enrollment.registerNode({ nodeId: "n1", hardwareIdentity: full });
  assert.equal((await enrollWith(stranger, full)).nodeId, "n1");
});

Deno.test("ENR-10, ENR-12: addresses that identify no machine are refused, and each identifier belongs to one node", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const register = (nodeId: string, macAddress: string, extra = {}) =>
    ann.enrollment.registerNode({ nodeId, hardwareIdentity: { macAddress, extra } });
  for (const mac of ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "nonsense"]) {
    assert.equal((await refusalOf(register("n1", mac))).code, "INVALID_ARGUMENT", mac);
  }
  await register("n1", macOf(1), { smbios_uuid: "4C4C4544-0042" });
  const taken = await refusalOf(register("n2", macOf(2), { smbios_uuid: "4c4c4544-0042" }));
  assert.equal(taken.code, "HARDWARE_IDENTITY_CONFLICT");
  assert.equal((await refusalOf(register("n1", macOf(3)))).code, "NODE_ALREADY_ENROLLED");
  await register("n3", macOf(3), { smbios_uuid: "" });
  await register("n4", macOf(4), { smbios_uuid: "" });
});

Deno.test("ENR-1: an active node is not enrolled twice, until its holder is gone", async () => {
  await using site = await openJournalSite({ toml: ALREADY_ACTIVE_AFTER_SECONDS });
  const macAddress = await site.register("n1", "ml");
  const n1 = await site.enroll("n1", macAddress);
  const stranger = site.dial();
  const stop = new AbortController();
  const updates = n1.boot.subscribeConfigUpdates(
    { nodeId: "n1", vclusterId: "ml", fromSequence: 0n },
    { signal: stop.signal },
  )[Symbol.asyncIterator]();
  await updates.next();
  assert.equal((await refusalOf(enrollWith(stranger, { macAddress }))).code, "ALREADY_ACTIVE");
  stop.abort();
  // Its stream ended just now: the lock holds for a second more, then it opens.
  assert.equal((await refusalOf(enrollWith(stranger, { macAddress }))).code, "ALREADY_ACTIVE");
  const again = await waitFor(() => enrollWith(stranger, { macAddress }), {
    what: "the lock to open",
  });
  assert.notEqual(again.certSerial, n1.serial);
});

Deno.test("ACC-6, ENR-30: strangers run into the limit while registered nodes enrol without a rejection", async () => {
  await using site = await openJournalSite({
    toml: { journal: { enrollment: { rate_limit_per_minute: 20 } } },
  });
  const macs: string[] = [];
  for (let index = 0; index < 30; index++) macs.push(await site.register(`n${index}`));
  const stranger = site.dial();
  const strangers = Array.from(
    { length: 40 },
    async (_, index) =>
      (await refusalOf(enrollWith(stranger, { macAddress: macOf(1000 + index) }))).code,
  );
  const nodes = macs.map((macAddress) => enrollWith(stranger, { macAddress }));
  const codes = await Promise.all(strangers);
  assert.equal((await Promise.all(nodes)).length, 30);
  // max(limit / 10, 5) for one source.
  assert.equal(codes.filter((code) => code === "NODE_NOT_ENROLLED").length, 5);
  assert.equal(codes.filter((code) => code === "RATE_LIMITED").length, 35);
  const limited = await refusalOf(enrollWith(stranger, { macAddress: macOf(5000) }));
  assert.equal(limited.trailers["retry-after-ms"], "10000");

  // ENR-25: at most one record for each reason in ten seconds.
  const ann = await site.as();
  const records = await all(ann.fleet.queryAudit({ operationTypes: ["NodeEnroll"] }));
  const denied = records.filter((record) => record.outcome === "Denied");
  assert.deepEqual(denied.map((record) => record.metadata["code"]).sort(), [
    "NODE_NOT_ENROLLED",
    "RATE_LIMITED",
  ]);
  assert.ok(denied.every((record) => record.source === "127.0.0.1"));
  assert.match(denied[0]?.metadata["hardware"] ?? "", /^mac:02:/);
});

Deno.test("CRT-4: a node renews with its current certificate and a new key; the old serial renews no more", async () => {
  await using site = await openJournalSite();
  const n1 = await site.node("n1", "ml");
  const { csrDer, keyPem } = createKeyAndCsr("n1");
  const renew = (clients: JournalClients, currentCertSerial: string) =>
    clients.enrollment.renewCert({ currentCertSerial, csr: csrDer });
  const other = await refusalOf(renew(n1, "1234"));
  assert.match(other.message, /no enrollment for this certificate serial/);
  const renewed = await renew(n1, n1.serial);
  assert.notEqual(renewed.certSerial, n1.serial);
  const certPem = new TextDecoder().decode(renewed.signedCert);
  const next = site.dial({ certPem, keyPem });
  await next.fleet.reportCapability({ nodeId: "n1" });
  // CRT-5: the old connection goes on.
  await n1.fleet.reportCapability({ nodeId: "n1" });
  assert.equal((await refusalOf(renew(n1, n1.serial))).code, "NOT_FOUND");
  assert.equal(
    (await refusalOf(n1.enrollment.renewCert({ currentCertSerial: n1.serial }))).code,
    "NOT_FOUND",
  );
});

Deno.test("ENR-3: operators assign free nodes to their vCluster, and take none from another", async () => {
  await using site = await openJournalSite();
  await site.register("free");
  await site.register("theirs", "ai");
  const operator = await site.as("pact-ops-ml");
  const free = await operator.enrollment.listNodes({ unassignedOnly: true });
  assert.deepEqual(free.nodes.map(({ nodeId }) => nodeId), ["free"]);
  await operator.enrollment.assignNode({ nodeId: "free", vclusterId: "ml" });
  const steal = await refusalOf(
    operator.enrollment.assignNode({ nodeId: "theirs", vclusterId: "ml" }),
  );
  assert.equal(steal.code, "PERMISSION_DENIED");
  const both = await site.as({ role: ["pact-ops-ml", "pact-ops-ai"] });
  const moved = await both.enrollment.moveNode({ nodeId: "theirs", toVclusterId: "ml" });
  assert.equal(moved.fromVclusterId, "ai");
  const listed = await operator.enrollment.listNodes({ vclusterFilter: "ml" });
  assert.deepEqual(listed.nodes.map(({ nodeId }) => nodeId), ["free", "theirs"]);
  await operator.enrollment.unassignNode({ nodeId: "theirs" });
  assert.equal(
    (await refusalOf(operator.enrollment.inspectNode({ nodeId: "theirs" }))).code,
    "PERMISSION_DENIED",
  );
});

Deno.test("ENR-3: of two operators who assign a free node at once, one gets it", async () => {
  await using site = await openJournalSite();
  const ml = await site.as("pact-ops-ml");
  const ai = await site.as("pact-ops-ai");
  for (let index = 0; index < 5; index++) {
    const nodeId = `n${index}`;
    await site.register(nodeId);
    const outcomes = await Promise.allSettled([
      ml.enrollment.assignNode({ nodeId, vclusterId: "ml" }),
      ai.enrollment.assignNode({ nodeId, vclusterId: "ai" }),
    ]);
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  }
});

Deno.test("API-60: a batch answers in its order, failures and all, and repeats itself under one request id", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const nodes = Array.from({ length: 700 }, (_, index) => ({
    nodeId: `b${index}`,
    hardwareIdentity: { macAddress: macOf(2000 + (index === 600 ? 0 : index)) },
  }));
  const headers = { "x-pact-request-id": "batch-1" };
  const answer = await ann.enrollment.batchRegisterNodes({ nodes }, { headers });
  assert.deepEqual(answer.results.map(({ nodeId }) => nodeId), nodes.map(({ nodeId }) => nodeId));
  assert.equal(answer.succeeded, 699);
  assert.equal(answer.failed, 1);
  assert.match(answer.results[600]?.error ?? "", /HARDWARE_IDENTITY_CONFLICT/);
  const again = await ann.enrollment.batchRegisterNodes({ nodes }, { headers });
  assert.equal(again.succeeded, 699);
});

Deno.test("ENR-50, ENR-51: filters, pages and who sees what", async () => {
  await using site = await openJournalSite();
  const own = await site.node("n1", "ml");
  await site.register("n2", "ml");
  await site.register("n3", "ai");
  const ann = await site.as();
  const ids = ({ nodes }: { nodes: { nodeId: string }[] }) => nodes.map(({ nodeId }) => nodeId);
  assert.deepEqual(ids(await ann.enrollment.listNodes({ stateFilter: "registered" })), [
    "n2",
    "n3",
  ]);
  assert.equal(
    (await refusalOf(ann.enrollment.listNodes({ stateFilter: "gone" }))).code,
    "INVALID_ARGUMENT",
  );
  const first = await ann.enrollment.listNodes({ pageSize: 2 });
  assert.deepEqual(ids(first), ["n1", "n2"]);
  const second = await ann.enrollment.listNodes({ pageSize: 2, pageToken: first.nextPageToken });
  assert.deepEqual(ids(second), ["n3"]);
  assert.equal(second.nextPageToken, "");
  assert.deepEqual(ids(await own.enrollment.listNodes({})), ["n1"]);
  const ai = await site.as({ role: "pact-service-ai", type: "service" });
  assert.deepEqual(ids(await ai.enrollment.listNodes({})), ["n1", "n2", "n3"]);
  const nobody = await site.as("some-role");
  assert.deepEqual(ids(await nobody.enrollment.listNodes({})), []);
});
