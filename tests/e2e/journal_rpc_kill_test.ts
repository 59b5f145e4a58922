import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { config, journal } from "../../api/mod.ts";
import { callHeaders, installHttp2Guard } from "../../common/rpc/mod.ts";
import { openSite, seededRandom, type Site } from "../support/site/mod.ts";

const SEED = 20_261_122;
const KILLS = 100;
/** Callers that append at the same time. */
const CALLERS = 4;
/** The kill comes this long after the first acknowledgement at most, in milliseconds. */
const LOAD_MAX_MS = 120;

installHttp2Guard();

Deno.test("demand 12: kill -9 of the journal at 100 random moments under load loses no entry it acknowledged over RPC", async () => {
  const random = seededRandom(SEED);
  await using site = await openSite();
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  const acknowledged = new Map<bigint, string>();
  for (let kill = 0; kill < KILLS; kill++) {
    const { program } = await site.startJournal();
    for (const [sequence, message] of await appendUntilKilled(site, kill, random)) {
      assert(!acknowledged.has(sequence), `sequence ${sequence} was given out twice`);
      acknowledged.set(sequence, message);
    }
    assert.equal((await program.ended).signal, "SIGKILL", `seed ${SEED}: ${program.stderr}`);
  }
  await site.startJournal();
  const entries = await readLog(site);
  for (const [sequence, message] of acknowledged) {
    assert.equal(entries.get(sequence), message, `seed ${SEED}: entry ${sequence} is lost`);
  }
  assert(acknowledged.size >= KILLS, `only ${acknowledged.size} entries were acknowledged`);
  assert.deepEqual(
    [...entries.keys()],
    [...entries.keys()].map((_, index) => BigInt(index)),
    "the sequences have a gap",
  );
});

/** Appends from several callers until the journal is killed; what it had acknowledged. */
async function appendUntilKilled(
  site: Site,
  round: number,
  random: () => number,
): Promise<[bigint, string][]> {
  const acknowledged: [bigint, string][] = [];
  const first = Promise.withResolvers<void>();
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    using transport = await site.connect("ana");
    const service = createClient(journal.ConfigService, transport);
    try {
      for (let call = 0; call < 10_000; call++) {
        const message = `round ${round} caller ${caller} call ${call}`;
        const { sequence } = await service.appendEntry(commitOf(message), {
          headers: callHeaders({ requestId: crypto.randomUUID() }),
        });
        acknowledged.push([sequence, message]);
        first.resolve();
      }
    } catch (error) {
      // The kill: what was under way may be in the log or not.
      first.reject(error);
    }
  });
  first.promise.catch(() => {});
  await first.promise;
  await new Promise((resolve) => setTimeout(resolve, random() * LOAD_MAX_MS));
  await site.stop("journal", "SIGKILL");
  await Promise.all(callers);
  return acknowledged;
}

function commitOf(message: string) {
  return {
    entry: {
      entryType: config.EntryType.COMMIT,
      scope: { scope: { case: "vclusterId" as const, value: "demo" } },
      message,
    },
  };
}

/** Messages of the whole log by sequence. */
async function readLog(site: Site): Promise<Map<bigint, string>> {
  using transport = await site.connect("ana");
  const entries = new Map<bigint, string>();
  const service = createClient(journal.ConfigService, transport);
  for await (const entry of service.listEntries({ fromSequence: 0n, limit: 1_000_000 })) {
    entries.set(entry.sequence, entry.message);
  }
  return entries;
}
