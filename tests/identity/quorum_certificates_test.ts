import assert from "node:assert/strict";
import { connect } from "node:tls";
import { issueMember } from "../../journal/certs/mod.ts";
import { waitFor } from "../support/mod.ts";
import { macOf } from "../support/journal/mod.ts";
import { openQuorumSite, type QuorumSite } from "../support/quorum/mod.ts";

const MEMBERS = [1, 2, 3];

/** Replaces a member's files as an admin's tool does; returns nothing that a process is told. */
async function reissue(site: QuorumSite, id: number): Promise<void> {
  const { root } = site.place(id);
  const fresh = `${root}/fresh`;
  await issueMember({
    caDirectory: site.caDirectory,
    memberId: id,
    hosts: ["127.0.0.1"],
    domainId: "default",
    validDays: 2,
    out: fresh,
    now: new Date(),
  });
  for (const name of ["node.key", "node.crt"]) {
    await Deno.rename(`${fresh}/${name}`, `${root}/etc/pact/certs/${name}`);
  }
}

/** The fingerprint of what a member shows on a port, to a caller that is a member itself. */
async function shown(site: QuorumSite, id: number, address: string): Promise<string> {
  const files = `${site.place(id).root}/etc/pact/certs`;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({
    host: "127.0.0.1",
    port: Number(address.split(":").at(-1)),
    ca: [site.caPem],
    cert: await Deno.readTextFile(`${files}/node.crt`),
    key: await Deno.readTextFile(`${files}/node.key`),
    ALPNProtocols: ["h2"],
  });
  socket.on("error", reject);
  socket.once("secureConnect", () => resolve(socket.getPeerCertificate(false).serialNumber));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

Deno.test("CRT-8: every member of a quorum takes its new certificate on both ports while writes go on and the leader stays", async () => {
  await using site = await openQuorumSite();
  await site.startAll();
  using admin = await site.dial(1);
  const leader = await site.leader();
  let isOver = false;
  const writes = (async () => {
    let count = 0;
    for (; !isOver; count++) {
      await admin.enrollment.registerNode({
        nodeId: `n${count}`,
        hardwareIdentity: { macAddress: macOf(count + 1) },
      });
    }
    return count;
  })();
  const ports = MEMBERS.flatMap((id) => {
    const { api, raft } = site.place(id);
    return [{ id, address: api }, { id, address: raft }];
  });
  const serialsOf = () => Promise.all(ports.map(({ id, address }) => shown(site, id, address)));
  const before = await serialsOf();
  for (const id of MEMBERS) await reissue(site, id);
  await waitFor(async () => {
    const now = await serialsOf();
    return now.every((serial, at) => serial !== before[at]);
  }, { what: `new certificates on all ports\n${site.logs()}`, timeoutMs: 30_000 });
  isOver = true;
  assert.ok(await writes > 0, "every one of them was answered");
  assert.equal(await site.leader(), leader);
  assert.deepEqual(site.runningIds, MEMBERS);
});
