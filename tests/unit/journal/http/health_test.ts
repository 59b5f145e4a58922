import assert from "node:assert/strict";
import { type HealthFacts, healthOf, readinessOf } from "../../../../journal/http/mod.ts";
import { FakeQuorum } from "../membership/fake_quorum.ts";

type Log = HealthFacts["replica"]["log"];

interface Given {
  readonly log?: Partial<Log>;
  readonly replica?: Partial<Omit<HealthFacts["replica"], "log">>;
  readonly leaderlessMs?: number;
  readonly isMember?: boolean;
  readonly isRemoved?: boolean;
}

function facts(
  { log = {}, replica = {}, leaderlessMs = 0, isMember = true, isRemoved = false }: Given,
): HealthFacts {
  using quorum = new FakeQuorum();
  const whole = quorum.at(1).view();
  const members = isRemoved ? whole.members.filter(({ isSelf }) => !isSelf) : whole.members;
  const view = { ...whole, members };
  return {
    replica: {
      health: "ok",
      reason: undefined,
      appliedIndex: 41n,
      nextSequence: 7,
      overlayBuildFailures: 0,
      log: {
        engine: "raft",
        role: "follower",
        term: 3n,
        leaderId: 2n,
        firstIndex: 1n,
        lastIndex: 42n,
        commitIndex: 42n,
        pending: 0,
        failure: undefined,
        trouble: undefined,
        ...log,
      },
      ...replica,
    },
    quorum: {
      view: () => isMember ? view : { ...view, members: [] },
      leaderlessMs: () => leaderlessMs,
    },
  };
}

const health = (given: Given) => healthOf(facts(given), "1.2.3");

Deno.test("journal.md 14.1: a member that knows a leader is healthy and tells what it is to the quorum", () => {
  assert.deepEqual(health({}), {
    httpStatus: 200,
    body: {
      status: "healthy",
      role: "follower",
      entries: 7,
      log: "raft",
      policy_engine: "rbac",
      opa: "disabled",
      leader_id: 2,
      term: 3,
      last_applied: 41,
      version: "1.2.3",
    },
  });
  for (const role of ["leader", "candidate", "learner"] as const) {
    assert.equal(health({ log: { role } }).body["role"], role);
  }
});

Deno.test("journal.md 14.1: 503 degraded once no leader has been known for more than 10 s, not during an election", () => {
  const during = health({ log: { leaderId: undefined }, leaderlessMs: 10_000 });
  assert.equal(during.httpStatus, 200);
  assert.equal(during.body["leader_id"], null);
  const { httpStatus, body } = health({ log: { leaderId: undefined }, leaderlessMs: 12_345 });
  assert.equal(httpStatus, 503);
  assert.equal(body["status"], "degraded");
  assert.equal(body["reason"], "no leader known for 12 s");
});

Deno.test("journal.md 14.1: 503 starting until log and state are recovered", () => {
  const { httpStatus, body } = healthOf(undefined, "1.2.3");
  assert.equal(httpStatus, 503);
  assert.equal(body["status"], "starting");
  assert.equal(readinessOf(undefined).httpStatus, 503);
});

Deno.test("section 17: a member whose disk failed answers 503 with the reason", () => {
  const byLog = health({ log: { failure: "cannot write wal/7.seg: no space left on device" } });
  assert.equal(byLog.httpStatus, 503);
  assert.match(String(byLog.body["reason"]), /no space left/);
  const byState = health({ replica: { health: "failed", reason: "state.db: disk I/O error" } });
  assert.equal(byState.httpStatus, 503);
  assert.equal(byState.body["reason"], "state.db: disk I/O error");
});

Deno.test("JRN-55: a member that waits for the membership says that it is not initialised", () => {
  const { httpStatus, body } = health({ isMember: false, log: { role: "learner" } });
  assert.equal(httpStatus, 503);
  assert.equal(body["role"], "uninitialized");
  assert.equal(readinessOf(facts({ isMember: false })).httpStatus, 503);
});

Deno.test("DEP-92: a member that was removed says so instead of waiting for a leader", () => {
  const { httpStatus, body } = health({ isRemoved: true, log: { role: "learner" } });
  assert.equal(httpStatus, 503);
  assert.equal(body["reason"], "this member was removed from the quorum: stop it");
  assert.equal(readinessOf(facts({ isRemoved: true })).httpStatus, 503);
});

Deno.test("JRN-60: nodes boot from a member without a quorum, but not from one that has much to apply", () => {
  assert.equal(
    readinessOf(facts({ log: { leaderId: undefined }, leaderlessMs: 60_000 })).httpStatus,
    200,
  );
  assert.equal(readinessOf(facts({ replica: { health: "read-only" } })).httpStatus, 200);
  const behind = readinessOf(facts({ log: { commitIndex: 5_000n } }));
  assert.equal(behind.httpStatus, 503);
  assert.equal(behind.body["reason"], "4959 entries are still to be applied");
  assert.equal(readinessOf(facts({ replica: { health: "failed" } })).httpStatus, 503);
});

Deno.test("OPA-12: an engine that is down is shown, and leaves the member healthy", () => {
  const of = (kind: "opa" | "embedded", isUp: boolean) =>
    healthOf({ ...facts({}), policyEngine: { kind, isUp: () => isUp } }, "1.2.3");
  assert.equal(of("opa", true).body["opa"], "ok");
  const { httpStatus, body } = of("opa", false);
  assert.deepEqual([httpStatus, body["status"], body["opa"]], [200, "healthy", "down"]);
  const { body: embedded } = of("embedded", true);
  assert.deepEqual([embedded["policy_engine"], embedded["opa"], embedded["embedded"]], [
    "embedded",
    "disabled",
    "ok",
  ]);
});
