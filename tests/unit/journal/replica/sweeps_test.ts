import assert from "node:assert/strict";
import { SYSTEM_IDENTITY } from "../../../../common/model/mod.ts";
import { expiryCommands } from "../../../../journal/replica/sweeps.ts";
import { ANN, append, commit, register, TestState } from "../../../support/journal/mod.ts";

const node = { Node: "n1" };
const bySystem = { actor: SYSTEM_IDENTITY };
const HOUR_MS = 3_600_000;

/** Sweeps as the leader does, and applies what it proposes; the types of the commands. */
function sweep(state: TestState): string[] {
  const commands = expiryCommands(state.store, state.nowMs, true);
  for (const command of commands) state.send(command, bySystem);
  return commands.map(({ type }) => type);
}

Deno.test("HB-5: a sweep that finds nothing expired proposes nothing", () => {
  using state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01", "ml"));
  state.append(commit(node, { a: "1" }, { ttl_seconds: 900 }), { requestId: "r1" });
  state.send({ type: "OpenEmergency", scope: node, reason: "fire" });
  assert.deepEqual(sweep(state), []);
});

Deno.test("EMG-4: a session past its end becomes stale by a command of the leader's, on record and once; it stays open", () => {
  using state = new TestState();
  const opened = state.send({ type: "OpenEmergency", scope: node, reason: "fire" });
  assert.ok(opened.kind === "Ok" && opened.id === "em-0");
  state.nowMs += 4 * HOUR_MS - 1;
  assert.deepEqual(sweep(state), []);
  state.nowMs += 1;
  assert.deepEqual(sweep(state), ["MarkEmergenciesStale"]);
  const session = state.store.get("emergencies", "em-0");
  assert.equal(session?.stale_since, new Date(state.nowMs).toISOString());
  assert.equal(session?.ended_at, undefined);
  const [record] = [...state.store.auditPages({ operationTypes: ["EmergencyStale"] })].flat();
  assert.match(record?.detail ?? "", /em-0 of ann@example.org is stale/);
  state.nowMs += HOUR_MS;
  assert.deepEqual(sweep(state), []);
});

Deno.test("JRN-57: request ids are forgotten after an hour without another write", () => {
  using state = new TestState();
  for (let i = 0; i < 50; i++) state.append(append({}), { requestId: `r${i}` });
  state.nowMs += HOUR_MS;
  assert.deepEqual(sweep(state), []);
  state.nowMs += 1;
  assert.deepEqual(sweep(state), ["PurgeExpired"]);
  assert.deepEqual([...state.store.list("request_ids")], []);
  assert.deepEqual([...state.store.list("request_order")], []);
  assert.deepEqual(sweep(state), []);
});

Deno.test("CRT-6: a revoked serial is forgotten 24 h after its certificate's own end", () => {
  using state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01"));
  state.send({
    type: "ActivateNode",
    node_id: "n1",
    cert_serial: "ab01",
    cert_expires_at: new Date(state.nowMs + 72 * HOUR_MS).toISOString(),
  });
  state.send({ type: "RevokeNode", node_id: "n1" });
  state.nowMs += 96 * HOUR_MS;
  assert.deepEqual(sweep(state), []);
  assert.ok(state.store.get("revoked_serials", "ab01"));
  state.nowMs += 1;
  assert.deepEqual(sweep(state), ["PurgeExpired"]);
  assert.equal(state.store.get("revoked_serials", "ab01"), undefined);
});

Deno.test("CRT-1: a replaced CA certificate leaves the bundle after 600 s", () => {
  using state = new TestState();
  const publish = (certificate_pem: string) =>
    state.send({
      type: "PublishCa",
      journal_node_id: "1",
      certificate_pem,
      not_after: new Date(state.nowMs + 24 * HOUR_MS).toISOString(),
    });
  publish("first");
  publish("second");
  const bundle = () => [...state.store.list("ca_bundle")].map(([, ca]) => ca.certificate_pem);
  state.nowMs += 600_000;
  sweep(state);
  assert.deepEqual(bundle(), ["second", "first"]);
  state.nowMs += 1;
  sweep(state);
  assert.deepEqual(bundle(), ["second"]);
});

Deno.test("APR-15: closed approvals and ended emergencies are listed for 90 days", () => {
  using state = new TestState();
  state.send({ type: "OpenEmergency", scope: node, reason: "fire" });
  state.send({ type: "CloseEmergency", session_id: "em-0" });
  state.nowMs += 90 * 24 * HOUR_MS;
  assert.deepEqual(sweep(state), []);
  state.nowMs += 1;
  assert.deepEqual(sweep(state), ["PurgeExpired"]);
  assert.deepEqual([...state.store.list("emergencies")], []);
});

Deno.test("JRN-20: apply looks at the time itself: a purge or a stale mark that comes too early changes nothing", () => {
  using state = new TestState();
  state.send({ type: "OpenEmergency", scope: node, reason: "fire" }, {
    actor: ANN,
    requestId: "r1",
  });
  const before = state.exported().replace(/^.*\n/, "");
  state.send({ type: "MarkEmergenciesStale", session_ids: ["em-0", "em-9"] }, bySystem);
  state.send({ type: "PurgeExpired" }, bySystem);
  assert.equal(state.exported().replace(/^.*\n/, ""), before);
});
