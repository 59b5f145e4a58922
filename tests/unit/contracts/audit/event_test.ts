import assert from "node:assert/strict";
import {
  type AuditEvent,
  auditEvent,
  auditEventFromJson,
  type AuditEventInput,
  auditEventToJson,
  decodeJson,
  encodeJson,
  formatTimestamp,
  gapMetadata,
  JsonError,
  MAX_DETAIL_LENGTH,
  nodeScope,
  nodeVclusterScope,
  relayedBy,
  systemPrincipal,
} from "../../../../contracts/mod.ts";

const INPUT: AuditEventInput = {
  id: "4c0ec64c-44f1-4ba4-b5a1-6ae3a6b5e14e",
  nowUsec: 1_795_234_816_000_123n,
  principal: systemPrincipal("pact-agent"),
  action: "boot.ready",
  scope: nodeScope("n1"),
  outcome: "Success",
  source: "PactAgent",
};

const GOLDEN = '{"id":"4c0ec64c-44f1-4ba4-b5a1-6ae3a6b5e14e",' +
  '"timestamp":"2026-11-21T04:20:16.000123Z",' +
  '"principal":{"identity":"pact-agent","principal_type":"System","role":""},' +
  '"action":"boot.ready","scope":{"node_id":"n1"},"outcome":"Success","detail":"",' +
  '"metadata":null,"source":"PactAgent"}';

Deno.test("AE-1, ACC-N3: all nine keys are there, absent scope parts left out, metadata null", () => {
  const event = auditEvent(INPUT);
  assert.equal(encodeJson(auditEventToJson(event)), GOLDEN);
  assert.deepEqual(auditEventFromJson(decodeJson(GOLDEN)), event);
});

Deno.test("ACC-N3: a full event keeps everything through JSON", () => {
  const event: AuditEvent = auditEvent({
    ...INPUT,
    principal: { identity: "ana@example.org", principalType: "Human", role: "pact-ops-ml" },
    scope: { nodeId: "n1", vclusterId: "ml", allocationId: "42" },
    outcome: "Denied",
    detail: "exec refused",
    metadata: { bytes: 9007199254740993n, list: [1, "a", null] },
  });
  assert.deepEqual(auditEventFromJson(decodeJson(encodeJson(auditEventToJson(event)))), event);
});

Deno.test("AE-2: builders of principals and scopes", () => {
  assert.deepEqual(systemPrincipal("x"), { identity: "x", principalType: "System", role: "" });
  assert.deepEqual(nodeScope("n"), { nodeId: "n", vclusterId: null, allocationId: null });
  assert.deepEqual(nodeVclusterScope("n", "v"), {
    nodeId: "n",
    vclusterId: "v",
    allocationId: null,
  });
});

Deno.test("AE-3: the certificate a human's action came through goes to metadata.via", () => {
  assert.deepEqual(relayedBy("agent-n1", { argv: "ls" }), { argv: "ls", via: "agent-n1" });
});

Deno.test("section 7.1: times are UTC with microseconds", () => {
  assert.equal(formatTimestamp(0n), "1970-01-01T00:00:00.000000Z");
  assert.equal(formatTimestamp(1_999_999n), "1970-01-01T00:00:01.999999Z");
});

Deno.test("AE-4: secrets reach neither detail nor metadata", () => {
  const event = auditEvent({
    ...INPUT,
    detail: "ran x --token=abc Password=hunter2",
    metadata: { args: ["SECRET=s3"], api_key: "k", nested: { password: { a: 1 } } },
  });
  assert.equal(event.detail, "ran x --token=*** Password=***");
  assert.deepEqual(event.metadata, {
    args: ["SECRET=***"],
    api_key: "***",
    nested: { password: "***" },
  });
});

Deno.test("AE-4: the redaction can be replaced", () => {
  const event = auditEvent({ ...INPUT, detail: "abc", metadata: ["abc"] }, () => "gone");
  assert.deepEqual([event.detail, event.metadata], ["gone", ["gone"]]);
});

Deno.test("AE-5: control characters and terminal escapes in detail become question marks", () => {
  const detail = "a\x1b[31mred\x1b[0m\nb\x00c\x7fd\u009b2Je\u202ef\x1b]0;title\x07g";
  assert.equal(auditEvent({ ...INPUT, detail }).detail, "a?red??b?c?d?e?f?g");
});

Deno.test("section 7.1: a detail is cut at 4096 characters, between characters", () => {
  const detail = "x".repeat(MAX_DETAIL_LENGTH - 1) + "\u{1f600}";
  assert.equal(auditEvent({ ...INPUT, detail }).detail, "x".repeat(MAX_DETAIL_LENGTH - 1));
});

Deno.test("section 7.1: metadata over 16 KiB is replaced by a note of its size", () => {
  const { metadata } = auditEvent({ ...INPUT, metadata: { big: "x".repeat(20_000) } });
  assert.deepEqual(metadata, { dropped: "metadata too big", bytes: 20_010 });
});

Deno.test("AS-1: metadata that has no JSON form does not stop the event", () => {
  const { metadata } = auditEvent({ ...INPUT, metadata: { bad: Number.NaN } });
  assert.deepEqual(metadata, { dropped: "metadata has no JSON form" });
});

Deno.test("AS-3: a gap is told with its count and times", () => {
  assert.deepEqual(gapMetadata(3, "T1", "T2"), { count: 3, first: "T1", last: "T2" });
});

const MALFORMED: readonly [key: string, value: string | number | null][] = [
  ["id", "not-a-uuid"],
  ["id", "4c0ec64c-44f1-1ba4-b5a1-6ae3a6b5e14e"],
  ["timestamp", "yesterday"],
  ["action", "Boot.Ready"],
  ["action", "boot"],
  ["outcome", "success"],
  ["source", "Elsewhere"],
  ["principal", null],
  ["detail", 5],
  ["detail", "x".repeat(MAX_DETAIL_LENGTH + 1)],
  ["metadata", "x".repeat(20_000)],
];

for (const [key, value] of MALFORMED) {
  Deno.test(`section 7.1: an event with ${key} ${String(value).slice(0, 40)} is refused`, () => {
    const json = { ...auditEventToJson(auditEvent(INPUT)), [key]: value };
    assert.throws(() => auditEventFromJson(json), JsonError);
  });
}
