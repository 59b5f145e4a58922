import assert from "node:assert/strict";
import { ConnectError, createClient } from "@connectrpc/connect";
import { enrollment, journal, stream } from "../../api/mod.ts";
import { fromConnectError, PactError } from "../../common/errors/mod.ts";
import { createRpcTransport, type RpcTransport } from "../../common/rpc/mod.ts";
import type { SecretPem } from "../../common/secret/mod.ts";
import { createKeyAndCsr } from "../../common/tls/mod.ts";
import { CuttableWay, waitFor, within } from "../support/mod.ts";
import { macOf, refusalOf } from "../support/journal/mod.ts";
import { openQuorumSite, type QuorumSite } from "../support/quorum/mod.ts";

/** CRT-6 and ACC-8 promise five seconds; the machine of a test may be busy besides. */
const PROMISE_MS = 5_000;

interface Enrolled {
  readonly certPem: string;
  readonly keyPem: SecretPem;
}

async function enrol(
  site: QuorumSite,
  member: number,
  number: number,
): Promise<Enrolled> {
  using transport = createRpcTransport({
    endpoint: `https://${site.place(member).api}`,
    caPem: site.caPem,
  });
  const { csrDer, keyPem } = await createKeyAndCsr("node");
  const answer = await createClient(enrollment.EnrollmentService, transport).enroll({
    hardwareIdentity: { macAddress: macOf(number) },
    csr: csrDer,
  });
  return { certPem: new TextDecoder().decode(answer.signedCert), keyPem };
}

/** A member's API under a node's certificate. */
function dial(site: QuorumSite, endpoint: string, node: Enrolled): RpcTransport {
  const { certPem, keyPem } = node;
  return createRpcTransport({ endpoint, caPem: site.caPem, certPem, keyPem });
}

/** Opens a node's stream; `ended` resolves with the error that it ends with. */
async function openStream(
  transport: RpcTransport,
  nodeId: string,
): Promise<{ readonly ended: Promise<PactError> }> {
  const updates = createClient(stream.BootConfigService, transport).subscribeConfigUpdates({
    nodeId,
    vclusterId: "ml",
    fromSequence: 0n,
  })[Symbol.asyncIterator]();
  await updates.next();
  const end = async () => {
    try {
      while ((await updates.next()).done !== true);
      return new PactError("INTERNAL", "the stream just ended");
    } catch (error) {
      return fromConnectError(ConnectError.from(error));
    }
  };
  return { ended: end() };
}

Deno.test("CRT-6, ACC-8, 9.1: three members refuse a revoked node within 5 s, and find out together that a holder is gone", async (t) => {
  await using site = await openQuorumSite();
  await site.startAll();
  using admin = await site.dial(1);
  for (const number of [1, 2]) {
    await admin.enrollment.registerNode({
      nodeId: `n${number}`,
      hardwareIdentity: { macAddress: macOf(number) },
      vclusterId: "ml",
    });
  }

  await t.step("a decommission at one member ends streams and calls at all of them", async () => {
    const node = await enrol(site, 1, 1);
    const transports = [1, 2, 3].map((id) => dial(site, `https://${site.place(id).api}`, node));
    // Certificates of one member's CA are known to the others once its bundle has come there.
    const ends = await Promise.all(
      transports.map((transport) =>
        waitFor(() => openStream(transport, "n1"), { what: "a stream", timeoutMs: 10_000 })
      ),
    );
    const begin = performance.now();
    const answer = await admin.enrollment.decommissionNode({ nodeId: "n1", force: true });
    assert.notEqual(answer.certSerialRevoked, "");
    for (const [at, { ended }] of ends.entries()) {
      const what = `the end of the stream at member ${at + 1}`;
      const error = await within(ended, { what, timeoutMs: PROMISE_MS });
      assert.equal(error.code, "NODE_REVOKED");
    }
    for (const transport of transports) {
      const call = createClient(journal.FleetService, transport).reportCapability({ nodeId: "n1" });
      assert.equal((await refusalOf(call)).code, "NODE_REVOKED");
      transport.close();
    }
    assert.ok(performance.now() - begin < PROMISE_MS);
  });

  await t.step(
    "a handshake with the revoked certificate gets no further than its first call",
    async () => {
      const again = await refusalOf(enrol(site, 2, 1));
      assert.equal(again.code, "NODE_REVOKED");
    },
  );

  await t.step(
    "a node whose power was cut while another member had its stream enrols within seconds",
    async () => {
      await using way = new CuttableWay(site.place(2).api);
      const node = await enrol(site, 1, 2);
      using transport = dial(site, `https://127.0.0.1:${way.port}`, node);
      const former = await waitFor(() => openStream(transport, "n2"), {
        what: "a stream",
        timeoutMs: 10_000,
      });
      assert.equal((await refusalOf(enrol(site, 3, 2))).code, "ALREADY_ACTIVE");
      way.cut();
      // The last answer serves for a second; each try of a node in truth comes half a minute later.
      const begin = performance.now();
      await waitFor(() => enrol(site, 3, 2), { what: "the enrolment", timeoutMs: 20_000 });
      assert.ok(performance.now() - begin < 20_000);
      assert.equal((await refusalOf(enrol(site, 1, 2))).code, "ALREADY_ACTIVE");
      way.heal();
      await within(former.ended, { what: "the former stream's end", timeoutMs: 10_000 });
    },
  );
});
