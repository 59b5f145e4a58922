import type { DatabaseSync, StatementSync } from "node:sqlite";
import { intactHash } from "../../common/chain/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { type Entry, parseEntry, type Scope, scopeText } from "../../common/model/mod.ts";
import { instantMs } from "../state/mod.ts";
import { BulkInsert } from "./bulk_insert.ts";
import { EntryBlocks } from "./entry_blocks.ts";
import { entriesFor } from "./entry_sql.ts";
import type { EntryQuery } from "./queries.ts";
import type { Redo } from "./redo.ts";

/** Entries read at once; what one page holds in memory is bounded by it. */
const PAGE_ENTRIES = 256;

/** Entries in SQLite. They are only ever added (J2); the last few wait until they are saved or read. */
export class EntryTable {
  readonly #database: DatabaseSync;
  readonly #insert: BulkInsert;
  readonly #blocks: EntryBlocks;
  readonly #select: StatementSync;
  /** Prepared queries by their text; there are as many as there are shapes of queries. */
  readonly #queries = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, redo: Redo) {
    this.#database = database;
    this.#insert = new BulkInsert(redo, "entries", 6);
    this.#blocks = new EntryBlocks(redo);
    this.#select = database.prepare(
      "SELECT sequence, json FROM entries WHERE sequence = ?",
    );
  }

  /** Adds an entry by its canonical JSON; `vclusterId` is the vCluster it counts for, if any. */
  insert(entry: Entry, json: string, vclusterId: string | undefined): void {
    const { sequence, entry_type: type, timestamp } = entry;
    const scope = scopeText(entry.scope);
    this.#insert.add(sequence, scope, vclusterId ?? null, type, instantMs(timestamp), json);
    this.#blocks.add(sequence, scope, vclusterId, type);
  }

  /** Puts what was added into the database. */
  save(): void {
    this.#insert.flush();
    this.#blocks.save();
  }

  /** The entry with this sequence. */
  get(sequence: number): Entry | undefined {
    this.save();
    const row = this.#select.get(sequence);
    return row === undefined ? undefined : decode(row);
  }

  /** The entries of `query` in pages, the next read when it is asked for. */
  *pages(query: EntryQuery): Generator<Entry[]> {
    this.save();
    let left = query.limit ?? Infinity;
    let rest = query;
    while (left > 0) {
      const page = this.#page(rest, Math.min(left, PAGE_ENTRIES));
      const last = page.at(-1);
      if (last === undefined) return;
      yield page;
      left -= page.length;
      rest = query.descending === true
        ? { ...query, toSequence: last.sequence - 1 }
        : { ...query, fromSequence: last.sequence + 1 };
    }
  }

  /** Commit and Rollback entries of exactly `scope`, newest first. */
  *configEntries(scope: Scope, fromSequence: number): Generator<Entry> {
    const query: EntryQuery = {
      scope,
      types: ["Commit", "Rollback"],
      toSequence: fromSequence,
      descending: true,
    };
    for (const page of this.pages(query)) yield* page;
  }

  #page(query: EntryQuery, limit: number): Entry[] {
    const { sql, values } = entriesFor(query, limit);
    return this.#prepared(sql).all(...values).map(decode);
  }

  #prepared(sql: string): StatementSync {
    const known = this.#queries.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#queries.set(sql, statement);
    return statement;
  }
}

/** The entry in a row. Its hash covers every byte, so damage is noticed wherever it sits. */
function decode({ sequence, json }: Record<string, unknown>): Entry {
  const text = String(json);
  const hash = intactHash(text);
  if (hash !== undefined) {
    const entry = parseEntry(JSON.parse(text));
    if (entry.hash === hash) return entry;
  }
  throw new PactError(
    "DATA_CORRUPT",
    `entry ${sequence} in the state database is damaged; remove that file to rebuild it from the log`,
  );
}
