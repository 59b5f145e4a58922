import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { ERROR_CODES, type ErrorCode } from "../../../../common/errors/mod.ts";
import type { CommandInput } from "../../../../journal/state/mod.ts";
import {
  ANN,
  append,
  BOB,
  commit,
  hold,
  register,
  type SendOptions,
  TestState,
} from "../../../support/journal/mod.ts";

interface Case {
  readonly check: string;
  readonly before?: readonly CommandInput[];
  readonly command: CommandInput;
  readonly options?: SendOptions;
  readonly code: ErrorCode;
  readonly status: Code;
  readonly message: string;
}

const MAC = "02:00:00:00:00:01";
const OTHER_MAC = "02:00:00:00:00:02";
const node = { Node: "n1" };
const vcluster = { VCluster: "ml" };
const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const activate: CommandInput = { type: "ActivateNode", node_id: "n1" };
const revoke: CommandInput = { type: "RevokeNode", node_id: "n1" };
const startEmergency = (scope: typeof node | typeof vcluster, reason: string) =>
  append({ entry_type: "EmergencyStart", scope, emergency_reason: reason });
const overlay = (data: string, checksum: string): CommandInput => ({
  type: "SetOverlay",
  overlay: { vcluster_id: "ml", version: 1, data, checksum, built_from_sequence: 0 },
});
const createApproval = hold("ap-00000001", commit(vcluster, { a: "1" }));
const decide = (decision: "Approved" | "Rejected", approval_id = "ap-00000001"): CommandInput => ({
  type: "DecideApproval",
  approval_id,
  decision,
});

const CASES: readonly Case[] = [
  {
    check: "empty author principal",
    command: append({ author: { ...ANN, principal: "" } }),
    code: "INVALID_ARGUMENT",
    status: Code.InvalidArgument,
    message: "author principal required",
  },
  {
    check: "empty author role",
    command: append({ author: { ...ANN, role: "" } }),
    code: "INVALID_ARGUMENT",
    status: Code.InvalidArgument,
    message: "author role required",
  },
  {
    check: "empty actor",
    command: { type: "SetBlacklist", vcluster_id: "ml", add: ["*.tmp"] },
    options: { actor: { ...ANN, principal: "" } },
    code: "INVALID_ARGUMENT",
    status: Code.InvalidArgument,
    message: "author principal required",
  },
  {
    check: "type that only the journal writes (JRN-14)",
    command: append({ entry_type: "PolicyUpdate" }),
    code: "INVALID_ARGUMENT",
    status: Code.InvalidArgument,
    message: "entry type not client-writable",
  },
  {
    check: "parent not before the entry",
    command: append({ parent: 0 }),
    code: "PRECONDITION",
    status: Code.FailedPrecondition,
    message: "parent must precede entry",
  },
  {
    check: "TTL too short",
    command: append({ scope: node, ttl_seconds: 899 }),
    code: "TTL_OUT_OF_BOUNDS",
    status: Code.InvalidArgument,
    message: "TTL must be >= 900 seconds (15 minutes)",
  },
  {
    check: "TTL too long",
    command: append({ scope: node, ttl_seconds: 864_001 }),
    code: "TTL_OUT_OF_BOUNDS",
    status: Code.InvalidArgument,
    message: "TTL must be <= 864000 seconds (10 days)",
  },
  {
    check: "overlay too large",
    command: overlay("x".repeat(10_485_761), emptySha256),
    code: "PRECONDITION",
    status: Code.FailedPrecondition,
    message: "overlay data too large: 10485761 bytes (max 10485760)",
  },
  {
    check: "overlay checksum",
    command: overlay("", "0000"),
    code: "PRECONDITION",
    status: Code.FailedPrecondition,
    message: `overlay checksum mismatch: expected 0000, got ${emptySha256}`,
  },
  {
    check: "approval missing",
    command: decide("Approved", "ap-ffffffff"),
    code: "NOT_FOUND",
    status: Code.NotFound,
    message: "approval ID not found",
  },
  {
    check: "approval decided before",
    before: [createApproval, decide("Rejected")],
    command: decide("Approved"),
    options: { actor: BOB },
    code: "APPROVAL_CLOSED",
    status: Code.FailedPrecondition,
    message: "approval ID already Rejected",
  },
  {
    check: "own approval, in whatever case the name is spelt",
    before: [createApproval],
    command: decide("Approved"),
    options: { actor: { ...ANN, principal: ANN.principal.toUpperCase() } },
    code: "SELF_APPROVAL",
    status: Code.PermissionDenied,
    message: "SELF_APPROVAL: cannot approve your own request (P4)",
  },
  {
    check: "node id taken",
    before: [register("n1", MAC)],
    command: register("n1", OTHER_MAC),
    code: "NODE_ALREADY_ENROLLED",
    status: Code.AlreadyExists,
    message: "NODE_ALREADY_ENROLLED: n1",
  },
  {
    check: "hardware taken",
    before: [register("n1", MAC)],
    command: register("n2", MAC),
    code: "HARDWARE_IDENTITY_CONFLICT",
    status: Code.AlreadyExists,
    message: "HARDWARE_IDENTITY_CONFLICT: hardware already registered to n1",
  },
  {
    check: "node revoked",
    before: [register("n1", MAC), revoke],
    command: activate,
    code: "NODE_REVOKED",
    status: Code.PermissionDenied,
    message: "NODE_REVOKED: n1",
  },
  {
    check: "node active",
    before: [register("n1", MAC), activate],
    command: activate,
    code: "ALREADY_ACTIVE",
    status: Code.AlreadyExists,
    message: "ALREADY_ACTIVE: n1",
  },
  {
    check: "node unknown",
    command: activate,
    code: "NODE_NOT_ENROLLED",
    status: Code.NotFound,
    message: "NODE_NOT_ENROLLED: n1",
  },
  {
    check: "emergency without reason",
    command: startEmergency(node, "  "),
    code: "INVALID_ARGUMENT",
    status: Code.InvalidArgument,
    message: "emergency reason required",
  },
  {
    check: "second emergency on one scope",
    before: [startEmergency(node, "fire")],
    command: startEmergency(node, "more fire"),
    code: "EMERGENCY_ACTIVE",
    status: Code.FailedPrecondition,
    message: "EMERGENCY_ACTIVE: em-0",
  },
  {
    check: "expected head older than the head",
    before: [commit(vcluster, { a: "1" }), commit(vcluster, { a: "2" })],
    command: { ...commit(vcluster, { a: "3" }), expected_head: 0 },
    code: "CONFLICT",
    status: Code.Aborted,
    message: "CONFLICT: expected sequence 0, head is 1",
  },
];

for (const { check, before = [], command, options, code, status, message } of CASES) {
  Deno.test(`JRN-22: ${check} is refused with its stable text, JRN-21: and changes nothing`, () => {
    using state = new TestState();
    for (const earlier of before) state.send(earlier);
    const stateBefore = state.exported().replace(/^.*\n/, "");
    assert.deepEqual(state.refusal(command, options), { code, message });
    assert.equal(ERROR_CODES[code], status);
    assert.equal(state.exported().replace(/^.*\n/, ""), stateBefore);
  });
}

Deno.test("JRN-23: a TTL of 0 means none, and a client's timestamp is ignored", () => {
  using state = new TestState();
  const sequence = state.append(
    append({ scope: node, ttl_seconds: 0, timestamp: "2001-01-01T00:00:00Z" }),
  );
  assert.equal(state.entry(sequence).timestamp, "2026-01-01T00:00:00.000Z");
  assert.deepEqual([...state.store.list("ttls")], []);
});

Deno.test("JRN-24: a replayed entry keeps its time within bounds and notes when it came", () => {
  using state = new TestState();
  const replay = (timestamp: string) =>
    state.entry(state.append(append({ scope: node, policy_ref: "degraded:n1", timestamp })));
  const kept = replay("2025-12-31T23:00:00.000Z");
  assert.equal(kept.timestamp, "2025-12-31T23:00:00.000Z");
  assert.equal(kept.received_at, "2026-01-01T00:00:00.000Z");
  assert.equal(replay("2024-01-01T00:00:00.000Z").timestamp, "2025-12-02T00:00:00.000Z");
  assert.equal(replay("2027-01-01T00:00:00.000Z").timestamp, "2026-01-01T00:01:00.000Z");
});

Deno.test("JRN-25: an expected head that still is the head lets the append through", () => {
  using state = new TestState();
  state.append(commit(vcluster, { a: "1" }));
  state.append(commit({ VCluster: "other" }, { a: "1" }));
  const sequence = state.append({ ...commit(vcluster, { a: "2" }), expected_head: 0 });
  assert.equal(sequence, 2);
});

Deno.test("JRN-57: a request that was refused stays refused, though it would be taken by now", () => {
  using state = new TestState();
  const late = append({ parent: 0 });
  assert.match(state.refusal(late, { requestId: "r1" }).message, /parent must precede entry/);
  state.append(append({}));
  assert.match(state.refusal(late, { requestId: "r1" }).message, /parent must precede entry/);
  assert.equal(state.append(late, { requestId: "r2" }), 1);
});
