/**
 * Durable appends: entries through the journal's replica (validated, applied, logged with group
 * commit) beside records appended to a plain file with fdatasync after each batch of the same size.
 */

import { openReplica } from "../journal/replica/mod.ts";
import { systemClock } from "../common/clock/mod.ts";
import { alternate, type Contender, printRatios } from "./rounds.ts";

const WRITERS = 64;
const PER_WRITER = 50;
const VALUE_BYTES = 512;
const ROUNDS = 5;

const AUTHOR = {
  principal: "bench",
  principal_type: "Human",
  role: "pact-platform-admin",
} as const;
const message = "x".repeat(VALUE_BYTES);

const directory = await Deno.makeTempDir({ prefix: "pact-bench-" });
const replica = await openReplica({
  dataDir: `${directory}/journal`,
  clock: systemClock,
  random: Math.random,
});

const journal: Contender = {
  name: `journal replica, ${WRITERS} writers`,
  run: async () => {
    await Promise.all(Array.from({ length: WRITERS }, async () => {
      for (let count = 0; count < PER_WRITER; count++) {
        await replica.submit({
          type: "AppendEntry",
          entry: { entry_type: "Commit", scope: { VCluster: "bench" }, author: AUTHOR, message },
        }, { actor: AUTHOR });
      }
    }));
    return WRITERS * PER_WRITER;
  },
};

const plainFile: Contender = {
  name: `plain file, fdatasync per ${WRITERS} records`,
  run: async () => {
    const file = await Deno.open(`${directory}/plain.log`, {
      write: true,
      append: true,
      create: true,
    });
    const batch = new TextEncoder().encode(`${message}\n`.repeat(WRITERS));
    for (let count = 0; count < PER_WRITER; count++) {
      await file.write(batch);
      await file.syncData();
    }
    file.close();
    return WRITERS * PER_WRITER;
  },
};

try {
  printRatios(
    `durable appends of ${VALUE_BYTES} bytes, medians of ${ROUNDS} rounds`,
    await alternate([journal, plainFile], ROUNDS),
  );
} finally {
  await replica.close();
  await Deno.remove(directory, { recursive: true });
}
