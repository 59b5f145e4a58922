import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openSingleMemberLog } from "../../../../journal/log/mod.ts";
import { StorageError, type StorageErrorKind } from "../../../../journal/storage/mod.ts";
import { needing, spawnDeno, tempDir } from "../../../support/mod.ts";

const RECORDS = 300;

/** A log with records that are easy to find in the file, cleanly closed. */
async function writtenLog(directory: string): Promise<void> {
  const log = await openSingleMemberLog({ directory });
  await Promise.all(
    Array.from(
      { length: RECORDS },
      (_, i) => log.propose(new TextEncoder().encode(`record ${i} `.repeat(20))),
    ),
  );
  await log.close();
}

/** Opening must fail; the error. */
async function openingError(directory: string): Promise<StorageError> {
  try {
    await (await openSingleMemberLog({ directory })).close();
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
  throw new Error("the damaged log was opened");
}

function assertRefused(error: StorageError, kind: StorageErrorKind, path: string): void {
  assert.equal(error.kind, kind, error.message);
  assert.equal(error.exitCode, 1);
  assert.ok(error.message.startsWith(path), error.message);
}

/** Changes one byte behind the first occurrence of `text`. */
async function flipByteAt(path: string, text: string): Promise<void> {
  const content = await Deno.readFile(path);
  const needle = new TextEncoder().encode(text);
  const at = content.findIndex((_, i) => needle.every((byte, k) => content[i + k] === byte));
  assert.ok(at >= 0, `${text} is in the file`);
  content[at] = (content[at] ?? 0) ^ 0x20;
  await Deno.writeFile(path, content);
}

/** Runs SQL on the file behind the journal's back. */
function tamper(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

Deno.test("JRN-65: a changed byte in a record stops the start and names file and record", async () => {
  await using dir = await tempDir();
  await writtenLog(dir.path);
  await flipByteAt(dir.file("log.db"), "record 137 ");
  const error = await openingError(dir.path);
  assertRefused(error, "corrupt", dir.file("log.db"));
  assert.equal(error.position, "record 138");
});

Deno.test("JRN-65: a record that is missing stops the start and is named", async () => {
  await using dir = await tempDir();
  await writtenLog(dir.path);
  tamper(dir.file("log.db"), "DELETE FROM entries WHERE position = 42");
  const error = await openingError(dir.path);
  assertRefused(error, "corrupt", dir.file("log.db"));
  assert.equal(error.position, "record 42");
});

Deno.test("JRN-65: records missing at the end are noticed too", async () => {
  await using dir = await tempDir();
  await writtenLog(dir.path);
  tamper(dir.file("log.db"), "DELETE FROM entries WHERE position > 290");
  const error = await openingError(dir.path);
  assertRefused(error, "corrupt", dir.file("log.db"));
  assert.match(error.message, /reach record 300/);
});

Deno.test("JRN-65: whatever page is overwritten, the log opens whole or not at all", async () => {
  await using dir = await tempDir();
  await writtenLog(dir.path);
  const path = dir.file("log.db");
  const intact = await Deno.readFile(path);
  for (let page = 0; page < intact.byteLength / 4096; page++) {
    const damaged = intact.slice();
    damaged.fill(0xa5, page * 4096, page * 4096 + 4096);
    await Deno.writeFile(path, damaged);
    const error = await openingError(dir.path);
    assert.ok(error.message.startsWith(path), `page ${page}: ${error.message}`);
  }
});

Deno.test("JRN-65: damage inside the write-ahead log is told from a torn tail", async () => {
  await using dir = await tempDir();
  const child = spawnDeno({
    module: new URL("../../../support/journal/append_forever.ts", import.meta.url),
    flags: ["-P=test"],
    args: [dir.path],
  });
  await child.waitForOutput(/acknowledged 200\b/);
  child.kill();
  await child.ended;
  const wal = dir.file("log.db-wal");
  const intact = await Deno.readFile(wal);

  const damaged = intact.slice();
  damaged[5000] = (damaged[5000] ?? 0) ^ 0x01;
  await Deno.writeFile(wal, damaged);
  const error = await openingError(dir.path);
  assertRefused(error, "corrupt", wal);
  assert.match(error.position ?? "", /^offset \d+$/);
  assert.deepEqual(await Deno.readFile(wal), damaged, "nothing was thrown away");

  await Deno.writeFile(wal, intact.subarray(0, intact.byteLength - 1000));
  const torn = await openSingleMemberLog({ directory: dir.path });
  const acknowledged = BigInt(child.stdout.trim().split(/\D+/).at(-1) ?? 0);
  assert.ok(torn.status().lastIndex >= acknowledged - 1n, "only the torn tail is cut");
  await torn.close();
});

Deno.test("a file that is no database, or not the log's, is refused and left alone", async () => {
  await using dir = await tempDir();
  const path = dir.file("log.db");
  await Deno.writeTextFile(path, "my notes, not a database\n".repeat(400));
  assertRefused(await openingError(dir.path), "corrupt", path);
  assert.match(await Deno.readTextFile(path), /^my notes/);

  await Deno.remove(path);
  tamper(path, "CREATE TABLE photos (name TEXT); INSERT INTO photos VALUES ('cat')");
  assertRefused(await openingError(dir.path), "foreign", path);
});

Deno.test("a log of a newer program is refused with the advice to use that", async () => {
  await using dir = await tempDir();
  await writtenLog(dir.path);
  tamper(dir.file("log.db"), "PRAGMA user_version = 99");
  const error = await openingError(dir.path);
  assertRefused(error, "newer", dir.file("log.db"));
  assert.match(error.message, /schema version 99/);
});

Deno.test({
  ...needing(Deno.uid() === 0, "root", "a data directory of another user is refused"),
  async fn() {
    await using dir = await tempDir();
    await Deno.chown(dir.path, 65_534, 65_534);
    const error = await openingError(dir.path);
    assertRefused(error, "foreign", dir.path);
    assert.match(error.message, /belongs to user id 65534/);
  },
});

Deno.test("two processes on one directory: the second is refused and told who has it", async () => {
  await using dir = await tempDir();
  await using child = spawnDeno({
    module: new URL("../../../support/journal/append_forever.ts", import.meta.url),
    flags: ["-P=test"],
    args: [dir.path],
  });
  await child.waitForOutput(/acknowledged 1\b/);
  const error = await openingError(dir.path);
  assertRefused(error, "locked", dir.path);
  assert.match(error.message, new RegExp(`process ${child.pid}\\b`));
});
