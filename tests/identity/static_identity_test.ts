import assert from "node:assert/strict";
import { agentport } from "../../api/mod.ts";
import { SecretPem } from "../../common/secret/mod.ts";
import { createKeyAndCsr, issueAgentCertificate, loadCa, verifyCsr } from "../../common/tls/mod.ts";
import { type JournalSite, openJournalSite, refusalOf } from "../support/journal/mod.ts";
import { Linked } from "../support/link/mod.ts";

/** A certificate of the site's CA, as an admin makes one for a node. */
async function madeByAdmin(site: JournalSite, nodeId: string) {
  const read = (name: string) => Deno.readTextFile(`${site.path}/ca/${name}`);
  const now = new Date();
  const keyPem = new SecretPem(await read("ca.key"));
  const ca = await loadCa({ certPem: await read("ca.crt"), keyPem, now });
  const request = await createKeyAndCsr(nodeId);
  const csr = await verifyCsr(request.csrDer);
  const issued = await issueAgentCertificate(ca, { nodeId, domainId: "default" }, csr, { now });
  return { certPem: issued.certPem, keyPem: request.keyPem.reveal() };
}

Deno.test("DEP-81, SPI-1: a static certificate counts for a node that is registered, and for no other", async () => {
  await using site = await openJournalSite();
  const bootstrap = await madeByAdmin(site, "n1");
  const options = { isStatic: true, bootstrap };
  const { certPem, keyPem } = bootstrap;
  const early = site.dial({ certPem, keyPem: new SecretPem(keyPem) });
  const refusal = await refusalOf(early.enrollment.inspectNode({ nodeId: "n1" }));
  assert.equal(refusal.code, "NODE_REVOKED");

  const macAddress = await site.register("n1", "ml");
  using linked = new Linked(site, macAddress, options);
  await linked.told("contact", ({ connected }) => connected);
  assert.deepEqual(linked.identities.map(({ source }) => source), [
    agentport.IdentitySource.BOOTSTRAP,
  ]);
});

Deno.test("IDN-4: bootstrap files are asked last, where the journal certifies nobody", async () => {
  await using site = await openJournalSite();
  const bootstrap = await madeByAdmin(site, "n1");
  await site.register("n1", "ml");
  // The hardware is not the registered one: no certificate of the journal's for this machine.
  using linked = new Linked(site, "02:00:00:00:00:77", { bootstrap });
  await linked.told("contact", ({ connected }) => connected);
  assert.deepEqual(linked.identities.map(({ source }) => source), [
    agentport.IdentitySource.BOOTSTRAP,
  ]);
});
