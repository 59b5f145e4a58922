import assert from "node:assert/strict";
import fc from "fast-check";
import {
  openingShell,
  type ShellEffect,
  type ShellEvent,
  type ShellState,
  shellStep,
} from "../../../../agent/shell/mod.ts";

const LIMITS = { idleMs: 1_800_000, absoluteMs: 43_200_000 };

/** Everything that a run of events brings about. */
function run(events: readonly ShellEvent[], limits = LIMITS) {
  let state: ShellState = openingShell();
  const effects: ShellEffect[] = [];
  for (const event of events) {
    const step = shellStep(state, event, limits);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects, kinds: effects.map(({ kind }) => kind) };
}

const started: ShellEvent = { kind: "started" };
const exited = (code: number): ShellEvent => ({ kind: "exited", code });
const drained: ShellEvent = { kind: "drained" };
const timer = (name: Extract<ShellEvent, { kind: "timer" }>["name"]): ShellEvent => ({
  kind: "timer",
  name,
});

Deno.test("SHL-2: a shell that exits is over once its output was passed on, with its own status", () => {
  const early = run([started, exited(3)]);
  assert.equal(early.state.kind, "closing");
  assert.ok(early.kinds.includes("sweep"));
  assert.ok(!early.kinds.includes("hangUp"));
  const { state } = run([started, exited(3), drained]);
  assert.deepEqual(state, { kind: "closed", reason: "exit", exitCode: 3 });
});

Deno.test("SHL-2: what fails before it is active is closed at once", () => {
  const { state, kinds } = run([{ kind: "failed" }]);
  assert.equal(state.kind, "closed");
  assert.deepEqual(kinds, ["finish"]);
});

Deno.test("SHL-10: whoever ends it, the foreground is hung up on, gets two seconds, and is killed", () => {
  for (const reason of ["closed by the user", "the caller has gone"] as const) {
    const asked = run([started, { kind: "endAsked", reason }]);
    assert.deepEqual(asked.effects.slice(-2), [
      { kind: "hangUp" },
      { kind: "setTimer", name: "grace", ms: 2_000 },
    ]);
    const { state, kinds } = run([
      started,
      { kind: "endAsked", reason },
      timer("grace"),
      exited(137),
      drained,
    ]);
    assert.ok(kinds.includes("sweep"));
    assert.deepEqual(state, { kind: "closed", reason, exitCode: 137 });
  }
  const before = run([{ kind: "endAsked", reason: "the caller has gone" }, started]);
  assert.equal(before.state.kind, "closing");
});

Deno.test("SHL-7: a warning a minute before, and the end after half an hour or twelve hours", () => {
  const { effects } = run([started]);
  const timers = effects.flatMap((it) => it.kind === "setTimer" ? [[it.name, it.ms]] : []);
  assert.deepEqual(Object.fromEntries(timers), {
    idleWarning: 1_740_000,
    idle: 1_800_000,
    limitWarning: 43_140_000,
    limit: 43_200_000,
  });
  assert.equal(run([started, timer("idleWarning")]).kinds.at(-1), "warn");
  assert.equal(run([started, timer("idle")]).state.kind, "closing");
  assert.equal(run([started, timer("limit")]).state.kind, "closing");
  const short = run([started], { idleMs: 2_000, absoluteMs: 43_200_000 });
  assert.ok(!JSON.stringify(short.effects).includes("idleWarning"));
  const typed = run([started, { kind: "input", bytes: new Uint8Array([1]) }]);
  assert.equal(
    typed.effects.filter((it) => it.kind === "setTimer" && it.name === "idle").length,
    2,
  );
});

Deno.test("SHL-9: what is typed while it closes is ignored", () => {
  const input: ShellEvent = { kind: "input", bytes: new Uint8Array([1]) };
  const closing = [started, { kind: "endAsked", reason: "closed by the user" }] as const;
  assert.ok(!run([...closing, input]).kinds.includes("type"));
  assert.ok(run([started, input]).kinds.includes("type"));
});

Deno.test("SHL-9: after the end of input its end is typed, again while nothing happens, and then it is over", () => {
  const quiet = Array.from({ length: 31 }, () => timer("quiet"));
  const { state, kinds } = run([started, { kind: "inputEnded" }, ...quiet]);
  assert.equal(kinds.filter((kind) => kind === "typeEnd").length, 31);
  assert.ok(state.kind === "closing" && state.reason === "end of input");
  const busy = quiet.flatMap((it) => [it, { kind: "output" } as const]);
  assert.equal(run([started, { kind: "inputEnded" }, ...busy]).state.kind, "active");
});

Deno.test("SHL-2: in whatever order things happen, it finishes once, and only when both shell and output have ended", () => {
  const event = fc.oneof(
    fc.constantFrom<ShellEvent>(
      started,
      { kind: "failed" },
      { kind: "inputEnded" },
      { kind: "output" },
      drained,
      { kind: "endAsked", reason: "closed by the user" },
      { kind: "endAsked", reason: "the caller has gone" },
      timer("idle"),
      timer("limit"),
      timer("grace"),
      timer("quiet"),
      { kind: "resize", rows: 1, columns: 1 },
      { kind: "input", bytes: new Uint8Array([3]) },
    ),
    fc.integer({ min: 0, max: 255 }).map(exited),
  );
  fc.assert(fc.property(fc.array(event, { maxLength: 40 }), (events) => {
    const { state, kinds } = run([started, ...events]);
    assert.equal(kinds.filter((kind) => kind === "finish").length, state.kind === "closed" ? 1 : 0);
    const hasEnded = events.some(({ kind }) => kind === "exited");
    const isDrained = events.some(({ kind }) => kind === "drained");
    if (hasEnded && isDrained) assert.equal(state.kind, "closed");
    if (state.kind === "closed") assert.ok(hasEnded && isDrained);
    assert.ok(kinds.filter((kind) => kind === "hangUp").length <= 1);
  }));
});
