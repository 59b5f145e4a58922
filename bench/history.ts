/**
 * A long history: a journal that has taken a million entries of 10,000 nodes is started as an admin
 * starts it. How long that takes, what it keeps in memory, and whether it still finds the first
 * entry, boots a node and takes another change.
 */
import { createClient } from "@connectrpc/connect";
import { config, journal, stream } from "../api/mod.ts";
import { openSite } from "../tests/support/site/mod.ts";
import { feedHistory } from "../tests/support/journal/mod.ts";
import { megabytes, residentBytes, watchMemory } from "./fleet/mod.ts";

const ADMIN = "ann";
const MAX_RESIDENT_BYTES = 2 * 1024 ** 3;
const [entries = 1_000_000] = Deno.args.map(Number);

/** Runs `work` and says how long it took. */
async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const beganMs = performance.now();
  const result = await work();
  console.log(`  ${what}: ${(performance.now() - beganMs).toFixed(0)} ms`);
  return result;
}

await using site = await openSite({ prefix: "pact-bench-" });
console.log(`a history of ${entries} entries`);
await timed("written", () => feedHistory(site.journalDataDirectory, entries));
const { pid } = await timed("journal started", () => site.startJournal());
const memory = watchMemory(pid);
console.log(`  resident after the start: ${megabytes(residentBytes(pid))}`);
await site.addPerson({ name: ADMIN, role: "pact-platform-admin" });

const first = await timed("pact log finds the first entry", () => {
  return site.pact(ADMIN, ["log", "--oldest-first", "-n", "1", "--scope", "vc:vc0"]);
});
if (!first.stdout.includes("entry 0")) throw new Error(`not the first entry: ${first.stdout}`);
const admin = await site.connect(ADMIN);
const configuration = createClient(journal.ConfigService, admin);
await timed("the first entry by its sequence", () => configuration.getEntry({ sequence: 0n }));
await timed("boot stream of a vCluster", async () => {
  const boot = createClient(stream.BootConfigService, admin);
  for await (const _chunk of boot.streamBootConfig({ vclusterId: "vc0" }));
});
await timed("one more entry", () =>
  configuration.appendEntry({
    entry: {
      entryType: config.EntryType.COMMIT,
      scope: { scope: { case: "vclusterId", value: "vc0" } },
      message: "one more",
    },
  }));
admin.close();
const most = memory.stop();
console.log(`  resident at most: ${megabytes(most)}`);
if (most > MAX_RESIDENT_BYTES) throw new Error(`more than ${megabytes(MAX_RESIDENT_BYTES)}`);
