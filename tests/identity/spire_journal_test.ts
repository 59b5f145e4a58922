import assert from "node:assert/strict";
import { connect } from "node:tls";
import type { SvidIdentity } from "../../common/spiffe/mod.ts";
import { needingPeer, waitFor } from "../support/mod.ts";
import { type JournalSite, macOf, openJournalSite, refusalOf } from "../support/journal/mod.ts";
import { createTrustDomain } from "../support/spiffe_pki.ts";
import { openSpireSite, SPIRE_DOMAIN, svidOptions } from "../support/spire/mod.ts";

/** The certificate that a new connection is shown, and whether one of `caPem` has issued it. */
async function shownBy(port: number, caPem: string) {
  const { promise, resolve, reject } = Promise.withResolvers<{ serial: string; isOurs: boolean }>();
  const socket = connect({
    host: "127.0.0.1",
    port,
    servername: "localhost",
    ca: [caPem],
    ALPNProtocols: ["h2"],
    rejectUnauthorized: false,
  });
  socket.once("error", reject);
  socket.once("secureConnect", () =>
    resolve({
      serial: socket.getPeerCertificate().serialNumber.toLowerCase(),
      isOurs: socket.authorized,
    }));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

/** Clients of an administrator, who knows the journal by its host's name under the site's bundle. */
async function adminOf(site: JournalSite, caPem: string) {
  const token = await site.token();
  return site.dial({ caPem, serverName: "localhost", token: () => token });
}

/** A foreign domain's SVID beside the bundles that a node of the site has. */
async function foreignSvid(
  name: string,
  domain: Awaited<ReturnType<typeof createTrustDomain>>,
  site: SvidIdentity,
) {
  const { certPem, keyPem } = await domain.issue(`/pact/agent/${name}`);
  return { ...svidOptions(site), certPem, keyPem };
}

Deno.test(
  await needingPeer("spire", "CRT-3, CRT-8, NEN-11, AUT-11: a journal and a node under SVIDs"),
  async (test) => {
    await using spire = await openSpireSite();
    const [friend, foreign] = [
      await createTrustDomain("friend.example"),
      await createTrustDomain("foreign.example"),
    ];
    for (const { name, ca } of [friend, foreign]) await spire.server.learn(name, ca.certPem);
    await spire.server.register({
      machine: "journal",
      path: "/pact/journal/1",
      dns: ["localhost"],
      ttlSeconds: 4,
      federatesWith: ["friend.example", "foreign.example"],
    });
    const path = "/pact/agent/n1";
    await spire.server.register({ machine: "node", path, federatesWith: ["foreign.example"] });
    await waitFor(() => spire.server.run(["entry", "show"]), { what: "the entries" });
    await using site = await openJournalSite({
      toml: {
        journal: {
          identity: {
            provider: "spire",
            spire_socket: spire.machines.journal.socketPath,
            federates_with: ["friend.example"],
          },
        },
      },
    });
    const { rpcPort } = site.journal;
    const bundle = await spire.server.bundlePem();
    const shown = () => shownBy(rpcPort, bundle);
    await waitFor(async () => (await shown()).isOurs, { what: "the SVID", timeoutMs: 20_000 });
    const admin = await adminOf(site, bundle);
    const hardware = [macOf(1), macOf(2), macOf(3)];
    for (const [index, macAddress] of hardware.entries()) {
      const nodeId = `n${index + 1}`;
      await admin.enrollment.registerNode({ nodeId, hardwareIdentity: { macAddress } });
    }
    const svid = await spire.nodeSvid(path);
    const node = site.dial(svidOptions(svid));
    const presented = (index: number) => ({
      hardwareIdentity: { macAddress: hardware[index] ?? "" },
    });

    await test.step("an SVID alone opens nothing before its node has enrolled", async () => {
      const refusal = await refusalOf(node.enrollment.inspectNode({ nodeId: "n1" }));
      assert.equal(refusal.code, "UNAUTHENTICATED");
      assert.match(
        refusal.message,
        /has not enrolled as spiffe:\/\/site\.example\/pact\/agent\/n1/,
      );
    });

    await test.step("it enrols the machine it names, and no other", async () => {
      const other = await refusalOf(node.enrollment.enroll(presented(1)));
      assert.equal(other.code, "IDENTITY_MISMATCH");
      const unknown = { hardwareIdentity: { macAddress: macOf(99) } };
      assert.equal((await refusalOf(node.enrollment.enroll(unknown))).code, "NODE_NOT_ENROLLED");
      const answer = await node.enrollment.enroll(presented(0));
      assert.equal(answer.nodeId, "n1");
      assert.equal(answer.signedCert.length, 0, "nobody needs another certificate");
      const record = await node.enrollment.inspectNode({ nodeId: "n1" });
      assert.equal(record.enrollmentState, "Active");
      assert.equal(
        (await node.enrollment.enroll(presented(0))).nodeId,
        "n1",
        "once more is no harm",
      );
    });

    await test.step("without an SVID a certificate must be asked for", async () => {
      const stranger = site.dial({ caPem: bundle, serverName: "localhost" });
      const refusal = await refusalOf(stranger.enrollment.enroll(presented(2)));
      assert.match(refusal.message, /csr required/);
    });

    await test.step("the journal's SVID is replaced without dropping a stream", async () => {
      const stop = new AbortController();
      const updates = admin.boot.subscribeConfigUpdates({ fromSequence: 0n }, {
        signal: stop.signal,
      })[Symbol.asyncIterator]();
      await updates.next();
      const before = await shown();
      await waitFor(async () => (await shown()).serial !== before.serial, {
        what: "another SVID",
        timeoutMs: 20_000,
      });
      const next = updates.next();
      await admin.enrollment.registerNode({
        nodeId: "n4",
        hardwareIdentity: { macAddress: macOf(4) },
      });
      assert.equal((await next).done, false);
      stop.abort();
    });

    await test.step("a foreign domain is let in where the configuration names it", async () => {
      const strange = site.dial(await foreignSvid("n2", foreign, svid));
      const refusal = await refusalOf(strange.enrollment.enroll(presented(1)));
      assert.match(refusal.message, /csr required/, "its SVID counts for nothing");
      const call = await refusalOf(strange.enrollment.inspectNode({ nodeId: "n1" }));
      assert.match(call.message, /not issued by a CA of the trust bundle/);

      const friendly = site.dial(await foreignSvid("n2", friend, svid));
      assert.equal((await friendly.enrollment.enroll(presented(1))).nodeId, "n2");
      const record = await friendly.enrollment.inspectNode({ nodeId: "n2" });
      assert.equal(record.enrollmentState, "Active");
      const posing = site.dial(await foreignSvid("n1", friend, svid));
      const posed = await refusalOf(posing.enrollment.inspectNode({ nodeId: "n1" }));
      assert.match(posed.message, /has not enrolled as spiffe:\/\/friend\.example/);
    });

    await test.step("a node's client speaks with no server but a journal of its domain", async () => {
      const client = site.dial({
        ...svidOptions({ ...svid, bundles: new Map([[SPIRE_DOMAIN, foreign.ca.certPem]]) }),
      });
      await assert.rejects(client.enrollment.enroll(presented(0)), /cannot trust/);
    });

    await test.step("F26: without its SPIRE agent the journal goes on, by its own CA after the SVID", async () => {
      await spire.machines.journal.stop();
      assert.ok((await shown()).isOurs, "the SVID outlives the agent");
      const own = () => shownBy(rpcPort, site.caPem);
      await waitFor(async () => (await own()).isOurs, {
        what: "a certificate of the journal's own CA",
        timeoutMs: 30_000,
      });
      const still = site.dial({
        certPem: svid.svid.chainPem,
        keyPem: svid.svid.keyPem,
        caPem: site.caPem,
      });
      assert.equal((await still.enrollment.inspectNode({ nodeId: "n1" })).nodeId, "n1");
      await spire.machines.journal.start();
      await waitFor(async () => (await shown()).isOurs, {
        what: "the SVID again",
        timeoutMs: 60_000,
      });
    });

    await test.step("CRT-6: decommissioning a node ends what it has open under its SVID", async () => {
      const stop = new AbortController();
      const updates = Array.fromAsync(
        node.boot.subscribeConfigUpdates({ nodeId: "n1" }, { signal: stop.signal }),
      );
      const again = await adminOf(site, bundle);
      await again.enrollment.decommissionNode({ nodeId: "n1", force: true });
      assert.equal((await refusalOf(updates)).code, "NODE_REVOKED");
      const fresh = site.dial(svidOptions(svid));
      const refusal = await refusalOf(fresh.enrollment.inspectNode({ nodeId: "n1" }));
      assert.equal(refusal.code, "NODE_REVOKED");
      assert.equal((await refusalOf(fresh.enrollment.enroll(presented(0)))).code, "NODE_REVOKED");
    });
  },
);
