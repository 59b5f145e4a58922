/** What the original lets through, each as a test: listeners in the clear, tokens nobody checked, authors by their own word. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as http2 from "node:http2";
import { connect as connectTcp } from "node:net";
import { create } from "@bufbuild/protobuf";
import { config, journal, raft } from "../../api/mod.ts";
import { issueMember } from "../../journal/certs/mod.ts";
import { all, openJournalSite, refusalOf } from "../support/journal/mod.ts";
import { createTestPki, within } from "../support/mod.ts";
import {
  type IdentitySite,
  MERCURY,
  openIdentitySite,
  openRawConnection,
  vclusterScope,
} from "../support/identity/mod.ts";

const ml = vclusterScope("ml");
const commit = { entryType: config.EntryType.COMMIT, scope: ml };

Deno.test("plaintext listeners: the API, the Raft port and the agent answer nobody who does not speak TLS", async () => {
  await using site = await openIdentitySite();
  const { api, raft: peers } = site.quorum.place(1);
  for (const address of [api, peers, await site.startAgent()]) {
    assert.equal(await answerInTheClear(address, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"), "");
    assert.equal(await answerInTheClear(address, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "");
    assert.ok(await isRefusedAsHttp2(address), `${address} speaks HTTP/2 in the clear`);
  }
});

Deno.test("'begins with Bearer': a header that only looks like a token opens nothing, however it is spelt", async () => {
  await using site = await openJournalSite();
  const token = await site.token();
  const headers = [
    "Bearer",
    "Bearer ",
    "Bearer admin",
    "Bearer pact-platform-admin",
    "Bearer null",
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token}x`,
    `Bearer ${token} ${token}`,
    `Bearer ${token.split(".").slice(0, 2).join(".")}.`,
    `Basic ${token}`,
    `Token ${token}`,
    token,
  ];
  using connection = openRawConnection(targetOf(site));
  const { listVClusters } = journal.FleetService.method;
  for (const authorization of headers) {
    const answer = await connection.call(listVClusters, create(listVClusters.input), {
      authorization,
    });
    assert.ok(answer.kind === "ended" && answer.status === 16, `${authorization} is let in`);
    assert.ok(!answer.message.includes(token), "API-10: no token in a message");
  }
});

Deno.test("trusts the author: whoever names somebody else in a request is refused, and on record", async () => {
  await using site = await openJournalSite();
  const admin = await site.as();
  const bo = await site.as({ sub: "bo", role: "pact-ops-ml" });
  const ann = { principal: "ann", principalType: "Human", role: "pact-platform-admin" };
  const forged = [
    () => bo.config.appendEntry({ entry: { ...commit, author: ann } }),
    // The right name with a role that is not in the token.
    () =>
      bo.config.appendEntry({
        entry: { ...commit, author: { ...ann, principal: "bo" } },
      }),
    () => bo.policy.updatePolicy({ vclusterId: "ml", policy: {}, author: ann }),
    // An admin speaks for nobody else either.
    () =>
      admin.config.appendEntry({
        entry: {
          ...commit,
          author: { principal: "bo", principalType: "Human", role: "pact-ops-ml" },
        },
      }),
  ];
  for (const call of forged) assert.equal((await refusalOf(call())).code, "IDENTITY_MISMATCH");
  const { sequence } = await bo.config.appendEntry({ entry: commit });
  const { author } = await admin.config.getEntry({ sequence });
  assert.deepEqual(
    [author?.principal, author?.principalType, author?.role],
    ["bo", "Human", "pact-ops-ml"],
  );
  const denied = await all(admin.fleet.queryAudit({ outcome: "denied" }));
  assert.equal(denied.length, forged.length, "AUD-2: each attempt is on record");
});

Deno.test("trusts the author: an agent's entry is its own or of a person it names, and says by way of whom", async () => {
  await using site = await openJournalSite();
  const n1 = await site.node("n1", "ml");
  const n2 = await site.node("n2", "ml");
  const entry = (nodeId: string) => ({
    entryType: config.EntryType.EXEC_LOG,
    scope: { scope: { case: "nodeId" as const, value: nodeId } },
    author: { principal: "bo", principalType: "Human", role: "pact-ops-ml" },
    message: "{}",
  });
  const { sequence } = await n1.config.appendEntry({ entry: entry("n1") });
  const admin = await site.as();
  const { author, via } = await admin.config.getEntry({ sequence });
  assert.equal(author?.principal, "bo");
  assert.equal(via, "pact-service-agent/n1@default");
  const refusal = await refusalOf(n2.config.appendEntry({ entry: entry("n1") }));
  assert.equal(refusal.code, "PERMISSION_DENIED");
  // A person that an agent names gets no right from being named.
  const viewer = { principal: "vera", principalType: "Human", role: "pact-viewer-ml" };
  const relayed = { ...entry("n1"), entryType: config.EntryType.COMMIT, author: viewer };
  assert.equal(
    (await refusalOf(n1.config.appendEntry({ entry: relayed }))).code,
    "PERMISSION_DENIED",
  );
});

const ENGINES: Readonly<Record<string, () => Response>> = {
  "an error": () => new Response("boom", { status: 500 }),
  "what is no JSON": () => new Response("<html>"),
  "a result that is no answer": () => Response.json({ result: { allow: "yes" } }),
  "nothing": () => Response.json({}),
};

for (const [what, answer] of Object.entries(ENGINES)) {
  Deno.test(`lets OPA errors through: an engine that answers ${what} lets nobody change a regulated vCluster`, async () => {
    await using engine = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      answer,
    );
    const opa_endpoint = `http://127.0.0.1:${engine.addr.port}/v1/data/pact`;
    await using site = await openJournalSite({
      toml: { policy: { engine: { type: "opa", opa_endpoint } } },
    });
    const admin = await site.as();
    await admin.policy.updatePolicy({ vclusterId: "ml", policy: { regulated: true } });
    const bo = await site.as({ sub: "bo", role: "pact-ops-ml" });
    const refusal = await refusalOf(bo.config.appendEntry({ entry: commit }));
    assert.ok(["PERMISSION_DENIED", "POLICY_DENIED"].includes(refusal.code), refusal.code);
    assert.match(refusal.message, /policy engine|OPA/);
    assert.doesNotMatch(refusal.message, /boom|html|127\.0\.0\.1|500/, "API-10: no cause");
    assert.deepEqual(await all(admin.config.listEntries({ scope: ml, entryTypes: [1] })), []);
  });
}

Deno.test("AUT-1 CRT-6: a good token does not make a bad certificate good", async () => {
  await using site = await openJournalSite();
  const token = await site.token();
  const { listVClusters } = journal.FleetService.method;
  const ask = async (certificate: { readonly certPem: string; readonly keyPem: string }) => {
    using connection = openRawConnection({ ...targetOf(site), ...certificate });
    const answer = await connection.call(listVClusters, create(listVClusters.input), {
      authorization: `Bearer ${token}`,
    });
    return answer.kind === "ended" ? answer.code : answer.kind;
  };
  const node = await site.node("n1", "ml");
  const revoked = { certPem: node.certPem, keyPem: node.keyPem.reveal() };
  assert.equal(await ask(revoked), "");
  const admin = await site.as();
  await admin.enrollment.decommissionNode({ nodeId: "n1", force: true });
  assert.equal(await ask(revoked), "NODE_REVOKED");
  const foreign = await (await createTestPki()).agent({ nodeId: "n1", domainId: "default" });
  const { certPem, keyPem } = foreign;
  assert.equal(await ask({ certPem, keyPem: keyPem.reveal() }), "UNAUTHENTICATED");
});

Deno.test("AUT-11 JRN-53: a member's certificate opens the Raft port only, and there only for the member it names", async () => {
  await using site = await openIdentitySite();
  using admin = await site.as();
  // A learner that does not run: its certificate is good, and its place is free.
  await admin.fleet.changeMembership({
    operation: "add_learner",
    id: 2n,
    raftAddress: "127.0.0.1:9",
    grpcAddress: "127.0.0.1:9",
  });
  const { clusterId } = await admin.fleet.getClusterStatus({});
  const learner = await memberCertificate(site, 2);
  const outsider = await memberCertificate(site, 7);
  const { listVClusters } = journal.FleetService.method;
  using api = openRawConnection({ ...apiOf(site), ...learner });
  const onApi = await api.call(listVClusters, create(listVClusters.input));
  assert.ok(onApi.kind === "ended" && onApi.code === "UNAUTHENTICATED");

  const vote = async (certificate: typeof learner, headers: Record<string, string>) => {
    using connection = openRawConnection({
      address: site.quorum.place(1).raft,
      caPem: site.caPem,
      ...certificate,
    });
    const { vote } = raft.RaftService.method;
    const answer = await connection.call(vote, create(vote.input), headers);
    return answer.kind === "ended" ? answer.code : answer.kind;
  };
  const hello = {
    "x-pact-cluster": clusterId,
    "x-pact-member": "2",
    "x-pact-instance": "test",
    "x-pact-protocol": "1",
  };
  assert.equal(await vote(learner, hello), "INVALID_ARGUMENT", "let in: an empty vote is none");
  assert.equal(await vote(learner, {}), "PERMISSION_DENIED");
  assert.equal(await vote(learner, { ...hello, "x-pact-member": "1" }), "PERMISSION_DENIED");
  assert.equal(await vote(learner, { ...hello, "x-pact-cluster": "other" }), "PERMISSION_DENIED");
  assert.equal(await vote(outsider, { ...hello, "x-pact-member": "7" }), "PERMISSION_DENIED");
  using agent = openRawConnection({ ...apiOf(site), ...await site.enroll("m1", MERCURY) });
  assert.equal((await agent.call(listVClusters, create(listVClusters.input))).kind, "ended");
});

function targetOf(
  site: { readonly journal: { readonly rpcPort: number }; readonly caPem: string },
) {
  return { address: `127.0.0.1:${site.journal.rpcPort}`, caPem: site.caPem };
}

function apiOf(site: IdentitySite) {
  return { address: site.quorum.place(1).api, caPem: site.caPem };
}

async function memberCertificate({ quorum, directory }: IdentitySite, memberId: number) {
  const { certPath, keyPath } = await issueMember({
    caDirectory: quorum.caDirectory,
    memberId,
    hosts: ["127.0.0.1"],
    domainId: "default",
    validDays: 1,
    out: `${directory}/member-${memberId}`,
    now: new Date(),
  });
  return {
    certPem: await Deno.readTextFile(certPath),
    keyPem: await Deno.readTextFile(keyPath),
  };
}

/** Readable text that comes back for bytes in the clear, once the other side has hung up. */
async function answerInTheClear(address: string, text: string): Promise<string> {
  const [host = "", port = ""] = address.split(":");
  const socket = connectTcp(Number(port), host);
  const chunks: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on("data", (bytes: Buffer) => chunks.push(bytes));
  socket.on("error", () => resolve());
  socket.on("close", () => resolve());
  socket.write(text);
  await within(promise, {
    what: `the end of a connection in the clear to ${address}`,
    timeoutMs: 15_000,
  });
  socket.destroy();
  // A TLS alert is binary; nothing of HTTP may be in it.
  return /HTTP|grpc|\{/.exec(Buffer.concat(chunks).toString("latin1"))?.[0] ?? "";
}

async function isRefusedAsHttp2(address: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const session = http2.connect(`http://${address}`);
  session.on("error", () => resolve(true));
  session.on("close", () => resolve(true));
  session.on("remoteSettings", () => resolve(false));
  try {
    return await within(promise, { what: `${address} to refuse`, timeoutMs: 15_000 });
  } finally {
    session.destroy();
  }
}
