/**
 * Three real journals that are killed, frozen and cut off from power at random moments, under load.
 * `deno task test:kills` does it a thousand times.
 */
import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import type { EtcdSite } from "../support/etcd/mod.ts";
import {
  assertOneLog,
  ObservedClients,
  onEtcd,
  openQuorumSite,
  type OpenSite,
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
/** Of the faults of journals on etcd, so many are etcd's. */
const ETCD_SHARE = 0.3;
const FREEZE_MAX_MS = 2_500;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** An engine of others is killed less: its own tests have done that. */
const ETCD_KILLS = Math.ceil(KILLS / 4);

Deno.test(`demand 10, ACC-3: ${KILLS} faults of three journals, mostly kill -9: what was acknowledged is there, once, in one order`, () =>
  survive(KILLS, openQuorumSite));

onEtcd(
  `demand 11: ${ETCD_KILLS} faults of three journals and of the etcd that keeps their log: what was acknowledged is there, once, in one order`,
  (openSite) => survive(ETCD_KILLS, openSite),
);

async function survive(faults: number, openSite: OpenSite): Promise<void> {
  const random = seededRandom(SEED);
  await using site = await openSite();
  await site.startAll();
  const clients = new ObservedClients(site, seededRandom(SEED + 1));
  const enough = new AbortController();
  const load = Promise.all(
    Array.from({ length: CLIENTS }, (_, at) => clients.run(`client ${at}`, enough.signal)),
  );
  load.catch(() => enough.abort());
  for (let fault = 0; fault < faults && !enough.signal.aborted; fault++) {
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
  assert.ok(clients.acknowledged.size >= faults, `${clients.acknowledged.size} writes`);
}

/** One fault: a member killed and started again, the leader frozen for a while, or a power cut. */
async function doHarm(site: QuorumSite, random: () => number): Promise<void> {
  if (site.etcd !== undefined && random() < ETCD_SHARE) return await harmEtcd(site.etcd, random);
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

/** One fault of etcd: a member killed and started again, or frozen; or the power of all cut. */
async function harmEtcd(etcd: EtcdSite, random: () => number): Promise<void> {
  const kind = random();
  const any = Math.floor(random() * etcd.size);
  const all = Array.from({ length: etcd.size }, (_, at) => at);
  if (kind < 0.4) {
    etcd.signal(any, "SIGSTOP");
    await pause(random() * FREEZE_MAX_MS);
    etcd.signal(any, "SIGCONT");
    return;
  }
  for (const at of kind < 0.5 ? all : [any]) await etcd.stop(at);
  await pause(random() * PAUSE_MAX_MS);
  for (const at of all) etcd.start(at);
}

async function leaderNow(site: QuorumSite): Promise<number | undefined> {
  for (const id of site.runningIds) {
    if ((await site.health(id))?.role === "leader") return id;
  }
  return undefined;
}
