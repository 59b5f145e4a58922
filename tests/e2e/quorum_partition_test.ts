/**
 * Three real journals in network namespaces of their own, whose ways to each other are cut while
 * clients go on talking to all of them.
 */
import assert from "node:assert/strict";
import { needing, waitFor } from "../support/mod.ts";
import {
  assertOneLog,
  canMakeNamespaces,
  type Namespaces,
  ObservedClients,
  openNamespaces,
  openQuorumSite,
} from "../support/quorum/mod.ts";
import { seededRandom } from "../support/site/mod.ts";

const SEED = Number(Deno.env.get("PACT_SEED") ?? 20_261_124);
const ROUNDS = 16;
const CLIENTS = 4;
const MEMBERS = 3;
/** How long a cut lasts at most; well beyond an election. */
const CUT_MAX_MS = 4_000;
const WHOLE_MAX_MS = 1_500;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const isPossible = await canMakeNamespaces();

Deno.test({
  ...needing(
    isPossible,
    "root and network namespaces",
    `demand 10, JRN-60: ${ROUNDS} partitions of three journals, whole, between two and one way: clients see one log`,
  ),
  fn: async () => {
    const random = seededRandom(SEED);
    await using network = await openNamespaces(MEMBERS);
    await using site = await openQuorumSite({ size: MEMBERS, hosts: network });
    await site.startAll();
    const clients = new ObservedClients(site, seededRandom(SEED + 1));
    const enough = new AbortController();
    const load = Promise.all(
      Array.from({ length: CLIENTS }, (_, at) => clients.run(`client ${at}`, enough.signal)),
    );
    load.catch(() => enough.abort());
    for (let round = 0; round < ROUNDS && !enough.signal.aborted; round++) {
      await cutSomething(network, await site.leader(), random);
      await pause(random() * CUT_MAX_MS);
      await network.heal();
      await pause(random() * WHOLE_MAX_MS);
    }
    const before = clients.acknowledged.size;
    await waitFor(() => enough.signal.aborted || clients.acknowledged.size > before + CLIENTS, {
      what: `writes after the last cut\n${site.logs()}`,
      timeoutMs: 30_000,
    });
    enough.abort();
    await load;
    await assertOneLog(site, clients, SEED);
    assert.ok(clients.acknowledged.size > ROUNDS, `${clients.acknowledged.size} writes`);
  },
});

async function cutSomething(
  network: Namespaces,
  leader: number,
  random: () => number,
): Promise<void> {
  const any = 1 + Math.floor(random() * MEMBERS);
  const other = 1 + (any + Math.floor(random() * (MEMBERS - 1))) % MEMBERS;
  const kind = random();
  if (kind < 0.4) await network.isolate(leader);
  else if (kind < 0.6) await network.isolate(any);
  else {
    await network.cut(any, other);
    // Half of these are one way: the one hears the other and is not heard.
    if (kind < 0.8) await network.cut(other, any);
  }
}

Deno.test({
  ...needing(
    isPossible,
    "root and network namespaces",
    "section 17: a leader that is cut off is followed by another within 5 s, and shows no stale read",
  ),
  fn: async () => {
    await using network = await openNamespaces(MEMBERS);
    await using site = await openQuorumSite({ size: MEMBERS, hosts: network });
    await site.startAll();
    const old = await site.leader();
    await network.isolate(old);
    const atMs = performance.now();
    const next = await site.leader(site.runningIds.filter((id) => id !== old));
    assert.ok(performance.now() - atMs < 5_000, "failover takes less than 5 s");
    using there = await site.dial(next);
    const { sequence } = await there.config.appendEntry({
      entry: { entryType: 1, message: "new" },
    });
    using here = await site.dial(old);
    const headers = { "x-pact-consistency": "linearizable" };
    await assert.rejects(here.config.getEntry({ sequence }, { headers }), /no (leader|quorum)/);
    await network.heal();
    await waitFor(
      async () => (await here.config.getEntry({ sequence }, { headers })).message === "new",
      {
        what: "the old leader to follow",
        timeoutMs: 20_000,
      },
    );
  },
});
