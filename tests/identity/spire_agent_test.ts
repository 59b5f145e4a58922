import assert from "node:assert/strict";
import { agentport } from "../../api/mod.ts";
import { needingPeer, waitFor } from "../support/mod.ts";
import { declareSwappiness, macOf, openJournalSite } from "../support/journal/mod.ts";
import { Linked } from "../support/link/mod.ts";
import { openSpireSite, spireLog as log } from "../support/spire/mod.ts";

const { SPIRE, SELF_SIGNED } = agentport.IdentitySource;

Deno.test(
  await needingPeer(
    "spire",
    "SPI-4, ROT-5, IDN-4, NEN-11: a node goes by SPIRE, by the journal, and by SPIRE again",
  ),
  async (test) => {
    await using spire = await openSpireSite();
    await spire.server.register({
      machine: "journal",
      path: "/pact/journal/1",
      dns: ["localhost"],
      ttlSeconds: 3_600,
    });
    await using site = await openJournalSite({
      toml: {
        journal: {
          identity: { provider: "spire", spire_socket: spire.machines.journal.socketPath },
          enrollment: { active_lock_seconds: 2 },
        },
      },
    });
    const caPem = await spire.server.bundlePem();
    const token = await site.token();
    const hardwareIdentity = { macAddress: macOf(1) };
    const admin = await waitFor(async () => {
      const clients = site.dial({ caPem, serverName: "localhost", token: () => token });
      await clients.fleet.getClusterStatus({});
      return clients;
    }, { what: "the journal's SVID", timeoutMs: 20_000 });
    await admin.enrollment.registerNode({ nodeId: "n1", hardwareIdentity, vclusterId: "ml" });
    await declareSwappiness(admin, "1");

    // A node that knows the journal by the site's CA alone, until SPIRE says more.
    using linked = new Linked(site, macOf(1), {
      caPem: site.caPem,
      log,
      spire: {
        socketPath: spire.machines.node.socketPath,
        spiffeId: undefined,
        retryMs: 1_000,
        federatesWith: [],
        isOptional: true,
      },
    });
    let value = 1;
    const followsChanges = async (what: string) => {
      await declareSwappiness(admin, `${++value}`);
      await linked.until(what, ({ sysctl }) => sysctl["vm.swappiness"] === `${value}`);
    };
    const until = (source: agentport.IdentitySource, timeoutMs = 30_000) =>
      waitFor(() => linked.identities.at(-1)?.source === source, {
        what: agentport.IdentitySource[source],
        timeoutMs,
      });
    const sources = () => linked.identities.map(({ source }) => source);
    let entry = "";

    await test.step("NEN-11: the node enrols by its SVID, without a certificate of the journal's", async () => {
      const path = "/pact/agent/n1";
      entry = await spire.server.register({ machine: "node", path, ttlSeconds: 8 });
      await until(SPIRE);
      await followsChanges("a change under the SVID");
      assert.ok(!sources().includes(SELF_SIGNED));
      const record = await admin.enrollment.inspectNode({ nodeId: "n1" });
      assert.equal(record.certSerial, "");
    });

    await test.step("ROT-5: SVIDs are replaced while contact goes on", async () => {
      const before = linked.states.length;
      const count = linked.identities.length;
      await waitFor(() => linked.identities.length >= count + 3, {
        what: "three more SVIDs",
        timeoutMs: 30_000,
      });
      await followsChanges("a change under a later SVID");
      assert.equal(linked.states.length, before, "contact was never lost");
      const serials = linked.identities.map(({ serial }) => serial);
      assert.equal(new Set(serials.slice(count)).size, serials.length - count);
    });

    await test.step("F26: without SPIRE the journal certifies the node before the SVID ends", async () => {
      const before = linked.states.length;
      await spire.machines.node.stop();
      await followsChanges("a change while the SPIRE agent is gone");
      await until(SELF_SIGNED);
      await followsChanges("a change under the journal's certificate");
      assert.equal(linked.states.length, before, "contact was never lost");
    });

    await test.step("ROT-5: back under an SVID within a retry period, and without losing contact", async () => {
      const before = linked.states.length;
      await spire.machines.node.start();
      await until(SPIRE);
      await followsChanges("a change under the SVID again");
      assert.equal(linked.states.length, before, "contact was never lost");
    });

    await test.step("an SVID whose entry is deleted is given up before it ends", async () => {
      await spire.server.unregister(entry);
      await until(SELF_SIGNED);
      await followsChanges("a change after that");
    });
  },
);

Deno.test(
  await needingPeer(
    "spire",
    "IDN-3: where the journal takes no SVIDs the node goes by a certificate of the journal's",
  ),
  async () => {
    await using spire = await openSpireSite();
    await spire.server.register({ machine: "node", path: "/pact/agent/n1" });
    await spire.nodeSvid("/pact/agent/n1");
    await using site = await openJournalSite({
      toml: { journal: { identity: { provider: "static" } } },
    });
    const macAddress = await site.register("n1", "ml");
    await declareSwappiness(await site.as(), "3");
    using linked = new Linked(site, macAddress, {
      spire: {
        socketPath: spire.machines.node.socketPath,
        spiffeId: undefined,
        retryMs: 1_000,
        federatesWith: [],
        isOptional: false,
      },
    });
    await linked.until("the declaration", ({ sysctl }) => sysctl["vm.swappiness"] === "3");
    assert.deepEqual(linked.identities.map(({ source }) => source), [SELF_SIGNED]);
  },
);
