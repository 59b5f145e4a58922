/** Brings a state file back to the schema in which audit records were whole in their rows. */
export const TO_SCHEMA_5 = `
  CREATE TABLE whole AS
    WITH RECURSIVE records (number, at, json) AS (
      SELECT number, 0, json -> '$[0]' FROM audit
      UNION ALL
      SELECT number, at + 1, json_patch(records.json, audit.json -> ('$[' || (at + 1) || ']'))
        FROM records JOIN audit USING (number) WHERE at + 1 < json_array_length(audit.json)
    )
    SELECT number, json_group_array(json(json) ORDER BY at) AS json FROM records GROUP BY number;
  UPDATE audit SET json = (SELECT json FROM whole WHERE whole.number = audit.number);
  DROP TABLE whole;
  PRAGMA user_version = 5;`;

/** Brings a state file back to the schema in which each audit record and request had a row. */
export const TO_SCHEMA_4 = TO_SCHEMA_5 + ["audit", "requests"].map((table) => `
  CREATE TABLE single (number INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;
  INSERT INTO single
    SELECT number + item.key, item.value FROM ${table} CROSS JOIN json_each(${table}.json) AS item;
  DROP TABLE ${table};
  ALTER TABLE single RENAME TO ${table};`).join("") + "PRAGMA user_version = 4;";

/** Brings a state file back to the schema in which each entry had a row in each of three indexes. */
export const TO_SCHEMA_3 = `
  ${TO_SCHEMA_4}
  DROP TABLE entry_blocks;
  CREATE INDEX entries_by_scope ON entries (scope, sequence);
  CREATE INDEX entries_by_vcluster ON entries (vcluster, sequence) WHERE vcluster IS NOT NULL;
  CREATE INDEX entries_by_type ON entries (type, sequence);
  PRAGMA user_version = 3;`;

/** Brings a state file back to the schema before audit records and requests had tables. */
export const TO_SCHEMA_2 = `
  ${TO_SCHEMA_3}
  CREATE TABLE audit_archive (key TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO documents SELECT 'audit', format('%016d', number), json FROM audit;
  INSERT INTO documents SELECT 'request_order', format('%016d', number),
    json_remove(json, '$.type', '$.result') FROM requests;
  INSERT INTO documents SELECT 'request_ids', json ->> '$.request_key',
    json_set(json_remove(json, '$.request_key', '$.at'), '$.order', number) FROM requests;
  DROP TABLE audit; DROP TABLE requests;
  PRAGMA user_version = 2;`;
