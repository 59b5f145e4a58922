import type { Migration } from "../storage/mod.ts";

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
];

/** Version of the schema, of the file and of the exported document alike. */
export const SCHEMA_VERSION = MIGRATIONS.length;
