import assert from "node:assert/strict";
import type { CommandInput } from "../../../../journal/state/mod.ts";
import { register, TestState } from "../../../support/journal/mod.ts";

const MAC = "02:00:00:00:00:01";
const certificate = (cert_serial: string) => ({
  type: "UpdateNodeCert",
  node_id: "n1",
  cert_serial,
  cert_expires_at: "2026-01-04T00:00:00.000Z",
} as const);
const activate = { type: "ActivateNode", node_id: "n1" } as const;

/** A state with node n1 registered in ml. */
function registered(): TestState {
  const state = new TestState();
  state.send(register("n1", MAC, "ml"));
  return state;
}

const recordOf = (state: TestState) => state.store.get("enrollments", "n1");
const at = (state: TestState, offsetMs: number) => new Date(state.nowMs + offsetMs).toISOString();

Deno.test("9.1: Registered becomes Active, Inactive without contact, and Active on return", () => {
  using state = registered();
  assert.equal(recordOf(state)?.state, "Registered");
  state.send(activate);
  assert.equal(recordOf(state)?.state, "Active");
  state.nowMs += 300_001;
  state.send({ type: "DeactivateNode", node_id: "n1", unseen_since: at(state, -300_000) });
  assert.equal(recordOf(state)?.state, "Inactive");
  state.send(activate);
  assert.equal(recordOf(state)?.state, "Active");
});

Deno.test("HB-3: a node that was seen meanwhile is not deactivated", () => {
  using state = registered();
  state.send(activate);
  state.nowMs += 300_001;
  state.send({
    type: "UpdateNodeLastSeen",
    nodes: [{ node_id: "n1", last_seen: at(state, 0) }, {
      node_id: "unknown",
      last_seen: at(state, 0),
    }],
  });
  state.send({ type: "DeactivateNode", node_id: "n1", unseen_since: at(state, -300_000) });
  assert.equal(recordOf(state)?.state, "Active");
});

Deno.test("9.1, ENR-1: an Active node enrols again only when its holder was not seen for the lock time", () => {
  using state = registered();
  state.send(activate);
  state.nowMs += 29_000;
  const again = () => ({ ...activate, gone_since: at(state, -30_000) });
  assert.equal(state.refusal(again()).message, "ALREADY_ACTIVE: n1");
  state.nowMs += 2000;
  state.send(again());
});

Deno.test("ENR-22: a failed signing puts the record back to Registered", () => {
  using state = registered();
  state.send(activate);
  state.send({ type: "DeactivateNode", node_id: "n1", to: "Registered" });
  assert.equal(recordOf(state)?.state, "Registered");
});

Deno.test("ENR-40, ENR-41: decommissioning revokes the serial, drops the assignment, keeps the record", () => {
  using state = registered();
  state.send(certificate("0a"));
  const result = state.send({ type: "RevokeNode", node_id: "n1", reason: "sold" });
  assert.equal(result.kind === "EnrollmentResult" && result.revoked_serial, "0a");
  assert.equal(recordOf(state)?.state, "Revoked");
  assert.equal(state.store.get("node_assignments", "n1"), undefined);
  assert.equal(state.store.get("revoked_serials", "0a")?.node_id, "n1");
});

Deno.test("ENR-12, ENR-41: a revoked node's hardware can be registered again, under any name", () => {
  using state = registered();
  state.send({ type: "RevokeNode", node_id: "n1" });
  state.send(register("n2", MAC));
  assert.equal(state.store.get("hw_index", `mac:${MAC}`)?.node_id, "n2");
  state.send(register("n1", "02:00:00:00:00:09"));
  assert.equal(state.entries().at(-1)?.message, "re-registration of a revoked node");
});

Deno.test("CRT-4: of two renewals of one certificate the first wins", () => {
  using state = registered();
  state.send(certificate("0a"));
  const renew = (cert_serial: string) => ({ ...certificate(cert_serial), expected_serial: "0a" });
  state.send(renew("0b"));
  assert.equal(
    state.refusal(renew("0c")).message,
    "no enrollment for this certificate serial",
  );
  assert.equal(recordOf(state)?.cert_serial, "0b");
});

Deno.test("moving a node needs it to be where the caller believes it is", () => {
  using state = registered();
  const move = (from_vcluster_id: string): CommandInput => ({
    type: "MoveNodeVCluster",
    node_id: "n1",
    from_vcluster_id,
    to_vcluster_id: "prod",
  });
  assert.match(state.refusal(move("sim")).message, /node n1 is in ml, not in sim/);
  state.send(move("ml"));
  assert.equal(state.store.get("node_assignments", "n1")?.vcluster_id, "prod");
  assert.equal(recordOf(state)?.vcluster_id, "prod");
});

Deno.test("CRT-1: a journal's replaced CA certificate stays trusted for ten minutes", () => {
  using state = new TestState();
  const publish = (certificate_pem: string): CommandInput => ({
    type: "PublishCa",
    journal_node_id: "1",
    certificate_pem,
    not_after: "2027-01-01T00:00:00Z",
  });
  state.send(publish("first"));
  state.send(publish("second"));
  const bundle = [...state.store.list("ca_bundle")].map(([, ca]) => ca);
  assert.deepEqual(bundle.map(({ certificate_pem }) => certificate_pem), ["second", "first"]);
  assert.equal(bundle[1]?.remove_after, "2026-01-01T00:10:00.000Z");
});
