import type { DatabaseSync } from "node:sqlite";
import { canonicalJson } from "../../common/json/mod.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import type { StateStore } from "./state_store.ts";
import { storedDocuments } from "./stored_documents.ts";

/** Rows read at once while exporting. */
const PAGE_ROWS = 256;

/**
 * The whole state as one canonical JSON document with sorted keys (JRN-16, JRN-17), line by line,
 * so that neither side ever holds all of it. Equal states give equal bytes. A document's line is
 * `[collection, key, document]`, an entry's is `[vCluster it counted for or null, entry]`.
 *
 * Nothing may be applied between two lines, or they would tell of different moments.
 */
export function exportState(store: StateStore): Generator<string> {
  return exportDatabase(store.database);
}

/** The same of a state database that was opened for reading alone, within one transaction. */
export function* exportDatabase(database: DatabaseSync): Generator<string> {
  const { position, term } = database.prepare("SELECT position, term FROM applied").get() ?? {};
  const applied = canonicalJson({ index: Number(position), term: Number(term) });
  yield `{"applied":${applied},"documents":[`;
  yield* commaSeparated(documentLines(database));
  yield `],"entries":[`;
  yield* commaSeparated(entryLines(database));
  yield `],"schema_version":${SCHEMA_VERSION}}`;
}

function* documentLines(database: DatabaseSync): Generator<string> {
  for (const [collection, key, json] of storedDocuments(database)) {
    // Documents are stored as they come; here they get the one form that equal ones share.
    const document = canonicalJson(JSON.parse(json));
    yield `[${JSON.stringify(collection)},${JSON.stringify(key)},${document}]`;
  }
}

function* entryLines(database: DatabaseSync): Generator<string> {
  const statement = database.prepare(
    `SELECT sequence, vcluster, json FROM entries WHERE sequence > ?
     ORDER BY sequence LIMIT ${PAGE_ROWS}`,
  );
  let rows = statement.all(-1);
  while (rows.length > 0) {
    let cursor = -1;
    for (const { sequence, vcluster, json } of rows) {
      cursor = Number(sequence);
      yield `[${JSON.stringify(vcluster)},${json}]`;
    }
    rows = statement.all(cursor);
  }
}

/** Puts a comma behind every line but the last. */
function* commaSeparated(lines: Iterable<string>): Generator<string> {
  let previous: string | undefined;
  for (const line of lines) {
    if (previous !== undefined) yield `${previous},`;
    previous = line;
  }
  if (previous !== undefined) yield previous;
}
