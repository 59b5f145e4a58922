import assert from "node:assert/strict";
import { type CommandInput, emptyTables } from "../../../../journal/state/mod.ts";
import { TestState } from "../../../support/journal/mod.ts";

const assign = (org: string, username: string): CommandInput => ({
  type: "AssignUid",
  org,
  subject: `sub-${username}`,
  username,
});
const join = (org: string): CommandInput => ({ type: "JoinOrg", org });
const leave = (org: string): CommandInput => ({ type: "LeaveOrg", org });

/** The id a subject gets. */
function uidOf(state: TestState, org: string, username: string): number {
  const result = state.send(assign(org, username));
  assert.ok(result.kind === "UidAssigned");
  return result.identity.uid;
}

Deno.test("UID-1, UID-2: each organisation has a range of 10000, ids are given in sequence and stay", () => {
  using state = new TestState();
  assert.deepEqual([uidOf(state, "local", "ann"), uidOf(state, "local", "bob")], [10_000, 10_001]);
  state.send(join("eth"));
  state.send(join("epfl"));
  state.send(join("eth"));
  assert.equal(uidOf(state, "eth", "carl"), 20_000);
  assert.equal(uidOf(state, "epfl", "dora"), 30_000);
  assert.equal(uidOf(state, "local", "ann"), 10_000, "the same every time");
  const carl = state.store.get("uid_map", "eth\nsub-carl");
  assert.deepEqual([carl?.gid, carl?.home], [20_000, "/home/carl"]);
});

Deno.test("UID-2: a full range is refused, and never wraps into the next one's", () => {
  using state = new TestState();
  state.send(join("eth"));
  state.store.batch(() => {
    const changes = new Map([["eth", { index: 1, assigned: 9_999 }]]);
    state.store.write([], { ...emptyTables(), orgs: changes }, []);
  });
  assert.equal(uidOf(state, "eth", "last"), 29_999);
  assert.deepEqual(state.refusal(assign("eth", "late")), {
    code: "RESOURCE_EXHAUSTED",
    message: "UID range exhausted for org eth",
  });
});

Deno.test("UID-4: an organisation that leaves loses its people, and then its range may be another's", () => {
  using state = new TestState();
  state.send(join("eth"));
  state.send(join("epfl"));
  uidOf(state, "eth", "carl");
  uidOf(state, "epfl", "dora");
  state.send(leave("eth"));
  assert.deepEqual([...state.store.list("uid_map")].map(([, { username }]) => username), ["dora"]);
  assert.equal(state.refusal(assign("eth", "carl")).code, "NOT_FOUND");
  state.send(join("psi"));
  assert.equal(uidOf(state, "psi", "erik"), 20_000);
  assert.equal(state.refusal(leave("local")).code, "INVALID_ARGUMENT");
});

Deno.test("IM1: two subjects never share a user name", () => {
  using state = new TestState();
  state.send(join("eth"));
  uidOf(state, "local", "ann");
  assert.equal(
    state.refusal(assign("eth", "ann")).message,
    "CONFLICT: username ann is sub-ann's of local",
  );
});
