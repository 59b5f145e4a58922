import assert from "node:assert/strict";
import fc from "fast-check";
import { Tenure } from "../../../../journal/etcd/tenure.ts";

const TTL_MS = 3_000;
const own = { memberId: 1, lease: 7n, createRevision: 10n };
const other = { memberId: 2, lease: 8n, createRevision: 20n };

const tenure = () => new Tenure(TTL_MS, () => 0.5, 0);

Deno.test("a journal campaigns when the key is gone and it would do as a leader, again after a while", () => {
  const machine = tenure();
  machine.seen(undefined, 0);
  assert.deepEqual(machine.tick(10, true), [], "somebody who was asked to may be first");
  assert.deepEqual(machine.tick(300, false), []);
  assert.deepEqual(machine.tick(300, true), [{ kind: "campaign" }]);
  assert.deepEqual(machine.tick(400, true), []);
  assert.deepEqual(machine.tick(900, true), [{ kind: "campaign" }]);
  assert.deepEqual(machine.seen(other, 950), [{ kind: "changed" }]);
  assert.deepEqual(machine.tick(2_000, true), []);
  assert.deepEqual(machine.leader, { id: 2, createRevision: 20n, isSelf: false });
});

Deno.test("who was asked to lead is first; who gave leadership away abstains", () => {
  const asked = tenure();
  asked.seen(other, 0);
  asked.asked(100);
  asked.seen(undefined, 110);
  assert.deepEqual(asked.tick(111, true), [{ kind: "campaign" }]);

  const resigned = tenure();
  resigned.leased(7n, 0);
  resigned.seen(own, 10);
  assert.equal(resigned.resign(20), 7n);
  assert.equal(resigned.leader?.isSelf, false);
  resigned.seen(undefined, 30);
  assert.deepEqual(resigned.tick(1_500, true), []);
  assert.deepEqual(resigned.tick(2_100, true), [{ kind: "campaign" }]);
});

Deno.test("a leader renews its lease, and leads no longer than the lease certainly lasts", () => {
  const machine = tenure();
  machine.leased(7n, 0);
  assert.deepEqual(machine.seen(own, 50), [{ kind: "changed" }]);
  assert.equal(machine.leader?.isSelf, true);
  assert.deepEqual(machine.tick(999, true), []);
  assert.deepEqual(machine.tick(1_000, true), [{ kind: "renew", lease: 7n }]);
  machine.leased(7n, 1_000);
  assert.deepEqual(machine.tick(1_999, true), []);
  assert.deepEqual(machine.tick(4_000, true), [{ kind: "changed" }], "counted from the asking");
  assert.equal(machine.leader, undefined);
  assert.equal(machine.isBlind, true);
});

Deno.test("a leader that etcd shows no sight of is not believed in for ever", () => {
  const machine = tenure();
  machine.seen(other, 0);
  machine.inSight(5_000);
  assert.deepEqual(machine.tick(10_000, true), []);
  assert.deepEqual(machine.tick(11_001, true), [{ kind: "changed" }]);
  assert.equal(machine.leader, undefined);
  assert.deepEqual(machine.tick(20_000, true), [], "who leads is not known: nobody campaigns");
});

Deno.test("in whatever order things happen, nobody leads by a lease that has run out", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("tick" as const), ms: fc.nat(2_000) }),
    fc.record({ kind: fc.constant("leased" as const), agoMs: fc.nat(500) }),
    fc.record({ kind: fc.constantFrom("own" as const, "other" as const, "gone" as const) }),
    fc.record({
      kind: fc.constantFrom("resign" as const, "asked" as const, "lease-gone" as const),
    }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const machine = tenure();
    let nowMs = 0;
    let leaseUntilMs = -Infinity;
    for (const each of steps) {
      if (each.kind === "tick") nowMs += each.ms;
      if (each.kind === "leased") {
        machine.leased(own.lease, nowMs - each.agoMs);
        leaseUntilMs = nowMs - each.agoMs + TTL_MS;
      }
      if (each.kind === "own") machine.seen(own, nowMs);
      if (each.kind === "other") machine.seen(other, nowMs);
      if (each.kind === "gone") machine.seen(undefined, nowMs);
      if (each.kind === "asked") machine.asked(nowMs);
      if (each.kind === "resign") {
        machine.resign(nowMs);
        leaseUntilMs = -Infinity;
      }
      if (each.kind === "lease-gone") {
        machine.leaseGone(nowMs);
        leaseUntilMs = -Infinity;
      }
      machine.tick(nowMs, true);
      if (machine.leader?.isSelf === true) assert.ok(nowMs < leaseUntilMs);
    }
  }));
});
