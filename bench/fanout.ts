/**
 * Fan-out: 10,000 open subscriptions to a journal in a process of its own, over mutual TLS, one
 * commit to all of them; beside etcd with as many watch streams of one key. Time from the
 * acknowledgement to each delivery, and memory per stream. Then the price of the way agents take a
 * change: all of them ask for their boot configuration again.
 */
import {
  buildStreamLoad,
  declaration,
  type FanoutLoad,
  hasProgram,
  loadBoots,
  megabytes,
  openFanout,
  openFleet,
  residentBytes,
  startEtcd,
} from "./fleet/mod.ts";
import { waitFor } from "../tests/support/mod.ts";

const NODES = 100;
const KEY = "bench";
const AT_ONCE = 500;
const OPEN_LIMIT_MS = 60_000;
const [streams = 10_000, connections = 100, rounds = 3] = Deno.args.map(Number);

/** One contender in one round; times count from when the commit was sent. */
interface Round {
  readonly acknowledgedMs: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly lastMs: number;
  readonly bytesPerStream: number;
  readonly messageBytes: number;
}

function roundOf(
  load: FanoutLoad,
  sentMs: number,
  acknowledgedMs: number,
  bytesPerStream: number,
): Round {
  const sorted = load.delivered_ms.map((at) => at - sentMs).sort((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
  return {
    acknowledgedMs,
    medianMs: quantile(0.5),
    p99Ms: quantile(0.99),
    lastMs: quantile(1),
    bytesPerStream,
    messageBytes: load.bytes_each,
  };
}

const nowMs = () => performance.timeOrigin + performance.now();

await buildStreamLoad();
await using fleet = await openFleet(NODES);
await fleet.commit(declaration());
const target = {
  address: fleet.journal.address,
  caFile: fleet.site.caCert,
  certificates: fleet.certificates,
};
const counts = [`-streams=${streams}`, `-connections=${connections}`];

async function ofJournal(round: number): Promise<Round> {
  const { pid } = fleet.journal;
  const before = residentBytes(pid);
  const next = await fleet.metric("pact_journal_entries_total");
  const open = await openFanout(target, [...counts, `-from=${next}`]);
  try {
    await waitFor(
      async () => await fleet.metric("pact_journal_subscriptions_active") === streams,
      { what: `${streams} subscriptions`, timeoutMs: OPEN_LIMIT_MS },
    );
    const bytes = (residentBytes(pid) - before) / streams;
    const sentMs = nowMs();
    await fleet.commit({ kernel: [{ action: "Modify", key: "vm.swappiness", value: `${round}` }] });
    const acknowledgedMs = nowMs() - sentMs;
    return roundOf(await open.result, sentMs, acknowledgedMs, bytes);
  } finally {
    open.kill();
  }
}

async function ofEtcd(round: number): Promise<Round> {
  await using etcd = await startEtcd(fleet);
  const base = `https://${etcd.address}/v3/kv/put`;
  const { directory } = fleet.certificates;
  using client = Deno.createHttpClient({
    caCerts: [await Deno.readTextFile(fleet.site.caCert)],
    cert: await Deno.readTextFile(`${directory}/0.crt`),
    key: await Deno.readTextFile(`${directory}/0.key`),
  });
  const put = async (value: string) => {
    const body = JSON.stringify({ key: btoa(KEY), value: btoa(value) });
    const answer = await fetch(base, { method: "POST", body, client });
    await answer.text();
  };
  await put("first");
  const before = residentBytes(etcd.pid);
  const open = await openFanout({ ...target, address: etcd.address }, [
    ...counts,
    `-etcd-key=${KEY}`,
  ]);
  try {
    const bytes = (residentBytes(etcd.pid) - before) / streams;
    const sentMs = nowMs();
    await put(`${round}`.padEnd(messageBytes, "x"));
    const acknowledgedMs = nowMs() - sentMs;
    return roundOf(await open.result, sentMs, acknowledgedMs, bytes);
  } finally {
    open.kill();
  }
}

/** The value written to etcd is as long as what the journal sends, once that is known. */
let messageBytes = 300;
const results = new Map<string, Round[]>();
const withEtcd = await hasProgram("etcd", "etcd-server");
for (let round = 1; round <= rounds; round++) {
  const own = await ofJournal(round);
  messageBytes = own.messageBytes;
  note("journal", own);
  if (withEtcd) note("etcd", await ofEtcd(round));
}

function note(name: string, round: Round): void {
  results.set(name, [...results.get(name) ?? [], round]);
  console.error(`round of ${name}: ${lineOf([round])}`);
}

/** Medians of the times, the most of the memory. */
function lineOf(all: readonly Round[]): string {
  const median = (pick: (round: Round) => number) =>
    (all.map(pick).sort((a, b) => a - b)[all.length >> 1] ?? NaN).toFixed(0);
  const bytes = Math.max(...all.map((each) => each.bytesPerStream));
  return `acknowledged after ${median((each) => each.acknowledgedMs)} ms, delivered to half after ${
    median((each) => each.medianMs)
  } ms, to 99 % after ${median((each) => each.p99Ms)} ms, to the last after ${
    median((each) => each.lastMs)
  } ms; ${(bytes / 1000).toFixed(1)} KB a stream`;
}

console.log(
  `one commit to ${streams} streams on ${connections} connections, medians of ${rounds} rounds`,
);
for (const [name, all] of results) console.log(`  ${name.padEnd(8)} ${lineOf(all)}`);

for (const [title, flags] of [["overlay changed", []], ["overlay held", ["-held"]]] as const) {
  const load = await loadBoots(target, [
    `-streams=${streams}`,
    `-at-once=${AT_ONCE}`,
    "-keep",
    ...flags,
  ]);
  console.log(
    `${streams} nodes asking again, ${title}: ${load.seconds.toFixed(1)} s, ${
      load.per_second.toFixed(0)
    }/s, ${megabytes(load.bytes_each * streams)}`,
  );
}
