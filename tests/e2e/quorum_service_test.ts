/**
 * What nodes, admins and monitoring see of three real journals, whichever one they talk to.
 */
import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { enrollment, journal, stream } from "../../api/mod.ts";
import { createRpcTransport } from "../../common/rpc/mod.ts";
import { createKeyAndCsr } from "../../common/tls/mod.ts";
import { repositoryRoot, runDeno, tempDir, waitFor, within } from "../support/mod.ts";
import {
  assertOneLog,
  entryOf,
  ObservedClients,
  onBothEngines,
  type QuorumSite,
} from "../support/quorum/mod.ts";
import { seededRandom } from "../support/site/mod.ts";

const MAC = "02:00:00:00:00:01";

/** Enrols a registered machine at a member; what it calls other members with. */
async function enrollAt(site: QuorumSite, id: number) {
  const { csrDer, keyPem } = createKeyAndCsr("node-1");
  using stranger = createRpcTransport({
    endpoint: `https://${site.place(id).api}`,
    caPem: site.caPem,
  });
  const { signedCert, certSerial } = await createClient(enrollment.EnrollmentService, stranger)
    .enroll({ hardwareIdentity: { macAddress: MAC }, csr: csrDer });
  const certPem = new TextDecoder().decode(signedCert);
  return { certPem, keyPem, certSerial };
}

onBothEngines(
  "CRT-1, CRT-6, ACC-8: a node enrolled at one journal is known at every other, and revoked at all within 5 s",
  async (openSite) => {
    await using site = await openSite();
    await site.startAll();
    using first = await site.dial(1);
    await first.enrollment.registerNode({
      nodeId: "node-1",
      hardwareIdentity: { macAddress: MAC },
      vclusterId: "demo",
    });
    await first.config.appendEntry({
      entry: { entryType: 1, scope: { scope: { case: "vclusterId", value: "demo" } } },
    });
    const { certPem, keyPem } = await waitFor(() => enrollAt(site, 2), {
      what: "the registration to reach member 2",
    });
    const transports = site.runningIds.map((id) =>
      createRpcTransport({
        endpoint: `https://${site.place(id).api}`,
        caPem: site.caPem,
        certPem,
        keyPem,
      })
    );
    using _ = { [Symbol.dispose]: () => transports.forEach((transport) => transport.close()) };
    for (const transport of transports) {
      const fleet = createClient(journal.FleetService, transport);
      await waitFor(
        () => fleet.reportNodeState({ nodeId: "node-1", configState: "Committed" }),
        { what: "the CA of member 2 to be trusted everywhere", timeoutMs: 10_000 },
      );
    }
    // Each journal streams to it; the stream ends there when it is revoked anywhere.
    const ends = transports.map(async (transport) => {
      const updates = createClient(stream.BootConfigService, transport)
        .subscribeConfigUpdates({ nodeId: "node-1", vclusterId: "demo", fromSequence: 0n });
      try {
        for await (const _update of updates);
        return "ended";
      } catch (error) {
        return String(error);
      }
    });
    using third = await site.dial(3);
    await third.enrollment.decommissionNode({ nodeId: "node-1", force: true });
    for (const end of ends) {
      assert.match(
        await within(end, { what: "the end of the stream" }),
        /NODE_REVOKED|revoked/,
      );
    }
  },
);

onBothEngines(
  "DEP-91: journals are restarted one after the other under load, and clients notice nothing but a retry",
  async (openSite) => {
    await using site = await openSite();
    await site.startAll();
    const clients = new ObservedClients(site, seededRandom(5));
    const enough = new AbortController();
    const load = Promise.all([0, 1, 2].map((at) => clients.run(`client ${at}`, enough.signal)));
    load.catch(() => enough.abort());
    const leader = await site.leader();
    const order = [...site.runningIds.filter((id) => id !== leader), leader];
    for (const id of order) {
      const { code, stderr } = await site.stop(id);
      assert.equal(code, 0, stderr);
      await site.start(id);
      await waitFor(async () => (await site.health(id))?.status === "healthy", {
        what: `member ${id} to be healthy again`,
        timeoutMs: 20_000,
      });
    }
    enough.abort();
    await load;
    await assertOneLog(site, clients, 5);
  },
);

onBothEngines(
  "journal.md 14.2: every journal tells the same leader and term, one says that it is, and lag is counted at each",
  async (openSite) => {
    await using site = await openSite();
    await site.startAll();
    using clients = await site.dial(1);
    for (let count = 0; count < 20; count++) {
      await clients.config.appendEntry(entryOf(`m${count}`));
    }
    const leader = await site.leader();
    const peers = site.runningIds.filter((id) => id !== leader);
    const matchOf = (id: number) => `pact_raft_peer_match_index{peer="${id}"}`;
    const scrapes = await waitFor(async () => {
      const all = await Promise.all(site.runningIds.map((id) => scrape(site, id)));
      const isEven = all.every((values) => values.get("pact_raft_replication_lag") === 0);
      const atLeader = all[site.runningIds.indexOf(leader)];
      const isKnown = peers.every((id) => (atLeader?.get(matchOf(id)) ?? 0) >= 20);
      return isEven && isKnown ? all : undefined;
    }, { what: "every member to have all of the log, and the leader to know it" });
    const of = (name: string) => scrapes.map((values) => values.get(name));
    assert.deepEqual(of("pact_raft_leader"), [leader, leader, leader]);
    assert.equal(new Set(of("pact_raft_term")).size, 1);
    assert.deepEqual(of("pact_raft_is_leader").toSorted(), [0, 0, 1]);
    for (const values of scrapes) {
      assert.ok((values.get("pact_raft_log_entries") ?? 0) >= 20);
      assert.ok((values.get("pact_raft_log_bytes") ?? 0) > 1_000);
    }
    assert.ok(of("pact_raft_elections_total").some((count) => (count ?? 0) > 0));

    // A member that is away falls behind, as the leader sees it.
    const away = peers[0] ?? 0;
    site.signal(away, "SIGSTOP");
    using there = await site.dial(leader);
    for (let count = 0; count < 10; count++) {
      await there.config.appendEntry(entryOf(`without ${count}`));
    }
    const { members, commitIndex } = await there.fleet.getClusterStatus({});
    site.signal(away, "SIGCONT");
    const behind = members.find(({ id }) => Number(id) === away);
    assert.ok((behind?.matchIndex ?? 0n) <= commitIndex - 10n);
  },
);

onBothEngines(
  "CLI-55, DEP-92: pact shows and changes the quorum through whichever journal answers",
  async (openSite) => {
    await using site = await openSite();
    await using home = await tempDir();
    await site.startAll();
    await Deno.writeTextFile(home.file("ca.crt"), site.caPem);
    const leader = await site.leader();
    const [away = 0, next = 0] = site.runningIds.filter((id) => id !== leader);
    await site.stop(away, "SIGKILL");
    const token = await site.token();
    const pact = (...args: string[]) =>
      runDeno({
        module: `${repositoryRoot}cli/main.ts`,
        flags: ["--quiet", "-P=cli"],
        args,
        env: {
          HOME: home.path,
          PACT_ENDPOINT: [away, next].map((id) => `https://${site.place(id).api}`).join(","),
          PACT_CA_FILE: home.file("ca.crt"),
          PACT_TOKEN: token,
          DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
        },
        clearEnv: true,
      });
    const shown = await pact("cluster");
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, new RegExp(`^Leader: +${leader} \\(127`, "m"));
    assert.match(shown.stdout, new RegExp(`^${away} .* unreachable `, "m"));
    const moved = await pact("cluster", "transfer", String(next), "--yes", "--output", "json");
    assert.equal(moved.code, 0, moved.stderr);
    assert.equal(JSON.parse(moved.stdout).leader_id, next);
    const removed = await pact("cluster", "remove-member", String(leader), "--yes");
    assert.equal(removed.code, 1);
    assert.match(removed.stderr, /2 voters, 1 of them can be reached and 2 are needed/);
  },
);

/** Series of a member by name and labels. */
async function scrape(site: QuorumSite, id: number): Promise<Map<string, number>> {
  const response = await fetch(`http://${site.place(id).metrics}/metrics`);
  const lines = (await response.text()).split("\n").filter((line) => /^pact_/.test(line));
  return new Map(lines.map((line): [string, number] => {
    const at = line.lastIndexOf(" ");
    return [line.slice(0, at), Number(line.slice(at + 1))];
  }));
}
