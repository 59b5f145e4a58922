import assert from "node:assert/strict";
import { AGENT, ANN, append, BOB, TestState } from "../../../support/journal/mod.ts";

const node = { Node: "n1" };
const open = { type: "OpenEmergency", scope: node, reason: "fire" } as const;

Deno.test("EMG-1, JRN-15: OpenEmergency and CloseEmergency write EmergencyStart and EmergencyEnd", () => {
  using state = new TestState();
  assert.deepEqual(state.send(open), { kind: "Ok", sequence: 0, id: "em-0" });
  assert.deepEqual(state.send({ type: "CloseEmergency", session_id: "em-0" }), {
    kind: "Ok",
    sequence: 1,
    id: "em-0",
  });
  assert.deepEqual(state.entries().map(({ entry_type }) => entry_type), [
    "EmergencyStart",
    "EmergencyEnd",
  ]);
  assert.equal(state.entry(0).emergency_reason, "fire");
  const session = state.store.get("emergencies", "em-0");
  assert.equal(session?.ended_by, ANN.principal);
  assert.equal(session?.forced, false);
});

Deno.test("EMG-3: someone else ends a session only with force, and the record says so", () => {
  using state = new TestState();
  state.send(open);
  const close = { type: "CloseEmergency", session_id: "em-0" } as const;
  assert.equal(state.refusal(close, { actor: BOB }).code, "PERMISSION_DENIED");
  state.send({ ...close, force: true }, { actor: BOB });
  assert.equal(state.store.get("emergencies", "em-0")?.forced, true);
  assert.deepEqual(state.refusal(close), {
    code: "NO_EMERGENCY",
    message: "NO_EMERGENCY: no open emergency session em-0",
  });
});

Deno.test("EMG-6: machines neither start nor end an emergency, by whichever command", () => {
  using state = new TestState();
  const code = "PERMISSION_DENIED";
  const start = append({
    entry_type: "EmergencyStart",
    scope: node,
    author: AGENT,
    emergency_reason: "fire",
  });
  assert.equal(state.refusal(start).code, code);
  assert.equal(state.refusal(open, { actor: AGENT }).code, code);
  state.send(open);
  const end = append({ entry_type: "EmergencyEnd", scope: node, author: AGENT }, { force: true });
  assert.equal(state.refusal(end).code, code);
  const close = { type: "CloseEmergency", session_id: "em-0", force: true } as const;
  assert.equal(state.refusal(close, { actor: AGENT }).code, code);
});
