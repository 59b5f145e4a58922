import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { countersOf, emptyTables, numberKey } from "../../../../journal/state/mod.ts";
import { recordsOfRow } from "../../../../journal/store/audit_rows.ts";
import { ROW_DOCUMENTS } from "../../../../journal/store/numbered_rows.ts";
import { exportState, importState, StateStore } from "../../../../journal/store/mod.ts";
import { auditRecord } from "../../../support/journal/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { tempDir } from "../../../support/mod.ts";

const COUNT = 300;

const record = (number: number) => auditRecord(number, number % 3 === 0 ? "exec" : "commit");

const open = (path: string) =>
  new StateStore(path, { gather: { clock: new VirtualClock(), forMs: 50 } });

/** Puts `COUNT` audit records and requests into a store, in transactions of every size. */
function fill(store: StateStore): void {
  for (let number = 0; number < COUNT; number++) {
    const changes = emptyTables();
    changes.audit.set(numberKey(number), record(number));
    const key = `ann\nr-${number}`;
    changes.request_order.set(numberKey(number), {
      request_key: key,
      at: record(number).timestamp,
    });
    changes.request_ids.set(key, { order: number, type: "AppendEntry", result: { kind: "Ok" } });
    changes.settings.set("counters", {
      ...countersOf(store),
      audit_next: number + 1,
      request_next: number + 1,
    });
    store.batch(() => store.write([], changes, []));
    if ([1, 2, 40, 41, 100, 200].includes(number)) store.commit();
  }
}

/** Moves the state's first audit record, first request and, where given, retention. */
function moveTo(store: StateStore, first: number, auditKeptFrom?: number): void {
  const counters = countersOf(store);
  const changes = emptyTables();
  for (let number = counters.request_first; number < first; number++) {
    changes.audit.set(numberKey(number), undefined);
    changes.request_order.set(numberKey(number), undefined);
    changes.request_ids.set(`ann\nr-${number}`, undefined);
  }
  changes.settings.set("counters", {
    ...counters,
    audit_first: first,
    request_first: first,
    ...(auditKeptFrom === undefined ? {} : { audit_kept_from: auditKeptFrom }),
  });
  store.batch(() => store.write([], changes, []));
}

const range = (first: number, end = COUNT) =>
  Array.from({ length: end - first }, (_, at) => `op-${first + at}`);

const ids = (store: StateStore, query = {}) =>
  [...store.auditPages(query)].flat().map(({ id }) => id);

const requests = (store: StateStore) =>
  [...store.list("request_order")].map(([key]) => Number(key));

for (const first of [0, 1, 63, 64, 65, 150, 299, 300]) {
  Deno.test(`AUD-3: from audit record ${first} on the state has them all, in both directions, and the archive those before`, async () => {
    await using dir = await tempDir();
    const path = dir.file("state.db");
    let store = open(path);
    fill(store);
    moveTo(store, first);
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(ids(store), range(first));
      assert.deepEqual(ids(store, { descending: true }), range(first).reverse());
      assert.deepEqual(
        ids(store, { descending: true, limit: 40 }),
        range(first).reverse().slice(0, 40),
      );
      assert.deepEqual(ids(store, { archived: true }), range(0));
      assert.deepEqual(requests(store), range(first).map((id) => Number(id.slice(3))));
      const lines = [...exportState(store)].join("\n");
      assert.equal(lines.match(/\["audit"/g)?.length ?? 0, COUNT - first);
      assert.equal(lines.match(/\["request_ids"/g)?.length ?? 0, COUNT - first);
      store.close();
      store = open(path);
    }
    // Forgotten requests leave the file too, but for those that share a row with one that is left.
    using database = new DatabaseSync(path);
    const rows = database.prepare("SELECT json FROM requests").all();
    const kept = rows.flatMap(({ json }) => JSON.parse(String(json))).length;
    assert.ok(
      kept >= COUNT - first && kept < COUNT - first + ROW_DOCUMENTS,
      `${kept} requests are stored`,
    );
    store.close();
  });
}

for (const from of [1, 64, 65, 170, 300]) {
  Deno.test(`AUD-4: audit records before ${from} that are past retention are nowhere in the file`, async () => {
    await using dir = await tempDir();
    const path = dir.file("state.db");
    const store = open(path);
    fill(store);
    moveTo(store, from, from);
    assert.deepEqual(ids(store, { archived: true }), range(from));
    store.close();
    using database = new DatabaseSync(path);
    const left = database.prepare("SELECT json FROM audit ORDER BY number").all()
      .flatMap(({ json }) => recordsOfRow(String(json)));
    assert.deepEqual(left.map(({ id }) => id), range(from));
  });
}

Deno.test("JRN-17: audit records and requests of many to a row are exported and imported the same", async () => {
  await using dir = await tempDir();
  const store = open(dir.file("state.db"));
  fill(store);
  moveTo(store, 70);
  const lines = [...exportState(store)];
  const copy = open(dir.file("copy.db"));
  importState(copy, lines);
  assert.deepEqual([...exportState(copy)], lines);
  assert.deepEqual(requests(copy), requests(store));
  moveTo(copy, 100);
  assert.deepEqual(ids(copy), range(100));
  assert.deepEqual(requests(copy)[0], 100);
  store.close();
  copy.close();
});
