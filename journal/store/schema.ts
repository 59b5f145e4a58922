import type { DatabaseSync } from "node:sqlite";
import { GENESIS_HASH, linkEntry } from "../../common/chain/mod.ts";
import { canonicalJson } from "../../common/json/mod.ts";
import { parseEntry } from "../../common/model/mod.ts";
import type { Migration } from "../storage/mod.ts";
import { BLOCK_ENTRIES } from "./entry_blocks.ts";

/** Steps of the state database's schema; the last one is what this program writes (JRN-16). */
export const MIGRATIONS: readonly Migration[] = [
  (database) =>
    database.exec(`
      CREATE TABLE applied (
        only INTEGER PRIMARY KEY CHECK (only = 0),
        position INTEGER NOT NULL,
        term INTEGER NOT NULL
      ) STRICT;
      INSERT INTO applied VALUES (0, 0, 0);

      CREATE TABLE entries (
        sequence INTEGER PRIMARY KEY,
        scope TEXT NOT NULL,
        vcluster TEXT,
        type TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        json TEXT NOT NULL,
        checksum INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX entries_by_scope ON entries (scope, sequence);
      CREATE INDEX entries_by_vcluster ON entries (vcluster, sequence) WHERE vcluster IS NOT NULL;
      CREATE INDEX entries_by_type ON entries (type, sequence);

      CREATE TABLE documents (
        collection TEXT NOT NULL,
        key TEXT NOT NULL,
        json TEXT NOT NULL,
        PRIMARY KEY (collection, key)
      ) STRICT, WITHOUT ROWID;

      -- Audit records that left the replicated state; this member's own archive (AUD-3).
      CREATE TABLE audit_archive (
        key TEXT PRIMARY KEY,
        json TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `),
  chainEntries,
  numberRows,
  indexBlocks,
  gatherRows,
  leaveOutOfRows,
];

/** Version of the exported state; how its documents lie in the file is not part of it. */
export const SCHEMA_VERSION = 2;

/**
 * Gives the entries of a state without a hash chain their hashes, which take the checksum's place.
 * The hashes depend on the entries alone, so they are those that every other member computes.
 */
function chainEntries(database: DatabaseSync): void {
  const next = database.prepare("SELECT sequence, json FROM entries WHERE sequence = ?");
  const update = database.prepare("UPDATE entries SET json = ? WHERE sequence = ?");
  let head = GENESIS_HASH;
  let sequence = 0;
  for (let row = next.get(0); row !== undefined; row = next.get(++sequence)) {
    const { entry, json } = linkEntry(parseEntry(JSON.parse(String(row["json"]))), head);
    update.run(json, sequence);
    head = entry.hash;
  }
  database.exec("ALTER TABLE entries DROP COLUMN checksum");
  for (const { key, json } of database.prepare(COUNTERS).all()) {
    const counters = { ...JSON.parse(String(json)), head_hash: head };
    database.prepare("UPDATE documents SET json = ? WHERE collection = 'settings' AND key = ?")
      .run(canonicalJson(counters), String(key));
  }
}

/** Gives what comes with every command tables of its own, under its number. */
function numberRows(database: DatabaseSync): void {
  database.exec(`
    -- Audit records, those that left the replicated state included: this member's archive (AUD-3).
    CREATE TABLE audit (number INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;
    INSERT INTO audit SELECT CAST(key AS INTEGER), json FROM audit_archive;
    INSERT OR REPLACE INTO audit
      SELECT CAST(key AS INTEGER), json FROM documents WHERE collection = 'audit';
    DROP TABLE audit_archive;

    -- What is remembered of requests, by their order.
    CREATE TABLE requests (number INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;
    INSERT INTO requests
      SELECT
        CAST(place.key AS INTEGER),
        json_set(
          place.json,
          '$.type', request.json ->> '$.type',
          '$.result', json(request.json -> '$.result')
        )
      FROM documents AS place JOIN documents AS request
        ON request.collection = 'request_ids' AND request.key = place.json ->> '$.request_key'
      WHERE place.collection = 'request_order';
    DELETE FROM documents WHERE collection IN ('audit', 'request_ids', 'request_order');
  `);
}

/** Has entries found by their block instead of one by one. */
function indexBlocks(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE entry_blocks (
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      block INTEGER NOT NULL,
      PRIMARY KEY (kind, name, block)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO entry_blocks
      SELECT 'scope', scope, sequence / ${BLOCK_ENTRIES} FROM entries
      UNION SELECT 'vcluster', vcluster, sequence / ${BLOCK_ENTRIES} FROM entries
        WHERE vcluster IS NOT NULL
      UNION SELECT 'type', type, sequence / ${BLOCK_ENTRIES} FROM entries;
    DROP INDEX entries_by_scope; DROP INDEX entries_by_vcluster; DROP INDEX entries_by_type;
  `);
}

/** Has one row hold documents of many numbers; those that are there stay one to a row. */
function gatherRows(database: DatabaseSync): void {
  database.exec(`
    UPDATE audit SET json = '[' || json || ']';
    UPDATE requests SET json = '[' || json || ']';
  `);
}

/**
 * From here on a row leaves out of an audit record what is as in the one before (audit_rows.ts). Rows
 * that leave out nothing are read just the same; only programs from before could not read new ones.
 */
function leaveOutOfRows(): void {}

const COUNTERS = "SELECT key, json FROM documents WHERE collection = 'settings'";
