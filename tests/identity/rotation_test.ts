import assert from "node:assert/strict";
import { type Clock, systemClock, type TimerHandle } from "../../common/clock/mod.ts";
import { SecretPem } from "../../common/secret/mod.ts";
import { createKeyAndCsr, TrustBundle } from "../../common/tls/mod.ts";
import { createTestPki, freePort, tempDir, waitFor } from "../support/mod.ts";
import { all, declareSwappiness, openJournalSite, refusalOf } from "../support/journal/mod.ts";
import { Linked } from "../support/link/mod.ts";

/** Waits of minutes are kept until a test lets them pass; shorter ones pass as they do. */
class PatientClock implements Clock {
  readonly waiting: { readonly fire: () => void; readonly delayMs: number }[] = [];
  aheadMs = 0;
  nowMs = () => systemClock.nowMs() + this.aheadMs;
  monotonicMs = () => systemClock.monotonicMs();
  setTimer(delayMs: number, fire: () => void): TimerHandle {
    if (delayMs < 200_000) return systemClock.setTimer(delayMs, fire);
    this.waiting.push({ fire, delayMs });
    return { id: -1 };
  }
  clearTimer(timer: TimerHandle): void {
    if (timer.id !== -1) systemClock.clearTimer(timer);
  }

  /** Lets the first wait of that length pass. The journal has waits of its own, of an hour and more. */
  async pass(leastMs: number, mostMs = 3_000_000): Promise<void> {
    const isMeant = ({ delayMs }: { readonly delayMs: number }) =>
      delayMs >= leastMs && delayMs <= mostMs;
    const found = await waitFor(() => this.waiting.find(isMeant), {
      what: `a wait of ${leastMs} ms`,
    });
    this.waiting.splice(this.waiting.indexOf(found), 1);
    this.aheadMs += found.delayMs;
    found.fire();
  }
}

const HOUR = { journal: { enrollment: { cert_lifetime_seconds: 3600 } } };

Deno.test("CRT-5, ROT-2: a renewal takes over on a second channel: no contact is lost, no change is missed, both serials are on record", async () => {
  const clock = new PatientClock();
  await using site = await openJournalSite({ toml: HOUR, clock });
  const macAddress = await site.register("n1", "ml");
  const admin = await site.as({ lifetimeSeconds: 86_400 });
  await declareSwappiness(admin, "0");
  using linked = new Linked(site, macAddress, { clock });
  await linked.until("the declaration", ({ sysctl }) => sysctl["vm.swappiness"] === "0");
  const stop = new AbortController();
  const changes = (async () => {
    let value = 0;
    for (; !stop.signal.aborted; value++) await declareSwappiness(admin, String(value));
    return value - 1;
  })();
  for (let renewals = 1; renewals <= 2; renewals++) {
    await clock.pass(2_000_000);
    await waitFor(() => linked.identities.length > renewals, { what: "the new certificate" });
  }
  stop.abort();
  const last = await changes;
  await linked.until("the last change", ({ sysctl }) => sysctl["vm.swappiness"] === `${last}`);
  assert.deepEqual(linked.states.map(({ connected }) => connected), [true]);
  const serials = linked.identities.map(({ serial }) => serial);
  assert.equal(new Set(serials).size, 3);
  assert.equal(new Set(linked.identities.map(({ keyPem }) => keyPem)).size, 3);
  assert.deepEqual(linked.identities.map(({ previousSerial }) => previousSerial), [
    "",
    ...serials.slice(0, 2),
  ]);
  const records = await all(admin.fleet.queryAudit({ operationTypes: ["CertRenew"] }));
  assert.equal(records.length, 2);
  const inspected = await admin.enrollment.inspectNode({ nodeId: "n1" });
  assert.equal(inspected.certSerial, serials[2]);
});

Deno.test("ROT-3, E5: a renewal that fails leaves everything as it is and is tried again after 300 s", async () => {
  await using site = await openJournalSite({ toml: HOUR });
  const macAddress = await site.register("n1", "ml");
  const admin = await site.as();
  await declareSwappiness(admin, "1");
  const clock = new PatientClock();
  using linked = new Linked(site, macAddress, { clock });
  await linked.until("the declaration", ({ sysctl }) => sysctl["vm.swappiness"] === "1");
  const [first] = linked.identities;
  assert.ok(first !== undefined);
  // Somebody else renews under its key: the journal refuses the serial from then on.
  const thief = site.dial({ certPem: first.certPem, keyPem: new SecretPem(first.keyPem) });
  const { csrDer } = await createKeyAndCsr("n1");
  await thief.enrollment.renewCert({ currentCertSerial: first.serial, csr: csrDer });
  await clock.pass(2_000_000);
  await waitFor(() => clock.waiting.some(({ delayMs }) => delayMs === 300_000), {
    what: "the next try",
  });
  await declareSwappiness(admin, "2");
  await linked.until(
    "a change over the old channel",
    ({ sysctl }) => sysctl["vm.swappiness"] === "2",
  );
  assert.equal(linked.identities.length, 1);
  assert.deepEqual(linked.states.map(({ connected }) => connected), [true]);
});

/** A journal whose CA lives in its process, and whose listener has files of the site's own CA. */
async function ephemeralSite(clock: Clock) {
  const pki = await createTestPki("site CA");
  const { fullChainPem, keyPem } = await pki.server();
  const directory = await tempDir("pact-rotation-");
  await Deno.writeTextFile(directory.file("node.crt"), fullChainPem);
  await Deno.writeTextFile(directory.file("node.key"), keyPem.reveal(), { mode: 0o600 });
  await Deno.writeTextFile(directory.file("ca.crt"), pki.caPem);
  const port = freePort();
  const site = await openJournalSite({
    clock,
    withoutCa: true,
    args: ["--listen", `127.0.0.1:${port}`],
    toml: {
      journal: {
        tls: {
          cert: directory.file("node.crt"),
          key: directory.file("node.key"),
          ca: directory.file("ca.crt"),
        },
      },
    },
  });
  const as = async () => site.dial({ caPem: pki.caPem, token: await site.token() });
  return { site, pki, directory, as, port };
}

Deno.test("CRT-1a, NEN-9: after the journal's restart a node changes to the new CA before the old one is dropped", async () => {
  const { site, pki, directory, as } = await ephemeralSite(systemClock);
  await using _directory = directory;
  await using _site = site;
  const macAddress = "02:00:00:00:00:01";
  const admin = await as();
  const hardwareIdentity = { macAddress };
  await admin.enrollment.registerNode({ nodeId: "n1", hardwareIdentity, vclusterId: "ml" });
  await declareSwappiness(admin, "1");
  using linked = new Linked(site, macAddress, { caPem: pki.caPem, random: () => 0.001 });
  await linked.until("the declaration", ({ sysctl }) => sysctl["vm.swappiness"] === "1");
  const [first] = linked.identities;
  await site.stop();
  await site.start();
  const renewed = await waitFor(
    () => linked.identities.find(({ serial }) => serial !== first?.serial),
    { what: "a certificate of the new CA", timeoutMs: 20_000 },
  );
  assert.equal(renewed.previousSerial, first?.serial, "renewed, not enrolled anew");
  const issuedBy = (identity: typeof renewed) =>
    new TrustBundle(site.caPem).verify(identity.certPem, "client", new Date()).trusted;
  assert.ok(first !== undefined && !issuedBy(first));
  assert.ok(issuedBy(renewed));
  await declareSwappiness(await as(), "2");
  await linked.until("a change", ({ sysctl }) => sysctl["vm.swappiness"] === "2");
});

Deno.test("CRT-1, ENR-1: a node that was away until its CA was dropped enrols again by itself", async () => {
  const clock = new PatientClock();
  const { site, pki, directory, as, port } = await ephemeralSite(clock);
  await using _directory = directory;
  await using _site = site;
  const macAddress = "02:00:00:00:00:01";
  const hardwareIdentity = { macAddress };
  const admin = await as();
  await admin.enrollment.registerNode({ nodeId: "n1", hardwareIdentity, vclusterId: "ml" });
  await declareSwappiness(admin, "1");
  const tuning = { clock, caPem: pki.caPem, endpoints: [`https://127.0.0.1:${port}`] };
  const before = new Linked(site, macAddress, tuning);
  await before.until("the declaration", ({ sysctl }) => sysctl["vm.swappiness"] === "1");
  before[Symbol.dispose]();
  const [identity] = before.identities;
  assert.ok(identity !== undefined);
  await site.stop();
  await site.start();
  clock.aheadMs += 11 * 60_000;
  await site.journal.reload();
  const { certPem, keyPem } = identity;
  const old = site.dial({ caPem: pki.caPem, certPem, keyPem: new SecretPem(keyPem) });
  assert.equal(
    (await refusalOf(old.enrollment.inspectNode({ nodeId: "n1" }))).code,
    "UNAUTHENTICATED",
  );

  using after = new Linked(site, macAddress, { ...tuning, identity });
  await after.until("the declaration", ({ sysctl }) => sysctl["vm.swappiness"] === "1", 20_000);
  assert.notEqual(after.identities.at(-1)?.serial, identity.serial);
});
