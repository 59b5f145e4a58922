import assert from "node:assert/strict";
import fc from "fast-check";
import { restartDelaySeconds } from "../../../../agent/supervisor/backoff.ts";
import { type ServiceDeclaration, SupervisorError } from "../../../../agent/supervisor/mod.ts";
import { readNotification } from "../../../../agent/supervisor/readiness.ts";
import { nextWakeMs } from "../../../../agent/supervisor/supervisor_core.ts";
import type { SupervisorEffect } from "../../../../agent/supervisor/supervisor_state.ts";
import { service } from "./fixtures.ts";
import { ADMIN, SupervisorRig } from "./supervisor_rig.ts";

const NAMES = ["a", "b", "c", "d"] as const;
const name = fc.constantFrom(...NAMES);

const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("answer" as const), pick: fc.nat(), ok: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("exit" as const), pick: fc.nat(), code: fc.nat(2) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(70_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("start" as const, "restart" as const), name }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("stop" as const), name, force: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("declare" as const),
      services: fc.subarray([...NAMES]),
      version: fc.nat(1),
      chain: fc.boolean(),
      delay: fc.constantFrom(0, 5, 90),
      notifies: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("notify" as const),
      pick: fc.nat(),
      text: fc.constantFrom("READY=1", "WATCHDOG=1", "STOPPING=1", "STATUS=x"),
    }),
  },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

/**
 * The world outside of the core: spawns answer late, processes die when they like or when killed.
 * It holds what must always be true: one process of a service at most, and none without a scope.
 */
class World {
  readonly rig = new SupervisorRig();
  /** Unanswered spawns and clearings, in the order they were asked for. */
  readonly open: { readonly effect: SupervisorEffect; readonly sinceMs: number }[] = [];
  readonly processes = new Map<string, { readonly run: number; readonly sinceMs: number }>();
  readonly signalled = new Set<string>();
  readonly scopes = new Set<string>();
  readonly crashes = new Map<string, { atMs: number; delaySeconds: number; run: number }>();
  #lastPid = 100;

  send(...args: Parameters<SupervisorRig["send"]>): void {
    try {
      this.#perform(this.rig.send(...args));
    } catch (error) {
      if (!(error instanceof SupervisorError)) throw error;
    }
    this.rig.effects.length = 0;
  }

  take(action: Action): void {
    switch (action.do) {
      case "answer":
        return this.#answer(action.pick, action.ok);
      case "exit": {
        const running = [...this.processes.keys()];
        const victim = running[action.pick % running.length];
        if (victim !== undefined) this.#exit(victim, action.code);
        return;
      }
      case "notify": {
        const [sender, process] = [...this.processes][action.pick % this.processes.size] ?? [];
        if (sender === undefined || process === undefined) return;
        const message = readNotification(action.text);
        return this.send({ kind: "notified", name: sender, run: process.run, message });
      }
      case "pass":
        return this.pass(action.ms);
      case "start":
      case "restart":
        return this.send({ kind: action.do, name: action.name, by: ADMIN });
      case "stop": {
        const dependents = action.force ? "ignore" : "refuse";
        return this.send({ kind: "stop", name: action.name, by: ADMIN, dependents });
      }
      case "declare":
        return this.send({
          kind: "declare",
          by: ADMIN,
          declarations: action.services.map((name, index, all) => {
            const before = all[index - 1];
            return service(name, {
              args: [`v${action.version}`],
              restartDelaySeconds: action.delay,
              dependsOn: action.chain && before !== undefined ? [before] : [],
              readiness: action.notifies ? { timeoutSeconds: 20 } : null,
              watchdogSeconds: action.notifies ? 30 : null,
            });
          }),
        });
    }
  }

  pass(ms: number): void {
    const targetMs = this.rig.nowMs + ms;
    while (this.rig.nowMs < targetMs) {
      this.rig.nowMs = Math.min(targetMs, this.rig.nowMs + 500);
      this.send({ kind: "tick" });
      const wakeMs = nextWakeMs(this.rig.state);
      assert.ok(wakeMs === null || wakeMs > this.rig.nowMs, "a tick that asks for itself at once");
    }
  }

  /** Answers everything, time passing, until nothing is going on any more. */
  drain(): void {
    for (let round = 0; round < 200 && !this.rig.allDown; round++) {
      while (this.open.length > 0) this.#answer(0, true);
      for (const name of this.signalled) this.#exit(name, 0);
      this.pass(1_000);
    }
  }

  #perform(effects: readonly SupervisorEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "spawn") {
        assert.ok(!this.processes.has(effect.name), `a second process of ${effect.name}`);
        assert.ok(!this.scopes.has(effect.name), `a second scope of ${effect.name}`);
        this.#assertDelay(effect.name);
        this.#assertDependencies(effect.declaration);
        this.scopes.add(effect.name);
        this.open.push({ effect, sinceMs: this.rig.nowMs });
      } else if (effect.kind === "clearScope") {
        this.open.push({ effect, sinceMs: this.rig.nowMs });
      } else if (effect.kind === "signal") {
        assert.ok(this.processes.has(effect.name), `a signal to nobody: ${effect.name}`);
        this.signalled.add(effect.name);
      }
    }
  }

  #answer(pick: number, ok: boolean): void {
    const [taken] = this.open.splice(pick % Math.max(1, this.open.length), 1);
    if (taken === undefined) return;
    const { name, run } = taken.effect;
    if (taken.effect.kind === "clearScope") {
      if (this.processes.has(name)) this.#exit(name, 9);
      this.scopes.delete(name);
      return this.send({ kind: "scopeCleared", name, run });
    }
    if (!ok) {
      this.scopes.delete(name);
      return this.send({ kind: "spawnFailed", name, run, reason: "exec", permanent: false });
    }
    this.processes.set(name, { run, sinceMs: this.rig.nowMs });
    this.send({ kind: "spawned", name, run, pid: ++this.#lastPid });
  }

  #exit(name: string, code: number): void {
    const process = this.processes.get(name);
    if (process === undefined) return;
    this.processes.delete(name);
    this.signalled.delete(name);
    const before = this.rig.state.services.get(name);
    const crashed = before?.machine.state.kind === "Running" && before.pending === null &&
      !before.removed;
    if (crashed) {
      const stable = this.rig.nowMs - process.sinceMs >= 60_000;
      const delaySeconds = restartDelaySeconds(
        before.declaration.restartDelaySeconds,
        stable ? 0 : before.machine.series,
        60,
      );
      this.crashes.set(name, { atMs: this.rig.nowMs, delaySeconds, run: process.run });
    }
    this.send({ kind: "exited", name, run: process.run, status: { kind: "code", code } });
  }

  /** SUP-6: what a service depends on runs, and has said so where it says so. */
  #assertDependencies({ name, dependsOn }: ServiceDeclaration): void {
    for (const dependency of dependsOn) {
      const found = this.rig.state.services.get(dependency);
      const isUp = found?.machine.state.kind === "Running" && found.readiness?.ready === true;
      assert.ok(isUp, `${name} started before its dependency ${dependency}`);
    }
  }

  /** SUP-2: nothing that nobody asked for comes back before its delay. */
  #assertDelay(name: string): void {
    const crash = this.crashes.get(name);
    this.crashes.delete(name);
    const state = this.rig.state.services.get(name)?.machine.state;
    if (crash === undefined || state?.kind !== "Spawning") return;
    if (state.by.identity !== "supervision-loop") return;
    assert.ok(
      this.rig.nowMs - crash.atMs >= crash.delaySeconds * 1000,
      `${name} came back after ${this.rig.nowMs - crash.atMs} ms, not ${crash.delaySeconds} s`,
    );
  }
}

Deno.test("ACC-A1: never two processes of a service, no scope without owner, delays as SUP-2", () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 20, maxLength: 80, size: "max" }), (actions) => {
      const world = new World();
      for (const each of actions) world.take(each);
      world.send({ kind: "stopAll", by: ADMIN, limitMs: 90_000 });
      world.drain();
      assert.equal(world.rig.allDown, true);
      assert.deepEqual([...world.processes.keys()], []);
      assert.deepEqual([...world.scopes], []);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("ACC-A1: everything is stopped in reverse start order, whatever the dependencies", () => {
  const edges = fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 10 });
  const orders = fc.array(fc.nat(3), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(edges, orders, (pairs, order) => {
      const names = order.map((_, index) => `s${index}`);
      const dependsOn = (index: number) => [
        ...new Set(
          pairs.filter(([from, to]) => from === index && to < index).map(([, to]) => `s${to}`),
        ),
      ];
      const rig = new SupervisorRig();
      rig.declare(
        ...names.map((each, index) =>
          service(each, { order: order[index] ?? 0, dependsOn: dependsOn(index) })
        ),
      );
      const started: string[] = [];
      for (let wave = spawns(rig); wave.length > 0; wave = spawns(rig)) {
        started.push(...wave);
        rig.spawned(...wave);
      }
      assert.equal(started.length, names.length, "everything starts");

      rig.send({ kind: "stopAll", by: ADMIN, limitMs: 90_000 });
      const alive = new Set(names);
      for (let wave = signals(rig); wave.length > 0; wave = signals(rig)) {
        for (const each of wave) {
          const needed = names.filter((other, index) =>
            alive.has(other) && dependsOn(index).includes(each)
          );
          assert.deepEqual(needed, [], `${each} is stopped while others need it`);
        }
        for (const each of wave) {
          alive.delete(each);
          rig.dies(each, { kind: "code", code: 0 });
        }
      }
      assert.equal(alive.size, 0);
    }),
    { numRuns: 1000 },
  );
});

const spawns = (rig: SupervisorRig) => subjects(rig, "spawn ");
const signals = (rig: SupervisorRig) => subjects(rig, "signal ");

function subjects(rig: SupervisorRig, prefix: string): string[] {
  return rig.news().filter((line) => line.startsWith(prefix)).map((line) =>
    line.split(" ")[1] ?? ""
  );
}
