/**
 * Writes: three members of etcd and three of pact on loopback, fsync on, the same load on each in
 * turn: unary HTTP/JSON, then gRPC, from 1 to 256 clients in a closed loop. A write to etcd puts a
 * new key with a value of 512 bytes; a write to pact is a Commit to a vCluster with a message of 512
 * bytes: authorised, logged, chained, recorded in the audit trail, stored, and taken into the
 * vCluster's overlay.
 *
 * Options: --members=3 --rounds=3 --seconds=5 --clients=1,16,64,256 --protocols=http-json,grpc
 * --to=all (or leader, or both) --etcd-peers=mtls (or cleartext: pact's members always speak mutual
 * TLS) --warm-up=15 seconds of load on each cluster before its first round,
 * because members run for months and a just-in-time compiler needs some ten thousand writes.
 */
import { parseArgs } from "node:util";
import {
  buildLoad,
  type Cluster,
  type LoadPlan,
  type LoadResult,
  printTable,
  PROTOCOLS,
  type Row,
  runLoad,
  startEtcdCluster,
  startPactCluster,
} from "./writes/mod.ts";

const VALUE_BYTES = 512;
const SETTLE_MS = 1_000;

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    members: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "5" },
    clients: { type: "string", default: "1,16,64,256" },
    protocols: { type: "string", default: PROTOCOLS.join(",") },
    to: { type: "string", default: "all" },
    "etcd-peers": { type: "string", default: "mtls" },
    "warm-up": { type: "string", default: "15" },
  },
});
const members = Number(options.members);
const rounds = Number(options.rounds);
const loads = options.clients.split(",").map(Number);
const protocols = PROTOCOLS.filter((protocol) => options.protocols.split(",").includes(protocol));
const etcdPeers = options["etcd-peers"] === "cleartext" ? "cleartext" : "mtls";
const ways = (["all", "leader"] as const).filter((way) =>
  options.to === way || options.to === "both"
);

/** Runs one load on both clusters in turn, so that other work on the machine meets both alike. */
async function row(
  contenders: readonly Cluster[],
  way: "all" | "leader",
  plan: LoadPlan,
): Promise<Row> {
  const results = { pact: [] as LoadResult[], etcd: [] as LoadResult[] };
  for (let round = 1; round <= rounds; round++) {
    for (const cluster of round % 2 === 0 ? contenders.toReversed() : contenders) {
      const endpoints = way === "leader" ? [await cluster.leader()] : cluster.endpoints;
      const result = await runLoad(cluster, endpoints, plan);
      results[cluster.name].push(result);
      console.error(
        `${plan.protocol}, ${plan.clients} clients, round ${round}: ${cluster.name} ` +
          `${result.per_second.toFixed(0)}/s, p50 ${result.p50_ms} ms, p99 ${result.p99_ms} ms`,
      );
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
  }
  return { clients: plan.clients, ...results };
}

/** Loads every member with what is measured later. */
async function warmUp(cluster: Cluster, protocol: LoadPlan["protocol"]): Promise<void> {
  const seconds = Number(options["warm-up"]);
  if (seconds === 0) return;
  console.error(`${protocol}: ${cluster.name} warms up for ${seconds} s`);
  const clients = Math.max(...loads);
  await runLoad(cluster, cluster.endpoints, {
    protocol,
    clients,
    valueBytes: VALUE_BYTES,
    warmUpSeconds: 0,
    seconds,
  });
}

async function compare(directory: string): Promise<void> {
  await using etcd = await startEtcdCluster(`${directory}/etcd`, members, etcdPeers);
  await using pact = await startPactCluster(`${directory}/pact`, members);
  for (const protocol of protocols) {
    for (const cluster of [etcd, pact]) await warmUp(cluster, protocol);
    for (const way of ways) {
      const rows: Row[] = [];
      for (const clients of loads) {
        rows.push(
          await row([etcd, pact], way, {
            protocol,
            clients,
            valueBytes: VALUE_BYTES,
            warmUpSeconds: 1,
            seconds: Number(options.seconds),
          }),
        );
      }
      const target = way === "all" ? "clients spread over all members" : "clients at the leader";
      printTable(
        `${protocol}, ${members} members, ${target}, medians of ${rounds} rounds`,
        rows,
      );
    }
  }
}

if (await buildLoad()) {
  const directory = await Deno.makeTempDir({ prefix: "pact-bench-" });
  try {
    await compare(directory);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("without etcd, which pact is measured beside: apt-get install etcd-server");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
