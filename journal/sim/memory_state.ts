import { canonicalJson } from "../../common/json/mod.ts";
import { type Entry, parseEntry, scopeText } from "../../common/model/mod.ts";
import type { LogPosition } from "../log/mod.ts";
import type { RecordStore } from "../replica/mod.ts";
import {
  changedCollections,
  COLLECTION_NAMES,
  type CollectionName,
  COLLECTIONS,
  countersOf,
  type Doc,
  type DocumentChanges,
  type DocumentTables,
  emptyTables,
  type HistoryView,
  isCollectionName,
} from "../state/mod.ts";

/** The replicated state in memory: what the state database is to a real member. */
export class MemoryState implements RecordStore {
  readonly #tables: DocumentTables = emptyTables();
  readonly #entries: Entry[] = [];
  readonly #entryTexts: string[] = [];
  #applied: LogPosition = { index: 0n, term: 0n };

  /** The last log entry this state contains. */
  get applied(): LogPosition {
    return this.#applied;
  }

  get appliedIndex(): number {
    return Number(this.#applied.index);
  }

  get nextSequence(): number {
    return countersOf(this).next_sequence;
  }

  /** All entries, by sequence. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get<C extends CollectionName>(collection: C, key: string): Doc<C> | undefined {
    return this.#tables[collection].get(key);
  }

  *list<C extends CollectionName>(collection: C, prefix = ""): Generator<[string, Doc<C>]> {
    const table = this.#tables[collection];
    for (const key of [...table.keys()].filter((each) => each.startsWith(prefix)).sort()) {
      const document = table.get(key);
      if (document !== undefined) yield [key, document];
    }
  }

  get history(): HistoryView {
    const entries = this.#entries;
    return {
      entry: (sequence) => entries[sequence],
      configEntries: function* (scope, from) {
        for (let sequence = Math.min(from, entries.length - 1); sequence >= 0; sequence--) {
          const entry = entries[sequence];
          const isConfig = entry?.entry_type === "Commit" || entry?.entry_type === "Rollback";
          if (entry && isConfig && scopeText(entry.scope) === scopeText(scope)) yield entry;
        }
      },
    };
  }

  /** Nothing can go wrong half way here. */
  batch<T>(work: () => T): T {
    return work();
  }

  write(
    entries: readonly Entry[],
    changes: DocumentChanges,
    entryTexts: readonly string[],
  ): void {
    this.#entries.push(...entries);
    this.#entryTexts.push(...entryTexts);
    for (const collection of changedCollections(changes)) this.#write(collection, changes);
  }

  advance(applied: LogPosition): void {
    this.#applied = applied;
  }

  /** A state that goes its own way from here. */
  clone(): MemoryState {
    const copy = new MemoryState();
    copy.write(this.#entries, this.#tables, this.#entryTexts);
    copy.#applied = this.#applied;
    return copy;
  }

  /** All of it as text: equal states give equal texts (JRN-17). */
  dump(): string {
    const { index, term } = this.#applied;
    const documents = COLLECTION_NAMES.flatMap((collection) =>
      [...this.list(collection)].map(([key, document]) =>
        canonicalJson([collection, key, document])
      )
    );
    return `${canonicalJson([Number(index), Number(term)])}\n${documents.join("\n")}\n\n${
      this.#entryTexts.join("\n")
    }`;
  }

  /**
   * The state that a text tells of.
   *
   * @throws {Error} when a document or entry in it is none
   */
  static restore(text: string): MemoryState {
    const state = new MemoryState();
    const [head = "", entries = ""] = text.split("\n\n");
    const [position = "", ...documents] = head.split("\n");
    const [index, term]: [unknown, unknown] = JSON.parse(position);
    state.#applied = { index: BigInt(Number(index)), term: BigInt(Number(term)) };
    for (const line of documents) if (line !== "") state.#restoreDocument(line);
    for (const line of entries.split("\n")) {
      if (line === "") continue;
      state.#entries.push(parseEntry(JSON.parse(line)));
      state.#entryTexts.push(line);
    }
    return state;
  }

  #write<C extends CollectionName>(collection: C, changes: DocumentChanges): void {
    const table = this.#tables[collection];
    for (const [key, document] of changes[collection]) {
      if (document === undefined) table.delete(key);
      else table.set(key, document);
    }
  }

  #restoreDocument(line: string): void {
    const [collection, key, document]: [unknown, unknown, unknown] = JSON.parse(line);
    if (typeof collection !== "string" || !isCollectionName(collection)) {
      throw new Error(`unknown collection in ${line}`);
    }
    this.#set(collection, String(key), COLLECTIONS[collection].parse(document));
  }

  #set<C extends CollectionName>(collection: C, key: string, document: Doc<C>): void {
    this.#tables[collection].set(key, document);
  }
}
