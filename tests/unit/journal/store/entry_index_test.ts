import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { linkEntry } from "../../../../common/chain/mod.ts";
import { type Entry, type EntryType, type Scope, scopeText } from "../../../../common/model/mod.ts";
import { countersOf, emptyTables } from "../../../../journal/state/mod.ts";
import { type EntryQuery, StateStore } from "../../../../journal/store/mod.ts";
import { entriesFor } from "../../../../journal/store/entry_sql.ts";
import { ANN, SCOPES, TestState, TO_SCHEMA_3 } from "../../../support/journal/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { tempDir } from "../../../support/mod.ts";

const TYPES: readonly EntryType[] = ["Commit", "ExecLog", "Rollback"];
const START_MS = Date.UTC(2026, 0, 1);

/** Entries in a store, and beside it. */
class Entries implements Disposable {
  readonly all: Entry[] = [];
  #store: StateStore;

  constructor(readonly path: string) {
    this.#store = this.#open();
  }

  get store(): StateStore {
    return this.#store;
  }

  add(scope: Scope, type: EntryType): void {
    const sequence = this.all.length;
    const { entry, json } = linkEntry({
      sequence,
      timestamp: new Date(START_MS + sequence * 1000).toISOString(),
      entry_type: type,
      scope,
      author: ANN,
    }, countersOf(this.#store).head_hash);
    const changes = emptyTables();
    changes.settings.set("counters", {
      ...countersOf(this.#store),
      next_sequence: sequence + 1,
      head_hash: entry.hash,
    });
    this.#store.batch(() => this.#store.write([entry], changes, [json]));
    this.all.push(entry);
  }

  /** Closes the store, runs `sql` on its file and opens it again. */
  reopen(sql = ""): void {
    this.#store.close();
    {
      using database = new DatabaseSync(this.path);
      database.exec(sql);
    }
    this.#store = this.#open();
  }

  /** What `query` must find. */
  expected(query: EntryQuery): number[] {
    const found = this.all.filter((entry) => matches(entry, query)).map(({ sequence }) => sequence);
    return (query.descending === true ? found.reverse() : found).slice(0, query.limit);
  }

  found(query: EntryQuery): number[] {
    return [...this.#store.entryPages(query)].flat().map(({ sequence }) => sequence);
  }

  [Symbol.dispose](): void {
    this.#store.close();
  }

  #open(): StateStore {
    return new StateStore(this.path, { gather: { clock: new VirtualClock(), forMs: 50 } });
  }
}

function matches(entry: Entry, query: EntryQuery): boolean {
  const { scope, types, fromSequence = 0, toSequence = Infinity } = query;
  const at = Date.parse(entry.timestamp);
  return (scope === undefined || scopeText(scope) === scopeText(entry.scope)) &&
    (types === undefined || types.includes(entry.entry_type)) &&
    entry.sequence >= fromSequence && entry.sequence <= toSequence &&
    at >= (query.sinceMs ?? -Infinity) && at <= (query.untilMs ?? Infinity);
}

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const queries: fc.Arbitrary<EntryQuery> = fc.record({
  scope: optional(fc.constantFrom(...SCOPES)),
  types: optional(fc.subarray([...TYPES], { minLength: 1 })),
  fromSequence: optional(fc.nat(600)),
  toSequence: optional(fc.nat(600)),
  sinceMs: optional(fc.nat(600).map((second) => START_MS + second * 1000)),
  descending: optional(fc.boolean()),
  limit: optional(fc.nat(300)),
}).map((query) => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as EntryQuery;
});

Deno.test("API-35: whatever is asked, the entries found are those that match, over many transactions and a restart", async () => {
  await using dir = await tempDir();
  using entries = new Entries(dir.file("state.db"));
  for (let i = 0; i < 600; i++) {
    // Long runs of one scope, short ones, and some that come once.
    const scope = SCOPES[i % 97 === 0 ? 4 : i < 200 ? 1 : Math.floor(i / 7) % 4] ?? "Global";
    entries.add(scope, TYPES[i % 50 === 0 ? 2 : i % 2] ?? "Commit");
    if (i % 23 === 0) entries.store.commit();
    if (i === 300) entries.reopen();
  }
  fc.assert(fc.property(queries, (query) => {
    assert.deepEqual(entries.found(query), entries.expected(query));
  }));
});

/** Queries and what SQLite must be able to do for each: go to it instead of looking at all. */
const SOUGHT: readonly EntryQuery[] = [
  { scope: { VCluster: "ml" } },
  { scope: { VCluster: "ml" }, includeMemberNodes: true, descending: true },
  { scope: { Node: "n1" }, types: ["Commit", "Rollback"], toSequence: 9, descending: true },
  { types: ["Commit"], fromSequence: 5 },
  { types: ["Commit", "Rollback"], descending: true },
  { fromSequence: 5, toSequence: 9 },
];

for (const query of SOUGHT) {
  Deno.test(`API-35: ${JSON.stringify(query)} is found without looking at every entry`, () => {
    using state = new TestState();
    const { sql, values } = entriesFor(query, 256);
    const plan = state.store.database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values)
      .map(({ detail }) => String(detail));
    assert.ok(plan.some((step) => step.includes("SEARCH")), plan.join("\n"));
    assert.deepEqual(plan.filter((step) => /SCAN entr/.test(step)), []);
    if (query.types === undefined || query.scope !== undefined) {
      assert.deepEqual(plan.filter((step) => step.includes("ORDER BY")), []);
    }
  });
}

Deno.test("JRN-16: entries of a state from before they were found by blocks are found as before", async () => {
  await using dir = await tempDir();
  using entries = new Entries(dir.file("state.db"));
  for (let i = 0; i < 100; i++) {
    entries.add(SCOPES[i % 31 === 0 ? 2 : 1] ?? "Global", TYPES[i % 40 === 0 ? 1 : 0] ?? "Commit");
  }
  entries.reopen(TO_SCHEMA_3);
  for (const scope of SCOPES) {
    assert.deepEqual(entries.found({ scope }), entries.expected({ scope }), scopeText(scope));
    const withNodes: EntryQuery = { scope, includeMemberNodes: true };
    assert.deepEqual(entries.found(withNodes), entries.expected({ scope }), scopeText(scope));
  }
  for (const type of TYPES) {
    assert.deepEqual(entries.found({ types: [type] }), entries.expected({ types: [type] }), type);
  }
  entries.add({ Node: "n2" }, "Rollback");
  assert.deepEqual(entries.found({ scope: { Node: "n2" } }), [100]);
});
