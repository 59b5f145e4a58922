import assert from "node:assert/strict";
import { agentport } from "../../api/mod.ts";
import { tempDir } from "../support/mod.ts";
import { declareSwappiness, openJournalSite } from "../support/journal/mod.ts";
import { Linked } from "../support/link/mod.ts";

Deno.test("IDN-7, IDN-4: a SPIRE agent that says nothing holds a node up no longer than agent.identity.timeout_seconds", async () => {
  await using directory = await tempDir();
  const socketPath = directory.file("spire.sock");
  using listener = Deno.listen({ transport: "unix", path: socketPath });
  const held: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) held.push(connection);
  })();
  await using site = await openJournalSite();
  const macAddress = await site.register("n1", "ml");
  await declareSwappiness(await site.as(), "10");
  const begin = performance.now();
  {
    using linked = new Linked(site, macAddress, {
      identityTimeoutMs: 1_000,
      spire: {
        socketPath,
        spiffeId: undefined,
        retryMs: 60_000,
        federatesWith: [],
        isOptional: false,
      },
    });
    await linked.until("the declaration", ({ sysctl }) => sysctl["vm.swappiness"] === "10");
    const { SELF_SIGNED } = agentport.IdentitySource;
    assert.deepEqual(linked.identities.map(({ source }) => source), [SELF_SIGNED]);
  }
  const tookMs = performance.now() - begin;
  assert.ok(held.length > 0, "SPIRE was asked");
  assert.ok(tookMs >= 1_000 && tookMs < 10_000, `${tookMs} ms`);
  listener.close();
  for (const connection of held) connection.close();
  await accepting;
});
