import assert from "node:assert/strict";
import { systemClock } from "../../common/clock/mod.ts";
import { type HeldSvid, openSvidSource, trustedDomains } from "../../common/spiffe/mod.ts";
import { needingPeer, tempDir, waitFor } from "../support/mod.ts";
import { openSpireMachine, openSpireServer, spireLog as log } from "../support/spire/mod.ts";

Deno.test(
  await needingPeer(
    "spire",
    "SPI-2: a real SPIRE gives an SVID, replaces it in time and takes it back",
  ),
  async () => {
    await using dir = await tempDir();
    for (const name of ["server", "machine", "foreign"]) await Deno.mkdir(dir.file(name));
    await using server = await openSpireServer({
      directory: dir.file("server"),
      trustDomain: "site.example",
    });
    await using machine = await openSpireMachine({
      server,
      name: "m1",
      directory: dir.file("machine"),
      socketPath: dir.file("run/agent.sock"),
    });
    const source = openSvidSource({
      socketPath: machine.socketPath,
      choice: { isOurs: ({ path }) => path.startsWith("/pact/") },
      isOptional: false,
      retryMaxMs: 500,
      clock: systemClock,
      random: Math.random,
      log,
    });
    const heard: (HeldSvid | undefined)[] = [];
    source.onChange((held) => heard.push(held));
    try {
      await waitFor(() => source.trouble?.code === "NO_IDENTITY", { what: "the agent's refusal" });

      await server.register({ machine: "m1", path: "/some/other/program" });
      const path = "/pact/agent/node-1";
      const entry = await server.register({ machine: "m1", path, ttlSeconds: 10 });
      const uri = `spiffe://site.example${path}`;
      await waitFor(() => source.held?.identity.svid.id.uri === uri, {
        what: "the SVID of the form that is looked for",
        timeoutMs: 20_000,
      });
      const first = source.held?.identity;
      assert.ok(first !== undefined);
      assert.deepEqual([...trustedDomains(first, []).keys()], ["site.example"]);

      await waitFor(() => source.held?.identity.svid.serialHex !== first.svid.serialHex, {
        what: "the SVID after it",
        timeoutMs: 20_000,
      });
      assert.ok(heard.every((held) => held !== undefined), "there was an SVID at all times");
      assert.ok(heard.every((held) => !held?.isAging), "each came before the one before it aged");

      await server.unregister(entry);
      await waitFor(() => source.held?.identity.svid.id.uri !== uri, {
        what: "the end of the SVID whose entry is deleted",
        timeoutMs: 10_000,
      });
    } finally {
      source.close();
    }
  },
);
