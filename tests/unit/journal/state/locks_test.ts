import assert from "node:assert/strict";
import fc from "fast-check";
import { lockKey, lockOnCaller } from "../../../../common/authz/mod.ts";
import { SYSTEM_IDENTITY } from "../../../../common/model/mod.ts";
import { expiryCommands } from "../../../../journal/replica/sweeps.ts";
import { type CommandInput, lockFacts } from "../../../../journal/state/mod.ts";
import { ANN, randomSteps, register, TestState } from "../../../support/journal/mod.ts";

const BEA = { ...ANN, principal: "bea@example.org" };

const lockUser = (name: string, ttl_seconds?: number): CommandInput => ({
  type: "SetLock",
  kind: "user",
  name,
  reason: "laptop stolen",
  ttl_seconds,
});
const releaseUser = (name: string): CommandInput => ({ type: "ReleaseLock", kind: "user", name });

Deno.test("demand 9: a lock says who, whom and why in the log, and its release too", () => {
  using state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01", "ml"));
  state.send(lockUser("Mallory"));
  state.send({ type: "SetLock", kind: "node", name: "n1", reason: "odd syscalls" });
  state.send({ type: "SetLock", kind: "vcluster", name: "ml", reason: "audit", ttl_seconds: 60 });
  state.send({ ...releaseUser("MALLORY"), reason: "found again" } as CommandInput);
  const told = state.entries().filter(({ entry_type }) => entry_type.startsWith("Lock"));
  assert.deepEqual(
    told.map(({ entry_type, scope, author, message }) => [entry_type, scope, author, message]),
    [
      ["LockSet", "Global", ANN, "user mallory locked: laptop stolen"],
      ["LockSet", { Node: "n1" }, ANN, "node n1 locked: odd syscalls"],
      [
        "LockSet",
        { VCluster: "ml" },
        ANN,
        "vcluster ml locked until 2026-01-01T00:01:00.000Z: audit",
      ],
      ["LockReleased", "Global", ANN, "user mallory released: found again"],
    ],
  );
});

Deno.test("demand 9: nobody locks out themselves, the admins, the agents, or a node there is not", () => {
  using state = new TestState();
  const refused = (command: CommandInput) => state.refusal(command).code;
  assert.equal(refused(lockUser(ANN.principal.toUpperCase())), "PRECONDITION");
  assert.equal(refused(lockUser("pact-service-agent/n1@default")), "INVALID_ARGUMENT");
  assert.equal(refused(lockUser("system/pact-journal")), "INVALID_ARGUMENT");
  const role = (name: string): CommandInput => ({
    type: "SetLock",
    kind: "role",
    name,
    reason: "x",
  });
  assert.equal(refused(role("pact-platform-admin")), "PRECONDITION");
  assert.equal(refused(role("pact-service-agent")), "PRECONDITION");
  const node: CommandInput = { type: "SetLock", kind: "node", name: "n9", reason: "x" };
  assert.equal(refused(node), "NOT_FOUND");
  assert.equal(refused(releaseUser("nobody")), "NOT_FOUND");
});

Deno.test("demand 9: of two admins who lock each other at once the first one wins, and the second cannot undo it", () => {
  using state = new TestState();
  state.send(lockUser(BEA.principal));
  assert.equal(state.refusal(lockUser(ANN.principal), { actor: BEA }).code, "LOCKED");
  assert.equal(state.refusal(releaseUser(BEA.principal), { actor: BEA }).code, "LOCKED");
  state.send(releaseUser(BEA.principal));
  state.send(lockUser(ANN.principal), { actor: BEA });
});

Deno.test("demand 9: a lock ends by the leader's proposal, no sooner than its time, and a new one replaces it", () => {
  using state = new TestState();
  state.send(lockUser("mallory", 900));
  const expire = () => expiryCommands(state.store, state.nowMs, false);
  state.nowMs += 899_000;
  assert.deepEqual(expire(), []);
  // A member whose clock is ahead proposes too early: nothing happens.
  state.send({ type: "ExpireLocks", keys: ["user:mallory"] }, { actor: SYSTEM_IDENTITY });
  assert.notEqual(state.store.get("locks", "user:mallory"), undefined);
  state.send(lockUser("mallory", 900));
  state.nowMs += 2_000;
  assert.deepEqual(expire(), [], "the new end counts");
  state.nowMs += 900_000;
  const due = expire();
  assert.deepEqual(due, [{ type: "ExpireLocks", keys: ["user:mallory"] }]);
  for (const command of due) state.send(command, { actor: SYSTEM_IDENTITY });
  assert.equal(state.store.get("locks", "user:mallory"), undefined);
});

Deno.test("demand 9: there are at most a thousand locks, and one more is refused until another is released", () => {
  using state = new TestState();
  for (let at = 0; at < 1_000; at++) state.send(lockUser(`user-${at}`));
  assert.equal(state.refusal(lockUser("one-more")).code, "RESOURCE_EXHAUSTED");
  state.send(lockUser("user-7", 60));
  state.send(releaseUser("user-0"));
  state.send(lockUser("one-more"));
});

Deno.test("demand 9: after any history the keys fit the locks, and whoever set the newest one is not kept out", () => {
  fc.assert(
    fc.property(randomSteps, (steps) => {
      using state = new TestState();
      for (const { afterMs, command, options } of steps) {
        state.nowMs += afterMs;
        const outcome = state.outcome(command, options);
        const locks = new Map([...state.store.list("locks")]);
        for (const [key, { kind, name }] of locks) assert.equal(key, lockKey(kind, name));
        if (command.type !== "SetLock" || outcome.kind !== "applied") continue;
        const { principal, principal_type, role } = options.actor ?? ANN;
        const subject = { principal: { principal, principalType: principal_type, roles: [role] } };
        const lookup = (key: string) => {
          const lock = locks.get(key);
          return lock && lockFacts(lock);
        };
        assert.equal(lockOnCaller(lookup, subject, state.nowMs), undefined);
      }
    }),
    { numRuns: 50 },
  );
});
