import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { PactError } from "../../../../common/errors/mod.ts";
import { canonicalJson } from "../../../../common/json/mod.ts";
import type { EntryQuery } from "../../../../journal/store/mod.ts";
import { exportState, importState, StateStore } from "../../../../journal/store/mod.ts";
import { StorageError } from "../../../../journal/storage/mod.ts";
import { applyRecords, encodeEnvelope } from "../../../../journal/replica/state_machine.ts";
import { MIGRATIONS } from "../../../../journal/store/schema.ts";
import {
  countersOf,
  emptyTables,
  EnvelopeSchema,
  numberKey,
} from "../../../../journal/state/mod.ts";
import {
  ANN,
  append,
  auditRecord,
  commit,
  register,
  TestState,
  TO_SCHEMA_2,
  TO_SCHEMA_4,
  TO_SCHEMA_5,
} from "../../../support/journal/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { tempDir } from "../../../support/mod.ts";

const vcluster = { VCluster: "ml" };
const node = { Node: "n1" };

/** Sequences that a query finds. */
function found(state: TestState, query: EntryQuery): number[] {
  return [...state.store.entryPages(query)].flat().map(({ sequence }) => sequence);
}

/** Six entries: 0 and 1 enrol n1 in ml, 2 is ml's, 3 n1's, 4 global, 5 n1's after it left ml. */
function someEntries(): TestState {
  const state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01", "ml"));
  state.append(commit(vcluster, { a: "1" }));
  state.nowMs += 1000;
  state.append(commit(node, { a: "1" }));
  state.append(append({ entry_type: "ExecLog" }));
  state.send({ type: "AssignNode", node_id: "n1", vcluster_id: "sim" });
  state.append(commit(node, { a: "2" }));
  return state;
}

const QUERIES: readonly [what: string, query: EntryQuery, expected: readonly number[]][] = [
  ["everything", {}, [0, 1, 2, 3, 4, 5]],
  ["a vCluster alone", { scope: vcluster }, [2]],
  ["a vCluster with its nodes of the time", {
    scope: vcluster,
    includeMemberNodes: true,
  }, [0, 1, 2, 3]],
  ["a node", { scope: node }, [0, 1, 3, 5]],
  ["global entries", { scope: "Global" }, [4]],
  ["types", { types: ["Commit", "ExecLog"] }, [2, 3, 4, 5]],
  ["a range, inclusive", { fromSequence: 1, toSequence: 3 }, [1, 2, 3]],
  ["newest first, with a limit", { descending: true, limit: 2 }, [5, 4]],
  ["oldest first, with a limit", { limit: 2 }, [0, 1]],
  ["since", { sinceMs: Date.UTC(2026, 0, 1, 0, 0, 1) }, [3, 4, 5]],
  ["until", { untilMs: Date.UTC(2026, 0, 1) }, [0, 1, 2]],
  ["nothing", { scope: { VCluster: "other" } }, []],
];

for (const [what, query, expected] of QUERIES) {
  Deno.test(`API-35: entries are found by ${what}`, () => {
    using state = someEntries();
    assert.deepEqual(found(state, query), expected);
  });
}

Deno.test("API-35: reading goes page by page in both directions and keeps its order", () => {
  using state = new TestState();
  for (let i = 0; i < 600; i++) state.append(append({}));
  const ascending = [...Array(600).keys()];
  assert.deepEqual(found(state, {}), ascending);
  assert.deepEqual(found(state, { descending: true }), ascending.toReversed());
  assert.equal([...state.store.entryPages({ limit: 300 })].length, 2);
});

Deno.test("JRN-17: exported, imported and exported again, the state is the same bytes", () => {
  using state = someEntries();
  using copy = new TestState();
  importState(copy.store, exportState(state.store));
  assert.equal(copy.exported(), state.exported());
  assert.deepEqual(found(copy, { scope: vcluster, includeMemberNodes: true }), [0, 1, 2, 3]);
  assert.doesNotThrow(() => JSON.parse(state.exported()), "one JSON document");
});

Deno.test("an export with an entry that was changed is refused, and the entry named", () => {
  using state = someEntries();
  using target = new TestState();
  const lines = [...exportState(state.store)].map((line) =>
    line.replace('"a","value":"2"', '"a","value":"3"')
  );
  assert.throws(() => importState(target.store, lines), /: entry 5 was changed/);
  assert.equal(target.entries().length, 0);
});

const BAD_EXPORTS: readonly [what: string, spoil: (lines: string[]) => string[], error: RegExp][] =
  [
    ["cut off", (lines) => lines.slice(0, -2), /breaks off in line/],
    ["of a newer schema", (lines) => [...lines.slice(0, -1), `],"schema_version":99}`], /newer/],
    [
      "with a line that is no JSON",
      (lines) => lines.with(2, "oops"),
      /^Error: line 3 of the export/,
    ],
    [
      "with an unknown collection",
      (lines) => lines.with(1, `["pets","rex",{}],`),
      /line 2 .*unknown collection 'pets'/,
    ],
  ];

for (const [what, spoil, error] of BAD_EXPORTS) {
  Deno.test(`JRN-16: an export ${what} is refused and the state stays as it was`, () => {
    using state = someEntries();
    using target = new TestState();
    target.append(commit(vcluster, { kept: "1" }));
    const before = target.exported();
    assert.throws(() => importState(target.store, spoil([...exportState(state.store)])), error);
    assert.equal(target.exported(), before);
    assert.equal(target.append(commit(vcluster, { kept: "2" })), 1);
  });
}

/** A state database with one Commit, closed. */
function written(path: string): void {
  const store = new StateStore(path);
  const envelope = EnvelopeSchema.parse({
    format: 1,
    proposal: "p",
    timestamp: "2026-01-01T00:00:00Z",
    actor: ANN,
    command: commit(vcluster, { "vm.swappiness": "10" }),
  });
  applyRecords(store, [{ index: 1n, term: 1n, payload: encodeEnvelope(envelope) }]);
  store.close();
}

function tamper(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

Deno.test("a state survives closing, with its position in the log", async () => {
  await using dir = await tempDir();
  written(dir.file("state.db"));
  const store = new StateStore(dir.file("state.db"));
  assert.deepEqual(store.applied, { index: 1n, term: 1n });
  assert.equal(store.history.entry(0)?.author.principal, ANN.principal);
  store.close();
});

Deno.test("a changed byte in an entry is noticed when it is read", async () => {
  await using dir = await tempDir();
  const path = dir.file("state.db");
  written(path);
  tamper(path, `UPDATE entries SET json = replace(json, '"10"', '"99"')`);
  const store = new StateStore(path);
  assert.throws(
    () => store.history.entry(0),
    (error) => error instanceof PactError && error.code === "DATA_CORRUPT",
  );
  store.close();
});

/** Applies a Commit of its own to `vm.swappiness` as record `index`. */
function applyCommit(store: StateStore, index: number, requestId?: string): void {
  const envelope = EnvelopeSchema.parse({
    format: 1,
    proposal: "p",
    timestamp: "2026-01-01T00:00:00Z",
    actor: ANN,
    request_id: requestId,
    audit: { operation_type: "commit", scope: vcluster, detail: "", source: "cli", metadata: {} },
    command: commit(vcluster, { "vm.swappiness": String(index) }),
  });
  const payload = encodeEnvelope(envelope);
  applyRecords(store, [{ index: BigInt(index), term: 1n, payload }]);
}

/** What another reader of the file finds: the position, the entries, the value of the key. */
function inFile(path: string): unknown {
  using database = new DatabaseSync(path, { readOnly: true });
  const { position } = database.prepare("SELECT position FROM applied").get() ?? {};
  const { entries } = database.prepare("SELECT count(*) AS entries FROM entries").get() ?? {};
  const { value } = database.prepare(
    "SELECT json ->> '$.value' AS value FROM documents WHERE collection = 'declared'",
  ).get() ?? {};
  return { position, entries, value };
}

Deno.test("JRN-67: batches that are gathered become one transaction, position and all, and a crash before it leaves what was before", async () => {
  await using dir = await tempDir();
  const path = dir.file("state.db");
  const clock = new VirtualClock();
  const store = new StateStore(path, { gather: { clock, forMs: 50 } });
  applyCommit(store, 1);
  applyCommit(store, 2);
  assert.equal(store.history.entry(1)?.sequence, 1, "readers here see it at once");
  assert.deepEqual(inFile(path), { position: 0, entries: 0, value: undefined });
  clock.advance(50);
  assert.deepEqual(inFile(path), { position: 2, entries: 2, value: "2" });
  applyCommit(store, 3);
  assert.deepEqual(inFile(path), { position: 2, entries: 2, value: "2" });
  store.commit();
  assert.deepEqual(inFile(path), { position: 3, entries: 3, value: "3" });
  applyCommit(store, 4);
  assert.match([...exportState(store)].join(""), /"applied":\{"index":4/);
  applyCommit(store, 5);
  store.close();
  assert.deepEqual(inFile(path), { position: 5, entries: 5, value: "5" });
});

Deno.test("after a failed write the store takes no more", () => {
  const store = new StateStore(":memory:", { gather: { clock: new VirtualClock(), forMs: 50 } });
  applyCommit(store, 1);
  assert.throws(() => applyCommit(store, 7), /records between are missing/);
  assert.throws(() => applyCommit(store, 2), /records between are missing/);
  store.close();
});

for (
  const [when, count, extra] of [
    ["while what it had gathered is stored", 5, 0],
    ["after rows of it had been written", 40, 0],
    ["as a batch after it goes wrong", 20, 7],
  ] as const
) {
  Deno.test(`section 17: what was answered stays readable when a write fails ${when}, and the file keeps the state of before`, async () => {
    await using dir = await tempDir();
    const path = dir.file("state.db");
    const clock = new VirtualClock();
    const store = new StateStore(path, { gather: { clock, forMs: 50 } });
    const whole = new StateStore(":memory:");
    applyCommit(store, 1);
    const { database } = store;
    refuseCommits(database);
    for (let index = 2; index <= count; index++) applyCommit(store, index);
    for (let index = 1; index <= count; index++) applyCommit(whole, index);
    database.exec("INSERT INTO without_parent VALUES (1)");
    if (extra > 0) assert.throws(() => applyCommit(store, count + extra), /records between/);
    clock.advance(50);

    assert.throws(() => applyCommit(store, count + 1));
    assert.throws(() => store.commit());
    assert.equal(store.history.entry(count - 1)?.sequence, count - 1);
    assert.deepEqual([...store.entryPages({})].flat(), [...whole.entryPages({})].flat());
    assert.deepEqual([...store.auditPages({})].flat(), [...whole.auditPages({})].flat());
    assert.deepEqual([...exportState(store)], [...exportState(whole)]);
    assert.deepEqual(inFile(path), { position: 1, entries: 1, value: "1" });
    store.close();
    assert.deepEqual(inFile(path), { position: 1, entries: 1, value: "1" });
    whole.close();
  });
}

/** Has every transaction fail in the end that gives a child no parent, as on a full disk. */
function refuseCommits(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE parent (id INTEGER PRIMARY KEY);
    CREATE TABLE without_parent (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`);
}

for (
  const [what, sql] of [
    ["a document is unreadable", "UPDATE documents SET json = '{' WHERE collection = 'settings'"],
    ["an entry is missing", "DELETE FROM entries"],
    ["the applied position is gone", "DELETE FROM applied"],
  ] as const
) {
  Deno.test(`JRN-65: when ${what}, the state database is refused by name`, async () => {
    await using dir = await tempDir();
    const path = dir.file("state.db");
    written(path);
    tamper(path, sql);
    assert.throws(
      () => new StateStore(path),
      (error) =>
        error instanceof StorageError && error.kind === "corrupt" &&
        error.message.startsWith(path),
    );
  });
}

Deno.test("JRN-16: a state from before the hash chain gets the hashes it would have had", async () => {
  await using dir = await tempDir();
  const path = dir.file("state.db");
  using state = someEntries();
  const before = new DatabaseSync(path);
  MIGRATIONS[0]?.(before);
  before.exec("PRAGMA application_id = 0x70616374; PRAGMA user_version = 1");
  for (const { previous_hash: _, hash: __, ...entry } of state.entries()) {
    before.prepare("INSERT INTO entries VALUES (?, 'global', NULL, ?, 0, ?, 0)")
      .run(entry.sequence, entry.entry_type, canonicalJson(entry));
  }
  const { head_hash, ...counters } = countersOf(state.store);
  before.prepare("INSERT INTO documents VALUES ('settings', 'counters', ?)")
    .run(JSON.stringify(counters));
  before.close();
  const migrated = new StateStore(path);
  assert.deepEqual([...migrated.entryPages({})].flat(), state.entries());
  assert.equal(countersOf(migrated).head_hash, head_hash);
  migrated.close();
});

Deno.test("AUD-3: an audit record that leaves the state is kept in this member's archive", async () => {
  await using dir = await tempDir();
  const path = dir.file("state.db");
  const state = new StateStore(path);
  const changes = emptyTables();
  changes.audit.set(numberKey(0), auditRecord(0)).set(numberKey(1), auditRecord(1));
  changes.settings.set("counters", { ...countersOf(state), audit_next: 2 });
  state.batch(() => state.write([], changes, []));
  const removal = emptyTables();
  removal.audit.set(numberKey(0), undefined);
  removal.settings.set("counters", { ...countersOf(state), audit_first: 1 });
  state.batch(() => state.write([], removal, []));
  assert.deepEqual([...state.auditPages({})].flat(), [auditRecord(1)]);
  assert.deepEqual([...state.auditPages({ descending: true })].flat(), [auditRecord(1)]);
  assert.doesNotMatch([...exportState(state)].join(""), /op-0/);
  state.close();
  const kept = new StateStore(path);
  assert.deepEqual([...kept.auditPages({ archived: true })].flat(), [
    auditRecord(0),
    auditRecord(1),
  ]);
  kept.close();
});

for (
  const [what, toOldSchema] of [
    ["had tables of their own", TO_SCHEMA_2],
    ["lay many to a row", TO_SCHEMA_4],
    ["left out what was as before", TO_SCHEMA_5],
  ] as const
) {
  Deno.test(`JRN-16: a state from before requests and audit records ${what} is the same afterwards`, async () => {
    await using dir = await tempDir();
    const path = dir.file("state.db");
    const gather = { clock: new VirtualClock(), forMs: 50 };
    const state = new StateStore(path, { gather });
    for (const index of [1, 2, 3]) applyCommit(state, index, `request-${index}`);
    const before = [...exportState(state)];
    assert.match(before.join(""), /"request_ids","ann@example\.org\\nrequest-2",/);
    assert.match(before.join(""), /"audit","0000000000000002",/);
    state.close();
    tamper(path, toOldSchema);
    const migrated = new StateStore(path);
    assert.deepEqual([...exportState(migrated)], before);
    migrated.close();
  });
}
