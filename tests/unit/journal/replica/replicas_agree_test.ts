import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { type Entry, type Scope, scopeText } from "../../../../common/model/mod.ts";
import {
  CommandSchema,
  declaredAsOf,
  declaredNow,
  EnvelopeSchema,
} from "../../../../journal/state/mod.ts";
import { exportState, importState, StateStore } from "../../../../journal/store/mod.ts";
import { buildOverlay, nodeDelta } from "../../../../journal/overlay/mod.ts";
import { applyRecords, encodeEnvelope } from "../../../../journal/replica/state_machine.ts";
import { FORMATS, type LogRecord, NEWEST_FORMAT, stamped } from "../../../../journal/log/mod.ts";
import { type RandomStep, randomSteps } from "../../../support/journal/mod.ts";
import { runs } from "../../../support/mod.ts";

/** The log records of a random history, in no newer form than `newest`. */
function recordsOf(steps: readonly RandomStep[], newest: number = FORMATS.named): LogRecord[] {
  let nowMs = Date.UTC(2026, 0, 1);
  return steps.map(({ afterMs, command, options }, at) => {
    nowMs += afterMs;
    const envelope = EnvelopeSchema.parse({
      format: 1,
      proposal: `p-${at}`,
      timestamp: new Date(nowMs).toISOString(),
      actor: options.actor,
      request_id: options.requestId,
      audit: command.type === "AppendEntry" ? noteOf(command.entry.scope) : undefined,
      command,
    });
    const payload = stamped(encodeEnvelope(envelope, newest), nowMs);
    return { index: BigInt(at + 1), term: 1n, payload };
  });
}

function noteOf(scope: Scope) {
  return { operation_type: "config.commit", scope, detail: "", source: "::1", metadata: {} };
}

function exported(store: StateStore): string {
  return [...exportState(store)].join("\n");
}

function withStores(run: (one: StateStore, other: StateStore) => void): void {
  const stores = [new StateStore(":memory:"), new StateStore(":memory:")] as const;
  try {
    run(...stores);
  } finally {
    for (const store of stores) store.close();
  }
}

Deno.test("JRN-40, JRN-17, ACC-4: a replica that follows the log and one that starts from a snapshot at a random point hold the same bytes", () => {
  fc.assert(
    fc.property(randomSteps, fc.nat(40), (steps, snapshotAt) => {
      const records = recordsOf(steps);
      withStores((byLog, bySnapshot) => {
        applyRecords(byLog, records.slice(0, snapshotAt));
        importState(bySnapshot, exportState(byLog));
        assert.equal(exported(bySnapshot), exported(byLog));
        applyRecords(byLog, records);
        applyRecords(bySnapshot, records);
        assert.equal(exported(bySnapshot), exported(byLog));
        // ACC-4: what a node boots from is the same, byte for byte, wherever it asks.
        assert.deepEqual(buildOverlay(bySnapshot, "ml"), buildOverlay(byLog, "ml"));
        const atMs = Date.UTC(2026, 0, 1);
        assert.deepEqual(nodeDelta(bySnapshot, "n1", atMs), nodeDelta(byLog, "n1", atMs));
      });
    }),
    { numRuns: runs(100, 1_000) },
  );
});

Deno.test("JRN-20: one batch or record by record, the state is the same", () => {
  fc.assert(
    fc.property(randomSteps, (steps) => {
      const records = recordsOf(steps);
      withStores((batched, single) => {
        applyRecords(batched, records);
        for (const record of records) applyRecords(single, [record]);
        assert.equal(exported(single), exported(batched));
      });
    }),
    { numRuns: 50 },
  );
});

Deno.test("JRN-40, DEP-91: whichever form records have, the state is the same", () => {
  fc.assert(
    fc.property(randomSteps, (steps) => {
      const [named, packed] = [recordsOf(steps), recordsOf(steps, NEWEST_FORMAT)];
      withStores((one, other) => {
        applyRecords(one, named);
        applyRecords(other, packed);
        assert.equal(exported(other), exported(one));
      });
    }),
    { numRuns: 100 },
  );
});

Deno.test("J1 to J6, OVL-3: the invariants hold after every history", () => {
  fc.assert(
    fc.property(randomSteps, fc.nat(40), (steps, halfway) => {
      const records = recordsOf(steps);
      withStores((store) => {
        applyRecords(store, records.slice(0, halfway));
        const before = [...store.entryPages({})].flat();
        applyRecords(store, records);
        const entries = [...store.entryPages({})].flat();
        // J2: what was written stays as it was.
        assert.deepEqual(entries.slice(0, before.length), before);
        assertInvariants(store, entries);
      });
    }),
    { numRuns: runs(100, 1_000) },
  );
});

Deno.test("JRN-40: the random histories hold every command, and every one of them is applied in some", () => {
  const seen = new Map<string, Set<string>>();
  const commands = CommandSchema.options.map(({ shape }) => shape.type.value);
  const neverApplied = () => commands.filter((type) => seen.get(type)?.has("applied") !== true);
  const isEnough = () => neverApplied().length === 1 && seen.has("RecordCheckpoint");
  for (let seed = 1; seed <= 200 && !isEnough(); seed++) {
    for (const steps of fc.sample(randomSteps, { numRuns: 50, seed })) {
      const store = new StateStore(":memory:");
      for (const { envelope, outcome } of applyRecords(store, recordsOf(steps))) {
        const { type } = envelope.command;
        seen.set(type, (seen.get(type) ?? new Set()).add(outcome.kind));
      }
      store.close();
    }
  }
  // A checkpoint counts only over a hash that the history does not know before it is made.
  assert.deepEqual(neverApplied(), ["RecordCheckpoint"]);
  assert.ok(seen.has("RecordCheckpoint"));
});

function assertInvariants(store: StateStore, entries: readonly Entry[]): void {
  assert.deepEqual(entries.map(({ sequence }) => sequence), [...entries.keys()], "J1");
  const actors = [
    ...entries.map(({ author }) => author),
    ...[...store.auditPages({})].flat().map((record) => record.actor),
    ...[...store.list("approvals")].map(([, { requester }]) => requester),
  ];
  for (const { principal, role } of actors) assert.ok(principal !== "" && role !== "", "J3");
  for (const { parent, sequence } of entries) {
    assert.ok(parent === undefined || parent < sequence, "J4");
  }
  for (const [vclusterId, { data, checksum, version }] of store.list("overlays")) {
    assert.equal(createHash("sha256").update(data).digest("hex"), checksum, "J5");
    const build = entries.findLast(({ entry_type, scope }) =>
      entry_type === "BootConfig" && scopeText(scope) === `vc:${vclusterId}`
    );
    assert.equal(build?.message, `overlay version ${version}`, "J5");
  }
  for (const [vclusterId, { vcluster_id }] of store.list("policies")) {
    assert.equal(vcluster_id, vclusterId, "J6");
  }
  assertIndexes(store);
  assertFold(store, entries);
}

/** What is kept twice, to be found quickly, says the same in both places. */
function assertIndexes(store: StateStore): void {
  const open = [...store.list("emergencies")].filter(([, { ended_at }]) => ended_at === undefined);
  assert.deepEqual(
    [...store.list("open_emergencies")].map(([scope, { session_id }]) => [session_id, scope])
      .sort(),
    open.map(([id, { scope }]) => [id, scopeText(scope)]).sort(),
  );
  const unsettled = [...store.list("conflicts")].filter(([, { state }]) => state === "Open");
  assert.deepEqual(
    [...store.list("open_conflicts")].map(([, { conflict_id }]) => conflict_id).sort(),
    unsettled.map(([id]) => id).sort(),
  );
  const requests = [...store.list("request_ids")].map(([key, { order }]) => [order, key]);
  assert.deepEqual(
    [...store.list("request_order")].map((
      [order, { request_key }],
    ) => [Number(order), request_key]),
    requests.sort(([a], [b]) => Number(a) - Number(b)),
  );
  for (const [hardware, { node_id }] of store.list("hw_index")) {
    assert.ok(store.get("enrollments", node_id)?.hardware_keys.includes(hardware));
  }
  const ids = [...store.list("uid_map")].map(([, { uid }]) => uid);
  assert.equal(new Set(ids).size, ids.length, "IM1");
}

/** What vClusters declare is the fold of their entries (OVL-3). */
function assertFold(store: StateStore, entries: readonly Entry[]): void {
  for (const VCluster of ["ml", "sim"]) {
    assert.deepEqual(
      new Map([...declaredNow(store, { VCluster })].sort()),
      new Map([...declaredAsOf(store.history, { VCluster }, entries.length, 0)].sort()),
    );
  }
}
