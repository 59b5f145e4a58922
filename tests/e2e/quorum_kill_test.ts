/**
 * Three real journals that are killed, frozen and cut off from power at random moments, under load.
 * `deno task test:kills` does it a thousand times.
 */
import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import {
  assertOneLog,
  ObservedClients,
  openQuorumSite,
  type QuorumSite,
} from "../support/quorum/mod.ts";
import { seededRandom } from "../support/site/mod.ts";

const SEED = Number(Deno.env.get("PACT_SEED") ?? 20_261_123);
const KILLS = Number(Deno.env.get("PACT_KILLS") ?? 200);

const CLIENTS = 4;
/** Longest pause between two faults; most are much shorter. */
const PAUSE_MAX_MS = 1_200;
/** After so many faults everybody gets to write, or no write would ever come through. */
const REST_EVERY = 10;
const REST_WRITES = 12;
const FREEZE_MAX_MS = 2_500;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test(`demand 10, ACC-3: ${KILLS} faults of three journals, mostly kill -9: what was acknowledged is there, once, in one order`, async () => {
  const random = seededRandom(SEED);
  await using site = await openQuorumSite();
  await site.startAll();
  const clients = new ObservedClients(site, seededRandom(SEED + 1));
  const enough = new AbortController();
  const load = Promise.all(
    Array.from({ length: CLIENTS }, (_, at) => clients.run(`client ${at}`, enough.signal)),
  );
  load.catch(() => enough.abort());
  for (let fault = 0; fault < KILLS && !enough.signal.aborted; fault++) {
    await doHarm(site, random);
    await pause(random() ** 2 * PAUSE_MAX_MS);
    if (fault % REST_EVERY !== REST_EVERY - 1) continue;
    const before = clients.acknowledged.size;
    await waitFor(
      () => enough.signal.aborted || clients.acknowledged.size >= before + REST_WRITES,
      {
        what: `writes after ${fault + 1} faults, seed ${SEED}\n${site.logs()}`,
        timeoutMs: 60_000,
      },
    );
  }
  enough.abort();
  await load;
  await assertOneLog(site, clients, SEED);
  assert.ok(clients.acknowledged.size >= KILLS, `${clients.acknowledged.size} writes`);
});

/** One fault: a member killed and started again, the leader frozen for a while, or a power cut. */
async function doHarm(site: QuorumSite, random: () => number): Promise<void> {
  const kind = random();
  const ids = site.runningIds;
  const any = ids[Math.floor(random() * ids.length)] ?? 1;
  if (kind < 0.04) {
    await Promise.all(ids.map((id) => site.stop(id, "SIGKILL")));
    await Promise.all(ids.map((id) => site.launch(id)));
    return;
  }
  if (kind < 0.1) {
    site.signal(any, "SIGSTOP");
    await pause(random() * FREEZE_MAX_MS);
    site.signal(any, "SIGCONT");
    return;
  }
  const leader = kind < 0.4 ? await leaderNow(site) : undefined;
  const victim = leader ?? any;
  await site.stop(victim, "SIGKILL");
  await site.launch(victim);
}

async function leaderNow(site: QuorumSite): Promise<number | undefined> {
  for (const id of site.runningIds) {
    if ((await site.health(id))?.role === "leader") return id;
  }
  return undefined;
}
