import assert from "node:assert/strict";
import type { Identity, Scope } from "../../../../common/model/mod.ts";
import { AGENT, ANN, append, BOB, OPS, TestState } from "../../../support/journal/mod.ts";

const NODE = { Node: "n1" };
const MINUTE_MS = 60_000;

/** Minutes before the journal's present at which something happened. */
function ago(state: TestState, minutes: number): string {
  return new Date(state.nowMs - minutes * MINUTE_MS).toISOString();
}

/** What the node tells of an emergency that was opened on it alone. */
function started(
  state: TestState,
  minutes: number,
  { author = OPS, isOver = false }: { readonly author?: Identity; readonly isOver?: boolean } = {},
) {
  return append({
    entry_type: "EmergencyStart",
    scope: NODE,
    author,
    emergency_reason: "pump failed",
    policy_ref: "degraded:default:emergency_start",
    timestamp: ago(state, minutes),
  }, isOver ? { end_emergency: true } : {});
}

function ended(
  state: TestState,
  minutes: number,
  { author = OPS, parent, force }: {
    readonly author?: Identity;
    readonly parent?: number;
    readonly force?: boolean;
  } = {},
) {
  return append({
    entry_type: "EmergencyEnd",
    scope: NODE,
    author,
    policy_ref: "degraded:default:emergency_end",
    timestamp: ago(state, minutes),
    ...(parent === undefined ? {} : { parent }),
  }, force === undefined ? {} : { force });
}

/** Bob's emergency at the journal, opened some minutes ago. */
function journals(state: TestState, minutes: number, scope: Scope = NODE): string {
  const nowMs = state.nowMs;
  state.nowMs -= minutes * MINUTE_MS;
  const opened = state.send({ type: "OpenEmergency", scope, reason: "smoke" }, { actor: BOB });
  state.nowMs = nowMs;
  assert.equal(opened.kind, "Ok");
  return opened.kind === "Ok" ? opened.id ?? "" : "";
}

const openOn = (state: TestState, place = "node:n1") =>
  state.store.get("open_emergencies", place)?.session_id;

Deno.test("EMM-8: an emergency opened on the node alone counts from when it was opened", () => {
  using state = new TestState();
  const sequence = state.append(started(state, 30));
  const session = state.store.get("emergencies", `em-${sequence}`);
  assert.equal(session?.started_at, ago(state, 30));
  assert.equal(session?.expires_at, ago(state, 30 - 240));
  assert.equal(session?.principal, OPS.principal);
  assert.equal(session?.opened_on_node, true);
  assert.equal(openOn(state), `em-${sequence}`);
  const entry = state.entry(sequence);
  assert.equal(entry.timestamp, ago(state, 30));
  assert.equal(entry.received_at, ago(state, 0));
});

Deno.test("EMM-8: one that was ended there too is both opened and ended in the journal, at its times", () => {
  using state = new TestState();
  const sequence = state.append(started(state, 30, { isOver: true }));
  state.append(ended(state, 10));
  const session = state.store.get("emergencies", `em-${sequence}`);
  assert.equal(session?.ended_at, ago(state, 10));
  assert.equal(session?.ended_by, OPS.principal);
  assert.equal(session?.forced, false);
  assert.equal(openOn(state), undefined);
});

Deno.test("EMM-8: the journal's older emergency holds, and the node's becomes a comment on it", () => {
  using state = new TestState();
  const held = journals(state, 40);
  const before = state.store.get("emergencies", held);
  const entry = state.entry(state.append(started(state, 30)));
  assert.equal(entry.entry_type, "MergeConflict");
  assert.equal(entry.policy_ref, `emergency:${held}`);
  assert.equal(entry.author.principal, OPS.principal);
  assert.equal(entry.emergency_reason, "pump failed");
  assert.equal(
    entry.message,
    `emergency opened on the node alone, merged into ${held} of ${BOB.principal} since ` +
      `${ago(state, 40)}: pump failed`,
  );
  assert.equal(openOn(state), held);
  assert.deepEqual(state.store.get("emergencies", held), before);
});

Deno.test("EMM-8: of two opened at the same moment the journal's holds", () => {
  using state = new TestState();
  const held = journals(state, 30);
  state.append(started(state, 30));
  assert.equal(openOn(state), held);
});

Deno.test("EMM-8: the node's older emergency holds, and the journal's becomes a comment on it", () => {
  using state = new TestState();
  const younger = journals(state, 20);
  const sequence = state.append(started(state, 30));
  assert.equal(openOn(state), `em-${sequence}`);
  assert.equal(state.store.get("emergencies", `em-${sequence}`)?.started_at, ago(state, 30));
  const closed = state.store.get("emergencies", younger);
  assert.equal(closed?.ended_at, ago(state, 0));
  assert.equal(closed?.ended_by, OPS.principal);
  const comment = state.entry(sequence + 1);
  assert.equal(comment.entry_type, "MergeConflict");
  assert.equal(comment.policy_ref, `emergency:em-${sequence}`);
  assert.equal(
    comment.message,
    `${younger} of ${BOB.principal} since ${ago(state, 20)} merged into em-${sequence}, ` +
      `which was opened before it on the node alone: smoke`,
  );
});

Deno.test("EMM-8: an older one that was ended on the node by now takes nobody's place", () => {
  using state = new TestState();
  const held = journals(state, 20);
  assert.equal(
    state.entry(state.append(started(state, 30, { isOver: true }))).entry_type,
    "MergeConflict",
  );
  const end = state.entry(state.append(ended(state, 25)));
  assert.equal(end.entry_type, "MergeConflict");
  assert.match(end.message ?? "", /ended on the node alone: another one stays open, em-0 of bob@/);
  assert.equal(openOn(state), held);
});

Deno.test("EMM-8: an end is of the emergency that was ended on the node, whoever has another by now", () => {
  using state = new TestState();
  const first = journals(state, 60);
  state.send({ type: "CloseEmergency", session_id: first }, { actor: BOB });
  const second = journals(state, 20);
  const end = state.entry(state.append(ended(state, 10, { author: ANN, parent: 0, force: true })));
  assert.equal(end.entry_type, "MergeConflict");
  assert.equal(openOn(state), second);

  state.append(ended(state, 5, { author: ANN, parent: Number(second.slice(3)), force: true }));
  assert.equal(openOn(state), undefined);
  assert.equal(state.store.get("emergencies", second)?.forced, true);
});

Deno.test("EMM-8: an end of what was ended at the journal meanwhile is a comment", () => {
  using state = new TestState();
  const end = state.entry(state.append(ended(state, 10)));
  assert.equal(end.entry_type, "MergeConflict");
  assert.equal(end.message, "emergency ended on the node alone: none is open any more");
});

Deno.test("EMM-8, EMG-3: somebody else's end from the node takes force as well", () => {
  using state = new TestState();
  const held = journals(state, 40);
  assert.equal(state.refusal(ended(state, 10, { parent: 0 })).code, "PERMISSION_DENIED");
  assert.equal(openOn(state), held);
});

Deno.test("EMM-8: the vCluster's emergency takes in what is younger, and lets the older be beside it", () => {
  using state = new TestState();
  state.send({ type: "AssignNode", node_id: "n1", vcluster_id: "ml" });
  const held = journals(state, 20, { VCluster: "ml" });
  assert.equal(state.entry(state.append(started(state, 10))).entry_type, "MergeConflict");
  assert.equal(openOn(state), undefined);
  const older = state.append(started(state, 30));
  assert.equal(openOn(state), `em-${older}`);
  assert.equal(openOn(state, "vc:ml"), held);
});

Deno.test("EMM-8, EMG-6: a machine opens and ends none by way of a node that was alone", () => {
  using state = new TestState();
  const code = "PERMISSION_DENIED";
  assert.equal(state.refusal(started(state, 10, { author: AGENT })).code, code);
  journals(state, 40);
  assert.equal(state.refusal(started(state, 10, { author: AGENT })).code, code);
  assert.equal(
    state.refusal(ended(state, 10, { author: AGENT, parent: 0, force: true })).code,
    code,
  );
});

Deno.test("EMM-8: what does not come from a node that was alone is refused as ever", () => {
  using state = new TestState();
  journals(state, 40);
  const again = append({ entry_type: "EmergencyStart", scope: NODE, emergency_reason: "me too" });
  assert.equal(state.refusal(again).code, "EMERGENCY_ACTIVE");
});
