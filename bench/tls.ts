/**
 * TLS: a journal's own listener beside nginx as a TLS proxy in front of a journal in cleartext. The
 * same certificate (ECDSA P-256), TLS 1.3 alone, X25519, client certificates demanded and verified,
 * HTTP/2, no session resumed, one worker each, in alternation on loopback. First full handshakes up to
 * the server's first frame, then unary gRPC calls, each authenticated by token and authorised by
 * role, over connections that are made by such handshakes.
 *
 * Options: --rounds=5 --seconds=5 --handshakes=16 (at once) --calls=64 (at once, 8 a connection).
 */
import { parseArgs } from "node:util";
import {
  buildTlsLoad,
  enrollNode,
  type Load,
  makeIdentities,
  type Outcome,
  runTlsLoad,
  startJournal,
  startNginx,
} from "./tls/mod.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "5" },
    handshakes: { type: "string", default: "16" },
    calls: { type: "string", default: "64" },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const loads: readonly Load[] = [
  { mode: "handshake", clients: Number(values.handshakes), seconds },
  { mode: "call", clients: Number(values.calls), seconds },
];

function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Prints the medians of both with pact's as a multiple of nginx's. */
function print({ mode, clients }: Load, pact: readonly Outcome[], nginx: readonly Outcome[]): void {
  const what = mode === "handshake" ? "mutual TLS handshakes" : "authorised unary calls";
  console.log(`\n${what}, ${clients} at once; medians of ${rounds} rounds of ${seconds} s`);
  const rows = [
    ["a second", "perSecond"],
    ["p50, ms", "p50Ms"],
    ["p99, ms", "p99Ms"],
    ["processor time each, µs", "processorMicros"],
  ] as const;
  console.log(`  ${"".padEnd(24)} ${"pact".padStart(9)} ${"nginx".padStart(9)}  ratio`);
  for (const [name, key] of rows) {
    const [ours, theirs] = [pact, nginx].map((outcomes) => median(outcomes.map((o) => o[key])));
    if (ours === undefined || theirs === undefined) continue;
    const cells = [ours, theirs].map((figure) => figure.toFixed(1).padStart(9)).join(" ");
    console.log(`  ${name.padEnd(24)} ${cells}  ${(ours / theirs).toFixed(2)}x`);
  }
}

async function main(): Promise<void> {
  if (!await buildTlsLoad()) return;
  const directory = await Deno.makeTempDir({ prefix: "pact-bench-tls-" });
  await using owned = new AsyncDisposableStack();
  owned.defer(() => Deno.remove(directory, { recursive: true }));
  const identities = await makeIdentities(directory);
  const own = owned.use(await startJournal(identities, "on"));
  const behind = owned.use(await startJournal(identities, "off"));
  const client = await enrollNode(identities, own);
  const proxy = owned.use(await startNginx(identities, behind.address));
  const pact = { address: own.address, pids: [own.pid] };
  const nginx = { address: proxy.address, pids: [proxy.pid, behind.pid] };
  for (const load of loads) {
    const outcomes = { pact: [] as Outcome[], nginx: [] as Outcome[] };
    for (let round = 1; round <= rounds; round++) {
      const turns = [["pact", pact], ["nginx", nginx]] as const;
      for (const [name, server] of round % 2 === 0 ? turns.toReversed() : turns) {
        const outcome = await runTlsLoad(identities, client, server, load);
        outcomes[name].push(outcome);
        console.error(
          `${load.mode}, round ${round}: ${name} ${outcome.perSecond.toFixed(0)} a second`,
        );
      }
    }
    print(load, outcomes.pact, outcomes.nginx);
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
  console.log(`${error.message}: apt-get install nginx-light`);
}
