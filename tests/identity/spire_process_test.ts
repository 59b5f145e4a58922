import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { enrollment } from "../../api/mod.ts";
import { createRpcTransport } from "../../common/rpc/mod.ts";
import { needingPeer, tempDir, waitFor } from "../support/mod.ts";
import { openSite } from "../support/site/mod.ts";
import { openSpireMachine, openSpireServer } from "../support/spire/mod.ts";

Deno.test(
  await needingPeer(
    "spire",
    "CRT-3, SPI-2, ROT-5: pact-journal and pact-agent live by SVIDs, with the permissions they are shipped with",
  ),
  async () => {
    await using directory = await tempDir("pact-spire-");
    await using site = await openSite();
    for (const name of ["server", "journal", "node"]) await Deno.mkdir(directory.file(name));
    await using server = await openSpireServer({
      directory: directory.file("server"),
      trustDomain: "site.example",
    });
    const machine = (name: string, root: string) =>
      openSpireMachine({
        server,
        name,
        directory: directory.file(name),
        socketPath: `${root}/run/spire/agent.sock`,
      });
    const ttlSeconds = 20;
    const dns = ["localhost"];
    await server.register({ machine: "journal", path: "/pact/journal/1", dns, ttlSeconds });
    const path = "/pact/agent/node-1";
    await server.register({ machine: "node", path, dns: ["node-1"], ttlSeconds });
    await using _journals = await machine("journal", site.journalRoot);
    await using nodes = await machine("node", site.nodeRoot("node-1"));

    const running = await site.startJournal({
      identity: {
        provider: "spire",
        spire_socket: `${site.journalRoot}/run/spire/agent.sock`,
      },
    });
    await running.program.waitForOutput(/SVID in force.*\/pact\/journal\/1/, 20_000);
    await site.addPerson({ name: "ann", role: "pact-platform-admin" });
    using ann = createRpcTransport({
      endpoint: site.journalEndpoint,
      caPem: await server.bundlePem(),
      serverName: "localhost",
      token: await Deno.readTextFile(site.tokenFileOf("ann")),
    });
    const nodeRecords = createClient(enrollment.EnrollmentService, ann);
    const [kind = "", ...mac] = site.hardwareId("node-1").split(":");
    assert.equal(kind, "mac");
    await waitFor(() =>
      nodeRecords.registerNode({
        nodeId: "node-1",
        hardwareIdentity: { macAddress: mac.join(":") },
        vclusterId: "demo",
      }), { what: "the journal's SVID", timeoutMs: 20_000 });

    const agent = await site.startAgent("node-1", { identity: { provider: "spire" } });
    await agent.program.waitForOutput(/identity changed.*SPIRE|enrolled.*node-1/, 20_000);
    const record = await nodeRecords.inspectNode({ nodeId: "node-1" });
    assert.equal(record.enrollmentState, "Active");
    assert.equal(record.certSerial, "", "the journal has certified nobody");
    // Its certificate goes with the SVID; what it keeps for a restart holds no key of it.
    await agent.program.waitForOutput(/identity changed source=SPIRE/, 30_000);
    const state = `${site.nodeRoot("node-1")}/run/pact/state`;
    await assert.rejects(Deno.stat(`${state}/identity.bin`), Deno.errors.NotFound);
    const records = await Deno.readTextFile(`${state}/audit.log`);
    assert.equal(
      records.split("boot.spire_svid_acquired").length - 1,
      1,
      "once, not for each SVID",
    );
    await nodes.stop();
    await agent.program.waitForOutput(/identity changed source=SELF_SIGNED/, 40_000);
    const certified = await nodeRecords.inspectNode({ nodeId: "node-1" });
    assert.notEqual(certified.certSerial, "");
  },
);
