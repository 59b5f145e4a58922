import assert from "node:assert/strict";
import type { Scope, StateDelta } from "../../../../common/model/mod.ts";
import { type CommandInput, declaredNow } from "../../../../journal/state/mod.ts";
import {
  AGENT,
  append,
  BOB,
  hold,
  kernel,
  register,
  TestState,
} from "../../../support/journal/mod.ts";

const vcluster = { VCluster: "ml" };
const node = { Node: "n1" };

/** A delta that declares services by what each depends on; `null` removes one. */
function services(dependencies: Readonly<Record<string, readonly string[] | null>>): StateDelta {
  return {
    services: Object.entries(dependencies).map(([key, depends_on]) =>
      depends_on === null
        ? { action: "Remove", key }
        : { action: "Modify", key, value: { name: key, depends_on: [...depends_on] } }
    ),
  };
}

function declare(
  scope: Scope,
  dependencies: Readonly<Record<string, readonly string[] | null>>,
  options: { readonly check_services?: boolean } = { check_services: true },
) {
  return append({ scope, state_delta: services(dependencies) }, options);
}

const names = (state: TestState, scope: Scope) =>
  [...declaredNow(state.store, scope).values()].map(({ key }) => key);

Deno.test("SVC-1: a Commit with a dependency cycle is refused by its name and takes no sequence", () => {
  using state = new TestState();
  state.append(declare(vcluster, { base: [] }));
  const refusal = state.refusal(declare(vcluster, { egg: ["hen"], hen: ["base", "egg"] }));
  assert.deepEqual(refusal, {
    code: "INVALID_ARGUMENT",
    message: "dependency cycle: egg -> hen -> egg (in what vc:ml would declare)",
  });
  assert.deepEqual(names(state, vcluster), ["base"]);
  assert.equal(state.append(declare(vcluster, { web: ["base"] })), 1);
});

Deno.test("SVC-1: a dependency nobody declares is refused, and so is removing one that is needed", () => {
  using state = new TestState();
  assert.match(
    state.refusal(declare(vcluster, { web: ["db"] })).message,
    /^service web depends on unknown service db \(/,
  );
  state.append(declare(vcluster, { web: ["db"], db: [] }));
  assert.match(
    state.refusal(declare(vcluster, { db: null })).message,
    /^service web depends on unknown service db \(/,
  );
  state.append(declare(vcluster, { db: null, web: [] }));
  assert.deepEqual(names(state, vcluster), ["web"]);
});

Deno.test("SVC-1: a node's own services may build on its vCluster's, and are judged with them", () => {
  using state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01", "ml"));
  state.append(declare(vcluster, { db: [], web: ["db"] }));
  state.append(declare(node, { probe: ["web"] }));
  assert.match(
    state.refusal(declare(node, { db: ["probe"] })).message,
    /^dependency cycle: db -> probe -> web -> db \(in what node:n1 would declare\)/,
  );
  assert.match(
    state.refusal(declare(node, { db: null })).message,
    /^service web depends on unknown service db/,
  );
});

Deno.test("SVC-1: a wanted state as a word leaves what a service depends on", () => {
  using state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01", "ml"));
  state.append(declare(vcluster, { db: [], web: ["db"] }));
  const stopped: StateDelta = {
    services: [{ action: "Modify", key: "web", value: "stopped" }],
  };
  state.append(append({ scope: node, state_delta: stopped }, { check_services: true }));
  assert.match(
    state.refusal(declare(node, { db: ["web"] })).message,
    /^dependency cycle: db -> web -> db/,
  );
});

Deno.test("SVC-1: a Rollback to a set that could not start is refused", () => {
  using state = new TestState();
  const broken = state.append(declare(vcluster, { web: ["db"] }, {}));
  state.append(declare(vcluster, { web: [] }));
  const back = append(
    { entry_type: "Rollback", scope: vcluster, parent: broken },
    { check_services: true },
  );
  assert.match(state.refusal(back).message, /^service web depends on unknown service db/);
});

Deno.test("SVC-1: a broken set of earlier holds up nothing but changes of services", () => {
  using state = new TestState();
  state.append(declare(vcluster, { web: ["db"] }, {}));
  state.append(
    append({ scope: vcluster, state_delta: kernel({ a: "1" }) }, { check_services: true }),
  );
  state.append(append({ entry_type: "DriftDetected", scope: node, author: AGENT }));
  state.append(declare(vcluster, { db: [] }));
});

Deno.test("SVC-1, JRN-20: what an older log holds unchecked replays to what it was", () => {
  using state = new TestState();
  assert.equal(state.append(declare(vcluster, { egg: ["hen"], hen: ["egg"] }, {})), 0);
  assert.deepEqual(names(state, vcluster), ["egg", "hen"]);
});

Deno.test("SVC-1, APR-11: a change that waited is judged when it is carried out", () => {
  using state = new TestState();
  state.append(declare(vcluster, { db: [] }));
  state.send(hold("ap-00000001", declare(vcluster, { web: ["db"] })));
  state.append(declare(vcluster, { db: null }));
  const approve: CommandInput = {
    type: "DecideApproval",
    approval_id: "ap-00000001",
    decision: "Approved",
  };
  state.send(approve, { actor: BOB });
  assert.match(
    state.store.get("approvals", "ap-00000001")?.execution_error ?? "",
    /^service web depends on unknown service db/,
  );
  assert.deepEqual(names(state, vcluster), []);
});

Deno.test("SVC-1, CON-4: a promotion that would leave the vCluster unable to start is refused", () => {
  using state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01", "ml"));
  const promotion: CommandInput = {
    type: "Promote",
    entry: declare(vcluster, { web: ["db"] }).entry,
    check_services: true,
    withdraw: [],
  };
  assert.match(state.refusal(promotion).message, /^service web depends on unknown service db/);
});
