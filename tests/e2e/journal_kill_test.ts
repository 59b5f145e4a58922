import assert from "node:assert/strict";
import { systemClock } from "../../common/clock/mod.ts";
import { openReplica } from "../../journal/replica/mod.ts";
import { spawnDeno, tempDir } from "../support/mod.ts";

/** Series of kills, each on a data directory of its own, so that starting stays quick. */
const SERIES = 4;
const KILLS_PER_SERIES = 25;
const SEED = 20_261_121;

/** Longest time under load before the kill, in milliseconds. */
const LOAD_MAX_MS = 80;

/** Every fifth kill comes while the journal still starts and replays, this long after the fork. */
const START_MAX_MS = 500;

/** Repeatable random numbers in [0, 1): mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs the load on `dataDir` until it is killed; what it had acknowledged by then. */
async function killUnderLoad(
  dataDir: string,
  run: number,
  random: () => number,
): Promise<[sequence: number, token: string][]> {
  await using child = spawnDeno({
    module: new URL("../support/journal/append_under_load.ts", import.meta.url),
    flags: ["-P=test"],
    args: [dataDir, `run${run}`],
  });
  if (run % 5 === 4) {
    await pause(random() * START_MAX_MS);
  } else {
    await child.waitForOutput(/^acknowledged/m);
    await pause(random() * LOAD_MAX_MS);
  }
  child.kill("SIGKILL");
  const { stdout, stderr, signal } = await child.ended;
  assert.equal(signal, "SIGKILL", `the journal ended by itself: ${stderr}`);
  const complete = stdout.slice(0, stdout.lastIndexOf("\n") + 1);
  return [...complete.matchAll(/^acknowledged (\d+) (\S+)$/gm)].map(
    ([, sequence, token = ""]) => [Number(sequence), token],
  );
}

/** Kills the journal on one directory again and again; how many entries were acknowledged. */
async function series(random: () => number): Promise<number> {
  await using dir = await tempDir();
  const acknowledged = new Map<number, string>();
  for (let run = 0; run < KILLS_PER_SERIES; run++) {
    const taken = await killUnderLoad(dir.path, run, random);
    for (const [sequence, token] of taken) {
      assert.ok(!acknowledged.has(sequence), `sequence ${sequence} was given twice`);
      acknowledged.set(sequence, token);
    }
    const replica = await openReplica({ dataDir: dir.path, clock: systemClock, random });
    for (const [sequence, token] of taken) {
      assert.equal(replica.entry(sequence)?.message, token, `seed ${SEED}, kill ${run}`);
    }
    await replica.close();
  }
  await assertWhole(dir.path, acknowledged, random);
  return acknowledged.size;
}

/** Every entry is there once, none is missing, and the acknowledged ones are what they were. */
async function assertWhole(
  dataDir: string,
  acknowledged: ReadonlyMap<number, string>,
  random: () => number,
): Promise<void> {
  const replica = await openReplica({ dataDir, clock: systemClock, random });
  const tokens = new Set<string>();
  let expected = 0;
  for await (const { sequence, message = "" } of replica.entries()) {
    assert.equal(sequence, expected++, "no gaps");
    assert.ok(!tokens.has(message), `${message} is there once`);
    tokens.add(message);
    assert.equal(acknowledged.get(sequence) ?? message, message);
  }
  await replica.close();
  assert.ok(expected >= acknowledged.size);
}

const KILLS = SERIES * KILLS_PER_SERIES;

Deno.test(`demand 12, ACC-3: ${KILLS} times kill -9 at a random moment under load lose no acknowledged entry`, async () => {
  const random = seededRandom(SEED);
  let acknowledged = 0;
  for (let i = 0; i < SERIES; i++) acknowledged += await series(random);
  assert.ok(acknowledged > 10 * KILLS, `only ${acknowledged} entries under load`);
});
