/**
 * Writes while a snapshot is made (JRN-67): the longest time without an acknowledgement, beside the
 * same load without a snapshot, over a state of some hundred megabytes.
 */

import { systemClock } from "../common/clock/mod.ts";
import { openReplica } from "../journal/replica/mod.ts";

const STATE_MEGABYTES = 200;
const FILL_MESSAGE_BYTES = 4000;
const FILL_AT_ONCE = 256;
const WRITERS = 16;
const ROUND_MS = 3_000;
const ROUNDS = 3;

const AUTHOR = {
  principal: "bench",
  principal_type: "Human",
  role: "pact-platform-admin",
} as const;

const directory = await Deno.makeTempDir({ prefix: "pact-bench-" });
const replica = await openReplica({
  dataDir: `${directory}/journal`,
  clock: systemClock,
  random: Math.random,
});

function append(message: string): Promise<unknown> {
  const entry = { entry_type: "Commit", scope: "Global", author: AUTHOR, message } as const;
  return replica.submit({ type: "AppendEntry", entry }, { actor: AUTHOR });
}

async function fill(): Promise<void> {
  const message = "x".repeat(FILL_MESSAGE_BYTES);
  const count = Math.ceil(STATE_MEGABYTES * 1_000_000 / FILL_MESSAGE_BYTES);
  for (let written = 0; written < count; written += FILL_AT_ONCE) {
    await Promise.all(Array.from({ length: FILL_AT_ONCE }, () => append(message)));
    if (written % (40 * FILL_AT_ONCE) === 0) console.error(`filling: ${written} of ${count}`);
  }
}

/** Writes for a while; the longest time between two acknowledgements. */
async function longestPauseMs(meanwhile: () => Promise<unknown>): Promise<number> {
  const endMs = performance.now() + ROUND_MS;
  let isBusy = true;
  const other = meanwhile().finally(() => isBusy = false);
  let acknowledgedMs = performance.now();
  let longestMs = 0;
  await Promise.all(Array.from({ length: WRITERS }, async () => {
    while (isBusy || performance.now() < endMs) {
      await append("y".repeat(512));
      longestMs = Math.max(longestMs, performance.now() - acknowledgedMs);
      acknowledgedMs = performance.now();
    }
  }));
  await other;
  return longestMs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

try {
  await fill();
  const megabytes = (await Deno.stat(`${directory}/journal/state.db`)).size / 1_000_000;
  const quiet: number[] = [];
  const busy: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    console.error(`round ${round} of ${ROUNDS}`);
    quiet.push(await longestPauseMs(() => Promise.resolve()));
    busy.push(await longestPauseMs(() => replica.makeSnapshot()));
  }
  const [busyMs, quietMs] = [median(busy), median(quiet)];
  const addedMs = Math.max(0, busyMs - quietMs) / megabytes * 100;
  console.log(
    `longest time without an acknowledgement, state of ${megabytes.toFixed(0)} MB, ` +
      `${WRITERS} writers, medians of ${ROUNDS} rounds\n` +
      `  while a snapshot is made  ${busyMs.toFixed(0).padStart(6)} ms  ` +
      `${(busyMs / quietMs).toFixed(2)}x, ${addedMs.toFixed(0)} ms more per 100 MB (50 allowed)\n` +
      `  otherwise                 ${quietMs.toFixed(0).padStart(6)} ms`,
  );
} finally {
  await replica.close();
  await Deno.remove(directory, { recursive: true });
}
