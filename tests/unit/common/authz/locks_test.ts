import assert from "node:assert/strict";
import {
  type LockFacts,
  lockKey,
  lockOnCaller,
  lockOnScope,
  type Principal,
} from "../../../../common/authz/mod.ts";

const NOW_MS = 1_000_000;

function lookupOf(...locks: readonly LockFacts[]) {
  const byKey = new Map(locks.map((lock) => [lockKey(lock.kind, lock.name), lock]));
  return (key: string) => byKey.get(key);
}

const lock = (kind: LockFacts["kind"], name: string, expiresAtMs?: number): LockFacts => ({
  kind,
  name,
  reason: "audit",
  expiresAtMs,
});

const olga: Principal = {
  principal: "Olga@Example.org",
  principalType: "Human",
  roles: ["pact-viewer-sim", "pact-ops-ml"],
};
const ann: Principal = { principal: "ann", principalType: "Human", roles: ["pact-platform-admin"] };
const robot: Principal = { ...ann, principal: "robot", principalType: "Service" };
const agent: Principal = {
  principal: "pact-service-agent/n1@default",
  principalType: "Service",
  roles: ["pact-service-agent"],
  nodeId: "n1",
};

Deno.test("demand 9: a person is kept out by any spelling of the name, and by any role they hold", () => {
  const onOlga = (...locks: readonly LockFacts[]) =>
    lockOnCaller(lookupOf(...locks), { principal: olga }, NOW_MS)?.kind;
  assert.equal(onOlga(lock("user", "oLGA@example.ORG")), "user");
  assert.equal(onOlga(lock("role", "pact-ops-ml")), "role");
  assert.equal(onOlga(lock("role", "PACT-OPS-ML"), lock("user", "olga")), undefined);
});

Deno.test("demand 9: a node's certificate is kept out with its node, also where it carries a person's token", () => {
  const locks = lookupOf(lock("node", "n1"));
  assert.equal(lockOnCaller(locks, { principal: agent }, NOW_MS)?.name, "n1");
  assert.equal(lockOnCaller(locks, { principal: olga, nodeId: "n1" }, NOW_MS)?.name, "n1");
  assert.equal(lockOnCaller(locks, { principal: olga, nodeId: "n2" }, NOW_MS), undefined);
});

Deno.test("demand 9: a locked node or vCluster is closed to all but platform admins in person, and to agents it is not", () => {
  const locks = lookupOf(lock("node", "n1"), lock("vcluster", "ml"));
  const closed = (principal: Principal, nodeId?: string, vclusterId?: string) =>
    lockOnScope(locks, principal, { nodeId, vclusterId }, NOW_MS)?.kind;
  assert.equal(closed(olga, "n1", "sim"), "node");
  assert.equal(closed(olga, "n2", "ml"), "vcluster");
  assert.equal(closed(olga, "n2", "sim"), undefined);
  assert.equal(closed(robot, "n1", "ml"), "node");
  assert.equal(closed(ann, "n1", "ml"), undefined);
  assert.equal(closed(agent, "n1", "ml"), undefined);
});

Deno.test("demand 9: a lock is over at its end, before anybody removes it", () => {
  const at = (nowMs: number) =>
    lockOnCaller(lookupOf(lock("user", "ann", NOW_MS)), { principal: ann }, nowMs)?.kind;
  assert.equal(at(NOW_MS - 1), "user");
  assert.equal(at(NOW_MS), undefined);
});
