import assert from "node:assert/strict";
import fc from "fast-check";
import {
  DENIAL_BURST,
  DENIAL_REFILL_MS,
  DenialQueue,
  MAX_DENIAL_KINDS,
} from "../../../../agent/audit/denial_queue.ts";
import { systemPrincipal } from "../../../../contracts/mod.ts";

const denial = (detail: string) => ({ principal: systemPrincipal("pact-agent"), detail, atMs: 1 });

Deno.test("NAU-1: the first denial of its kind leaves at once, those alike leave together", () => {
  const queue = new DenialQueue(0);
  queue.add(denial("GetStatus from 10.0.0.9: token expired"));
  assert.equal(queue.take(0)?.count, 1);
  queue.add(denial("GetStatus from 10.0.0.9: token expired (4 times)"));
  queue.add(denial("GetStatus from 10.0.0.9: token expired"));
  queue.add(denial("Exec from 10.0.0.8: token expired"));
  assert.deepEqual(
    [queue.take(0), queue.take(0), queue.take(0)].map((report) => report?.count),
    [2, 1, undefined],
  );
  assert.ok(queue.isEmpty);
});

Deno.test("NAU-1: however many come, the burst and one in six seconds leave, and none is left uncounted", () => {
  fc.assert(fc.property(
    fc.array(fc.record({ kind: fc.nat(200), afterMs: fc.nat(3_000) }), { maxLength: 2_000 }),
    (arrivals) => {
      const queue = new DenialQueue(0);
      let nowMs = 0;
      let reports = 0;
      let counted = 0;
      const drain = () => {
        for (let report = queue.take(nowMs); report !== undefined; report = queue.take(nowMs)) {
          reports++;
          counted += report.count;
        }
      };
      for (const { kind, afterMs } of arrivals) {
        nowMs += afterMs;
        queue.add(denial(`denied ${kind}`));
        drain();
        assert.ok(reports <= DENIAL_BURST + nowMs / DENIAL_REFILL_MS);
      }
      for (let round = 0; round <= MAX_DENIAL_KINDS && !queue.isEmpty; round++) {
        nowMs += queue.waitMs(nowMs);
        drain();
      }
      assert.ok(queue.isEmpty);
      assert.equal(counted, arrivals.length);
    },
  ));
});

Deno.test("NAU-1: beyond fifty kinds at once the rest are one report", () => {
  const queue = new DenialQueue(0);
  for (let kind = 0; kind < MAX_DENIAL_KINDS + 30; kind++) queue.add(denial(`denied ${kind}`));
  const reports = [];
  for (let nowMs = 0; !queue.isEmpty; nowMs += DENIAL_REFILL_MS) {
    const report = queue.take(nowMs);
    if (report !== undefined) reports.push(report);
  }
  assert.equal(reports.length, MAX_DENIAL_KINDS + 1);
  assert.deepEqual(reports.filter(({ isMixed }) => isMixed).map(({ count }) => count), [30]);
});
