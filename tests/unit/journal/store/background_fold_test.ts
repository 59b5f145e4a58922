import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../../../common/clock/mod.ts";
import { applyRecords, encodeEnvelope } from "../../../../journal/replica/state_machine.ts";
import { EnvelopeSchema } from "../../../../journal/state/mod.ts";
import { newGate, passGate, shutGate } from "../../../../journal/store/fold_gate.ts";
import { exportState, StateStore } from "../../../../journal/store/mod.ts";
import { ANN, commit } from "../../../support/journal/mod.ts";
import { runs, tempDir, waitFor } from "../../../support/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

const gather = { clock: systemClock, forMs: 1 };
const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

function record(index: number) {
  const envelope = EnvelopeSchema.parse({
    format: 1,
    proposal: "p",
    timestamp: "2026-01-01T00:00:00Z",
    actor: ANN,
    request_id: `r-${index}`,
    command: commit({ VCluster: "ml" }, { [`k${index % 50}`]: "x".repeat(200) }),
  });
  return { index: BigInt(index), term: 1n, payload: encodeEnvelope(envelope) };
}

/** Applies records up to `last`, with time between the batches for the worker. */
async function applyUpTo(store: StateStore, last: number): Promise<void> {
  for (let index = Number(store.applied.index) + 1; index <= last; index += 50) {
    const batch = Array.from({ length: Math.min(50, last - index + 1) }, (_, at) => index + at);
    applyRecords(store, batch.map(record));
    await turn();
  }
}

Deno.test("JRN-67: while another thread folds the log, everything stays readable, and the file can be replaced at any moment", async () => {
  await using dir = await tempDir();
  const path = dir.file("state.db");
  const expected = new StateStore(":memory:");
  const store = new StateStore(path, { gather });
  const rounds = runs(2, 10);
  for (let round = 1; round <= rounds; round++) {
    await applyUpTo(store, round * 2500);
    await applyUpTo(expected, round * 2500);
    store.commit();
    const copy = dir.file("copy.db");
    const reader = new DatabaseSync(path, { readOnly: true });
    reader.exec(`VACUUM INTO '${copy}'`);
    reader.close();
    // A round may be under way right now.
    store.replaceFile(copy);
    assert.equal(store.applied.index, BigInt(round * 2500));
  }
  assert.equal([...exportState(store)].join("\n"), [...exportState(expected)].join("\n"));
  store.close();
  expected.close();
  const again = new StateStore(path);
  assert.equal(again.nextSequence, rounds * 2500);
  again.close();
  const left = [...Deno.readDirSync(dir.path)].map(({ name }) => name);
  assert.deepEqual(left, ["state.db"], "the log was folded into the file at the end");
});

Deno.test("JRN-67: while commits never pause the log still begins anew, and what waits for that is read and stored as ever", async () => {
  await using dir = await tempDir();
  const path = dir.file("state.db");
  const store = new StateStore(path, { gather: { clock: new VirtualClock(), forMs: 50 } });
  const expected = new StateStore(":memory:");
  let last = 0;
  const next = (count: number) => {
    const records = Array.from({ length: count }, () => record(++last));
    applyRecords(store, records);
    applyRecords(expected, records);
  };
  /** Records that change nothing, as many as a round of folding is asked for after. */
  const pass = () => {
    for (let count = 0; count < 2000; count++) {
      const position = { index: BigInt(++last), term: 1n };
      for (const each of [store, expected]) each.batch(() => each.advance(position));
    }
  };
  next(1);
  store.commit();
  const beginning = logBeginning(path);
  await waitFor(async () => {
    await turn();
    pass();
    store.commit();
    next(3);
    return canWrite(path);
  }, { what: "a fold that the next transaction waits for" });
  const newest = store.nextSequence - 1;
  assert.equal(store.history.entry(newest)?.sequence, newest);
  assert.equal(canWrite(path), false, "who reads begins the transaction");
  await waitFor(async () => {
    await turn();
    pass();
    store.commit();
    next(3);
    return logBeginning(path) !== beginning;
  }, { what: "the log to begin anew" });
  assert.equal([...exportState(store)].join("\n"), [...exportState(expected)].join("\n"));
  store.close();
  expected.close();
});

/** Whether no transaction that writes is under way in the file. */
function canWrite(path: string): boolean {
  using other = new DatabaseSync(path, { timeout: 0 });
  try {
    other.exec("BEGIN IMMEDIATE; ROLLBACK");
    return true;
  } catch {
    return false;
  }
}

/** The salt of the write-ahead log, which changes whenever it begins anew. */
function logBeginning(path: string): string {
  return Deno.readFileSync(`${path}-wal`).subarray(16, 24).toHex();
}

Deno.test("a shut gate lets nobody fold, and shutting it twice does no harm", () => {
  const gate = newGate();
  let folds = 0;
  passGate(gate, () => folds++);
  passGate(gate, () => passGate(gate, () => folds++));
  assert.equal(folds, 1, "one at a time");
  assert.throws(() => passGate(gate, () => assert.fail("a fold that fails")));
  shutGate(gate);
  shutGate(gate);
  passGate(gate, () => folds++);
  assert.equal(folds, 1);
});
