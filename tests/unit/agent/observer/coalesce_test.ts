import assert from "node:assert/strict";
import fc from "fast-check";
import {
  coalesce,
  COALESCE_MS,
  type CoalesceEffect,
  type CoalesceInput,
  MAX_PENDING,
  nextTimerMs,
  QUIET,
  STORM_MS,
  STORM_PER_SECOND,
} from "../../../../agent/observer/coalesce.ts";
import type { Actor, ObservedEvent, SourceName } from "../../../../agent/observer/mod.ts";

const sed: Actor = { pid: 7, confidence: "certain", comm: "sed", uid: 0 };

function event(path: string, more: Partial<ObservedEvent> = {}): ObservedEvent {
  return { category: "files", path, detail: "written", atMs: 0, source: "fanotify", ...more };
}

/** Feeds inputs at their times and answers what was to be done at each. */
function played(...inputs: readonly (readonly [nowMs: number, input: CoalesceInput])[]) {
  let state = QUIET;
  return inputs.map(([nowMs, input]) => {
    const result = coalesce(state, input, nowMs);
    state = result.state;
    return result.effects;
  });
}

function told(...events: ObservedEvent[]): CoalesceInput {
  return { kind: "events", events };
}

const timer: CoalesceInput = { kind: "timer" };

Deno.test("OBS-5: what happens to one item within 250 ms is one event, the latest", () => {
  const [, , early, due] = played(
    [0, told(event("/etc/motd"))],
    [200, told(event("/etc/motd", { detail: "removed" }), event("/etc/issue"))],
    [COALESCE_MS - 1, timer],
    [COALESCE_MS, timer],
  );
  assert.deepEqual(early, []);
  assert.deepEqual(due, [{ kind: "deliver", events: [event("/etc/motd", { detail: "removed" })] }]);
});

Deno.test("what never stops changing is delivered all the same", () => {
  const writes = [0, 100, 200].map((at) => [at, told(event("/etc/motd"))] as const);
  assert.equal(played(...writes, [COALESCE_MS, timer]).at(-1)?.length, 1);
});

Deno.test("OBS-11: the source that knows the process lends it to the one that knows the outcome", () => {
  const mounted = event("/mnt", { category: "mounts", source: "mountinfo", detail: "mounted" });
  const attempt = event("/mnt", {
    category: "mounts",
    source: "probes",
    detail: "mount",
    actor: sed,
  });
  for (const order of [[mounted, attempt], [attempt, mounted]]) {
    const [, effects] = played([0, told(...order)], [COALESCE_MS, timer]);
    assert.deepEqual(effects, [{ kind: "deliver", events: [{ ...mounted, actor: sed }] }]);
  }
});

Deno.test("a process that was gone does not take the place of one that was seen", () => {
  const gone: Actor = { pid: 9, confidence: "number" };
  const [, effects] = played(
    [0, told(event("/a", { actor: sed }), event("/a", { actor: gone }))],
    [COALESCE_MS, timer],
  );
  assert.deepEqual(effects, [{ kind: "deliver", events: [event("/a", { actor: sed })] }]);
});

Deno.test("OBS-5: above 1000 a second a source is left for 10 s, said once, then looked after", () => {
  const storm = Array.from({ length: STORM_PER_SECOND * 3 }, (_, index) => event(`/etc/${index}`));
  const [begin, during, lost, , other, end, after] = played(
    [0, told(...storm)],
    [10, told(...storm)],
    [20, { kind: "lost", source: "fanotify" }],
    [300, timer],
    [400, told(event("eth0", { category: "network", source: "rtnetlink" }))],
    [STORM_MS, timer],
    [STORM_MS + 1, { kind: "lost", source: "fanotify" }],
  );
  assert.deepEqual(begin, [{ kind: "storm", source: "fanotify" }]);
  assert.deepEqual([during, lost, other], [[], [], []]);
  assert.deepEqual(end?.map(({ kind }) => kind), ["deliver", "rescan"]);
  assert.deepEqual(after, [{ kind: "rescan", source: "fanotify" }]);
});

Deno.test("lost news ask for a rescan", () => {
  assert.deepEqual(played([0, { kind: "lost", source: "rtnetlink" }]), [
    [{ kind: "rescan", source: "rtnetlink" }],
  ]);
});

Deno.test("no item is forgotten: it is delivered in time, or a rescan comes", () => {
  const source = fc.constantFrom<SourceName>("fanotify", "rtnetlink", "mountinfo");
  const burst = fc.record({
    waitMs: fc.nat(2_000),
    source,
    from: fc.nat(50),
    count: fc.nat(3_000),
  });
  fc.assert(
    fc.property(fc.array(burst, { maxLength: 12 }), (bursts) => {
      let state = QUIET;
      let nowMs = 0;
      const owed = new Map<string, { source: SourceName; atMs: number }>();
      const settle = (effects: readonly CoalesceEffect[]) => {
        for (const effect of effects) {
          if (effect.kind === "deliver") {
            for (const { path } of effect.events) owed.delete(path);
          }
          if (effect.kind !== "rescan") continue;
          for (const [path, { source }] of owed) if (source === effect.source) owed.delete(path);
        }
      };
      const runTo = (untilMs: number) => {
        for (let at = nextTimerMs(state); at !== undefined && at <= untilMs;) {
          const result = coalesce(state, { kind: "timer" }, at);
          state = result.state;
          settle(result.effects);
          at = nextTimerMs(state);
        }
        nowMs = untilMs;
      };
      for (const { waitMs, source, from, count } of bursts) {
        runTo(nowMs + waitMs);
        const events = Array.from(
          { length: count },
          (_, index) => event(`/${source}/${from + index}`, { source }),
        );
        for (const { path } of events) owed.set(path, { source, atMs: nowMs });
        const result = coalesce(state, told(...events), nowMs);
        state = result.state;
        settle(result.effects);
        assert.ok(state.pending.size <= MAX_PENDING);
      }
      runTo(nowMs + STORM_MS + COALESCE_MS);
      assert.deepEqual([...owed.keys()], []);
    }),
    { numRuns: 40 },
  );
});
