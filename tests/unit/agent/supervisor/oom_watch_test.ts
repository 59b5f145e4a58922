import assert from "node:assert/strict";
import { OomWatch } from "../../../../agent/supervisor/oom_watch.ts";
import type { Scope } from "../../../../agent/isolation/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

/** A scope whose memory.events the test writes. */
function scopeOf(memory: { kills: bigint; listener: () => void }): Scope {
  return {
    id: "pact.slice/infra.slice/a.scope",
    cgroupDirectory: null,
    hold: () => {},
    contains: () => true,
    setLimits: () => {},
    oomKills: () => memory.kills,
    onMemoryEvent: (listener) => {
      memory.listener = listener;
      return { close: () => {} };
    },
    memory: () => ({ maxBytes: 134_217_728n, peakBytes: 134_213_632n }),
    sweep: () => {},
    clear: () => Promise.resolve(),
  };
}

Deno.test("OOM-2: an end within a second of a kill for memory is put down to it, with limit and peak", () => {
  const clock = new VirtualClock();
  const memory = { kills: 3n, listener: () => {} };
  const watch = new OomWatch(scopeOf(memory), clock);
  assert.equal(watch.cause(), null, "kills of before count");
  clock.advance(5_000);
  memory.kills = 4n;
  memory.listener();
  clock.advance(900);
  assert.deepEqual(watch.cause(), { maxBytes: 134_217_728n, peakBytes: 134_213_632n });
  clock.advance(200);
  assert.equal(watch.cause(), null, "a kill of long ago counts");
});

Deno.test("OOM-2: a kill whose event has not come yet is found when the process ends", () => {
  const clock = new VirtualClock();
  const memory = { kills: 0n, listener: () => {} };
  const watch = new OomWatch(scopeOf(memory), clock);
  clock.advance(60_000);
  memory.kills = 2n;
  assert.notEqual(watch.cause(), null);
});
