import assert from "node:assert/strict";
import {
  applyMembership,
  type DocumentChanges,
  foundCluster,
  memberAddresses,
  quorumMembership,
  storedCluster,
} from "../../../../journal/state/mod.ts";
import { exportState, importState, StateStore } from "../../../../journal/store/mod.ts";
import { TestState } from "../../../support/journal/mod.ts";

const at = (host: string) => ({ raft_address: `${host}:9444`, api_address: `${host}:9443` });
const member = { votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

/** Stores changes the way a membership entry of the log does: with the position, in one batch. */
function follow(state: TestState, changes: DocumentChanges): void {
  state.store.batch(() => {
    state.store.write([], changes, []);
    state.store.advance({ index: state.store.applied.index + 1n, term: 1n });
  });
}

Deno.test("JRN-54: the membership of the last applied entry and the addresses of its members are stored, those of former members are not", () => {
  using state = new TestState();
  const first = new Map([[1, at("a")], [2, at("b")], [3, at("c")]]);
  follow(state, applyMembership(state.store, { ...member, voters: [1, 2, 3] }, first));
  follow(
    state,
    applyMembership(
      state.store,
      {
        voters: [1, 2, 4],
        votersOutgoing: [1, 2, 3],
        learners: [5],
        learnersNext: [3],
        autoLeave: true,
      },
      new Map([[4, at("d")], [5, at("e")]]),
    ),
  );
  assert.deepEqual(quorumMembership(state.store), {
    voters: [1, 2, 4],
    voters_outgoing: [1, 2, 3],
    learners: [5],
    learners_next: [3],
    auto_leave: true,
  });
  assert.deepEqual([...memberAddresses(state.store).keys()], [1, 2, 3, 4, 5]);
  follow(
    state,
    applyMembership(state.store, { ...member, voters: [1, 2, 4] }, new Map([[9, at("x")]])),
  );
  assert.deepEqual([...memberAddresses(state.store)], [[1, at("a")], [2, at("b")], [4, at("d")]]);
});

Deno.test("JRN-55: of a member's data directories the first that is told of is stored, for as long as it is a member", () => {
  using state = new TestState();
  const directoryOf = (id: number) => memberAddresses(state.store).get(id)?.directory_id;
  const both = { ...member, voters: [1, 2] };
  const places = new Map([[1, at("a")], [2, at("b")]]);
  follow(state, applyMembership(state.store, both, places, new Map([[1, "d1"]])));
  follow(state, applyMembership(state.store, both, new Map(), new Map([[1, "x"], [2, "d2"]])));
  follow(state, applyMembership(state.store, both, new Map([[1, at("moved")]])));
  assert.deepEqual([directoryOf(1), directoryOf(2)], ["d1", "d2"]);
  assert.equal(memberAddresses(state.store).get(1)?.raft_address, "moved:9444");
  follow(state, applyMembership(state.store, { ...member, voters: [1] }));
  follow(state, applyMembership(state.store, both, places));
  assert.deepEqual([directoryOf(1), directoryOf(2)], ["d1", undefined]);
});

Deno.test("JRN-53: a cluster gets its identity once", () => {
  using state = new TestState();
  const founded = { cluster_id: "c-1", created_at: "2026-01-01T00:00:00.000Z" };
  assert.equal(storedCluster(state.store), undefined);
  follow(state, foundCluster(state.store, founded));
  follow(state, foundCluster(state.store, { ...founded, cluster_id: "c-2" }));
  assert.deepEqual(storedCluster(state.store), founded);
});

Deno.test("JRN-17: membership and identity of the quorum travel with the exported state", () => {
  using state = new TestState();
  follow(state, applyMembership(state.store, { ...member, voters: [1] }, new Map([[1, at("a")]])));
  follow(
    state,
    foundCluster(state.store, { cluster_id: "c-1", created_at: "2026-01-01T00:00:00.000Z" }),
  );
  const copy = new StateStore(":memory:");
  importState(copy, exportState(state.store));
  assert.equal([...exportState(copy)].join("\n"), state.exported());
  assert.deepEqual(quorumMembership(copy), quorumMembership(state.store));
  assert.deepEqual(memberAddresses(copy), memberAddresses(state.store));
  copy.close();
});
