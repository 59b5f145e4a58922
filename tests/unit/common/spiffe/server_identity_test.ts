import assert from "node:assert/strict";
import { pactPartOf } from "../../../../common/certificate/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { createRpcTransport, isTrustError } from "../../../../common/rpc/mod.ts";
import { serveRpc, type ServerTls } from "../../../../common/rpc_server/mod.ts";
import { spiffeServers } from "../../../../common/spiffe/mod.ts";
import { issueServerCertificate } from "../../../../common/tls/mod.ts";
import { createTestPki } from "../../../support/mod.ts";
import { createTrustDomain, type TestTrustDomain } from "../../../support/spiffe_pki.ts";

const [site, friend, foreign] = [
  await createTrustDomain("site.example"),
  await createTrustDomain("friend.example"),
  await createTrustDomain("foreign.example"),
];
const pki = await createTestPki();

/** Whether a client that trusts these takes the server, dialled by an address. */
async function isTaken(
  server: ServerTls,
  domains: readonly TestTrustDomain[],
  caPem?: string,
): Promise<boolean> {
  await using rpc = await serveRpc({
    name: "test",
    listen: { hostname: "127.0.0.1", port: 0 },
    tls: server,
    routes: () => {},
  });
  using client = createRpcTransport({
    endpoint: `https://127.0.0.1:${rpc.port}`,
    ...spiffeServers({
      caPem,
      trustDomains: new Map(domains.map(({ name, ca }) => [name, ca.certPem])),
      accepts: (id) => pactPartOf(id)?.kind === "journal",
    }, systemClock),
  });
  try {
    await client.connect();
    return true;
  } catch (error) {
    assert.ok(isTrustError(error), String(error));
    return false;
  }
}

Deno.test("a journal is known by its SPIFFE ID, whatever host it is dialled by", async () => {
  assert.ok(await isTaken(await site.issue("/pact/journal/1"), [site]));
  assert.ok(await isTaken(await friend.issue("/pact/journal/1"), [site, friend]));
});

Deno.test("an SVID of another part, of another domain, or one that has ended is no journal's", async () => {
  assert.ok(!await isTaken(await site.issue("/pact/agent/node-1"), [site]));
  assert.ok(!await isTaken(await site.issue("/web", { commonName: "journal-1" }), [site]));
  assert.ok(!await isTaken(await foreign.issue("/pact/journal/1"), [site, friend]));
  const now = new Date(Date.now() - 3_600_000);
  const ended = await site.issue("/pact/journal/1", { now, lifetimeSeconds: 60 });
  assert.ok(!await isTaken(ended, [site]));
});

Deno.test("beside SVIDs a server is known by its host's name under the CAs that are named", async () => {
  assert.ok(await isTaken(await pki.server(), [site], pki.caPem));
  assert.ok(!await isTaken(await pki.server({ hosts: ["elsewhere"] }), [site], pki.caPem));
  assert.ok(!await isTaken(await pki.server(), [site]));
  // A trust domain's CA vouches for its SPIFFE IDs and for no host.
  const host = await issueServerCertificate(site.ca, {
    commonName: "localhost",
    hosts: ["127.0.0.1", "localhost"],
    now: new Date(),
  });
  assert.ok(!await isTaken(host, [site], pki.caPem));
});
