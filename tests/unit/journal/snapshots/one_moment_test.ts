import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { makeSnapshot, SnapshotStore } from "../../../../journal/snapshots/mod.ts";
import { tempDir } from "../../../support/mod.ts";

/** Some 16 MB, which are copied in several steps. */
const ROWS = 4_000;

function openState(path: string): DatabaseSync {
  const state = new DatabaseSync(path);
  state.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE applied (position INTEGER NOT NULL, term INTEGER NOT NULL);
    INSERT INTO applied VALUES (1, 1);
    CREATE TABLE documents (collection TEXT, key TEXT, json TEXT);
    CREATE TABLE rows (number INTEGER PRIMARY KEY, position INTEGER, filler BLOB);
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${ROWS})
      INSERT INTO rows SELECT n, 1, randomblob(4000) FROM numbers;
  `);
  return state;
}

Deno.test("JRN-67: a snapshot is of one moment, whatever is written while it is made", async () => {
  await using dir = await tempDir();
  const path = dir.file("state.db");
  using state = openState(path);
  let isMade = false;
  const making = makeSnapshot(new SnapshotStore(dir.file("snapshots")), path)
    .finally(() => isMade = true);
  let position = 1;
  while (!isMade) {
    position++;
    state.exec(`
      BEGIN;
      UPDATE applied SET position = ${position};
      UPDATE rows SET position = ${position} WHERE number IN (1, ${ROWS / 2}, ${ROWS});
      COMMIT`);
    await delay(0);
  }
  const { index, file } = await making;
  using copy = new DatabaseSync(file.path, { readOnly: true });
  assert.deepEqual({ ...copy.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
  const seen = copy.prepare(
    `SELECT position FROM rows WHERE number IN (1, ${ROWS / 2}, ${ROWS})`,
  ).all();
  assert.deepEqual(seen.map(({ position }) => position), [index, index, index]);
  assert.ok(position > index + 1, "writes went on meanwhile");
});
