/**
 * Boot streams: a journal in a process of its own serves an overlay of 200 KB over mutual TLS, 500
 * nodes at a time, beside nginx serving the same compressed bytes to the same client. Nodes come with
 * a connection and a full handshake of their own, as machines do that are switched on; and, for the
 * cost of the streams alone, over connections that are kept.
 */
import {
  buildStreamLoad,
  declaration,
  hasProgram,
  loadBoots,
  megabytes,
  openFleet,
  residentBytes,
  startNginx,
  watchMemory,
} from "./fleet/mod.ts";
import { alternate, type Contender, printRatios } from "./rounds.ts";

const NODES = 200;
const AT_ONCE = 500;
const [streams = 10_000, rounds = 3] = Deno.args.map(Number);

await buildStreamLoad();
await using fleet = await openFleet(NODES);
await fleet.commit(declaration());
const overlay = await fleet.compressedOverlay();
console.log(
  `overlay: ${overlay.length} bytes compressed, ${streams} streams, ${AT_ONCE} at a time`,
);

const { certificates } = fleet;
const caFile = fleet.site.caCert;
const ofJournal = { address: fleet.journal.address, caFile, certificates };
const peer = await hasProgram("nginx", "nginx") ? await startNginx(fleet, overlay) : undefined;

/** Streams of the journal and downloads of the peer, under the same flags. */
function contenders(title: string, flags: readonly string[]): Contender[] {
  const counts = [`-streams=${streams}`, `-at-once=${AT_ONCE}`, ...flags];
  const run = async (target: typeof ofJournal, more: readonly string[]) => {
    const load = await loadBoots(target, [...counts, ...more]);
    console.error(`  ${title}: ${load.per_second.toFixed(0)}/s, p99 ${load.p99_ms.toFixed(0)} ms`);
    return load.streams;
  };
  const journal: Contender = { name: `journal, ${title}`, run: () => run(ofJournal, []) };
  if (peer === undefined) return [journal];
  const target = { address: peer.address, caFile, certificates };
  return [journal, { name: `nginx, ${title}`, run: () => run(target, ["-get=/overlay"]) }];
}

const { pid } = fleet.journal;
// One small round first: what a process needs once is not what streams need.
await loadBoots(ofJournal, [`-streams=${AT_ONCE}`, `-at-once=${AT_ONCE}`]);
const before = residentBytes(pid);
const memory = watchMemory(pid);
try {
  for (
    const [title, flags] of [["a connection each", []], ["connections kept", ["-keep"]]] as const
  ) {
    printRatios(`boot streams, medians of ${rounds} rounds`, [
      ...await alternate(contenders(title, flags), rounds),
    ]);
  }
  const most = memory.stop();
  console.log(
    `journal's memory: ${megabytes(before)} before, ${megabytes(most)} at most, growth ${
      megabytes(most - before)
    }`,
  );
} finally {
  memory.stop();
  await peer?.[Symbol.asyncDispose]();
}
