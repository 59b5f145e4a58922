/** Agents that are told by the journal whose tokens count (ACF-4). */
import assert from "node:assert/strict";
import { ConnectError, createClient } from "@connectrpc/connect";
import { shell } from "../../api/mod.ts";
import { createRpcTransport } from "../../common/rpc/mod.ts";
import { waitFor } from "../support/mod.ts";
import { AGENT_NODE, type IssuedClaims, openIdentitySite } from "../support/identity/mod.ts";

Deno.test("ACF-4: an agent without settings of its own verifies tokens as the journal says, and goes on doing so without one", async (t) => {
  await using site = await openIdentitySite();
  let address = await site.startAgent({ hasOwnIssuer: false });
  /** "accepted", or the reason of the refusal. */
  const present = async (claims: IssuedClaims): Promise<string> => {
    const token = await site.token(claims);
    const transport = createRpcTransport({
      endpoint: `https://${address}`,
      caPem: site.caPem,
      serverName: AGENT_NODE,
      token: () => token,
    });
    try {
      await createClient(shell.ShellService, transport).listCommands({});
      return "accepted";
    } catch (error) {
      return ConnectError.from(error).rawMessage.replace(/^UNAUTHENTICATED: /, "");
    } finally {
      transport.close();
    }
  };
  const good = { role: "pact-platform-admin" };
  const goodIsAccepted = async () => await present(good) === "accepted";

  await t.step("what the journal's configuration says of tokens counts at the agent", async () => {
    await waitFor(goodIsAccepted, { what: "the issuer's settings", timeoutMs: 10_000 });
    assert.equal(
      await present({ ...good, audience: "pact-cli" }),
      "invalid audience: expected pact",
    );
    assert.match(await present({ ...good, issuer: "https://idp.example" }), /^invalid issuer/);
    assert.equal(await present({ ...good, lifetimeSeconds: -120 }), "token expired");
  });

  await t.step("it is kept over a restart, while no journal can be reached", async () => {
    await site.quorum.stop(1);
    address = await site.restartAgent();
    await waitFor(goodIsAccepted, { what: "the settings that were kept", timeoutMs: 10_000 });
    assert.match(await present({ ...good, issuer: "https://idp.example" }), /^invalid issuer/);
  });
});
