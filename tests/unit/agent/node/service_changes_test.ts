import assert from "node:assert/strict";
import { ServiceChanges } from "../../../../agent/node/service_changes.ts";
import { SUPERVISION_LOOP, type SupervisorNotice } from "../../../../agent/supervisor/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

const SETTLE_MS = 30_000;

function scene() {
  const clock = new VirtualClock();
  const looks: number[] = [];
  const changes = new ServiceChanges({
    clock,
    settleMs: SETTLE_MS,
    onLast: () => looks.push(clock.monotonicMs()),
  });
  const note = (action: "start" | "stop" | "restart" | "crash", identity?: string) => {
    const by = identity === undefined ? SUPERVISION_LOOP : { ...SUPERVISION_LOOP, identity };
    const notice: SupervisorNotice = {
      kind: "report",
      name: "nvidia-persistenced",
      action,
      by,
      detail: "",
      atMs: 0,
    };
    changes.note(notice);
  };
  return { clock, changes, note, looks };
}

Deno.test("OBS-9: services are changing until the boot has come to them and they have settled", () => {
  const { clock, changes, note, looks } = scene();
  clock.advance(120_000);
  assert.equal(changes.areUnderWay, true);
  const beginMs = clock.monotonicMs();
  changes.begun();
  note("start");
  clock.advance(SETTLE_MS - 1);
  assert.equal(changes.areUnderWay, true);
  assert.deepEqual(looks.map((atMs) => atMs - beginMs), [22_500]);
  clock.advance(1);
  assert.equal(changes.areUnderWay, false);
});

Deno.test("OBS-9: a boot that never comes to services excuses nothing after ten minutes", () => {
  const { clock, changes } = scene();
  clock.advance(600_000);
  assert.equal(changes.areUnderWay, false);
});

Deno.test("OBS-9: a start, stop or restart that is asked for counts, one that follows a crash does not", () => {
  const { clock, changes, note } = scene();
  changes.begun();
  clock.advance(SETTLE_MS);
  note("restart", "ann");
  assert.equal(changes.areUnderWay, true);
  clock.advance(SETTLE_MS);
  note("stop");
  assert.equal(changes.areUnderWay, true);
  clock.advance(SETTLE_MS);
  note("crash");
  note("restart");
  note("start");
  assert.equal(changes.areUnderWay, false);
  note("start");
  assert.equal(changes.areUnderWay, true);
  clock.advance(SETTLE_MS);
  changes.declared();
  assert.equal(changes.areUnderWay, true);
  changes.close();
});
