import assert from "node:assert/strict";
import fc from "fast-check";
import type { AuditRecord } from "../../../../journal/state/mod.ts";
import { auditRow, recordsOfRow } from "../../../../journal/store/audit_rows.ts";
import { SCOPES } from "../../../support/journal/mod.ts";

const texts = fc.constantFrom("", "a", "b");

/** Records that are alike in some members and not in others. */
const records: fc.Arbitrary<AuditRecord> = fc.record({
  id: texts,
  timestamp: fc.constantFrom("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z"),
  actor: fc.record({
    principal: texts,
    principal_type: fc.constantFrom("Human", "Agent"),
    role: texts,
  }),
  operation_type: fc.constantFrom("commit", "exec"),
  scope: fc.constantFrom(...SCOPES),
  outcome: fc.constantFrom("Success", "Failure", "Denied"),
  detail: texts,
  source: texts,
  metadata: fc.dictionary(fc.constantFrom("a", "b", "constructor"), texts),
}).map((record) => structuredClone(record));

Deno.test("AUD-1: audit records come out of a row as they went in, whatever they share with the one before", () => {
  fc.assert(fc.property(fc.array(records, { minLength: 1, maxLength: 8 }), (row) => {
    assert.deepEqual(recordsOfRow(auditRow(row)), row);
  }));
});

Deno.test("JRN-16: a row from before, of whole records, is read as it was meant", () => {
  fc.assert(fc.property(fc.array(records, { minLength: 1, maxLength: 8 }), (row) => {
    assert.deepEqual(recordsOfRow(JSON.stringify(row)), row);
  }));
});

Deno.test("of a record like the one before only id and time are stored", () => {
  const record: AuditRecord = {
    id: "op-1",
    timestamp: "2026-01-01T00:00:00.000Z",
    actor: { principal: "ann", principal_type: "Human", role: "pact-platform-admin" },
    operation_type: "config.commit",
    scope: { VCluster: "ml" },
    outcome: "Success",
    detail: "",
    source: "cli",
    metadata: { action: "commit" },
  };
  const next = { ...structuredClone(record), id: "op-2", timestamp: "2026-01-01T00:00:01.000Z" };
  assert.equal(
    auditRow([record, next]),
    JSON.stringify([record, { id: next.id, timestamp: next.timestamp }]),
  );
});
