import assert from "node:assert/strict";
import { Gate } from "../../../../agent/readiness/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import {
  nodePaths,
  parseReadinessLine,
  parseReadyMarker,
  type Readiness,
  ReadinessError,
} from "../../../../contracts/mod.ts";
import { tempDir, within, withShim } from "../../../support/mod.ts";

const BOOTING: Readiness = { name: "Booting", phase: "PullOverlay", attempt: 2 };
const READY: Readiness = { name: "Ready", nodeId: "n1", since: "2026-11-21T10:00:00.000Z" };
const FAILED: Readiness = { name: "Failed", reason: "no journal" };

interface Scene {
  readonly gate: Gate;
  readonly root: string;
  /** Connects, sends a text, and reads the answer. */
  ask(text?: string): Promise<Readiness>;
  marker(): Promise<string | null>;
  again(keepsMarker: boolean): Gate;
}

async function scene(test: (scene: Scene) => Promise<void>): Promise<void> {
  await using dir = await tempDir();
  const root = dir.path;
  const paths = nodePaths(root);
  await Deno.mkdir(paths.run, { recursive: true });
  await withShim(async (shim) => {
    const events = shim.startEvents();
    const open = (keepsMarker: boolean) =>
      new Gate({
        shim,
        events,
        clock: systemClock,
        log: silentLogger,
        paths,
        initial: BOOTING,
        keepsMarker,
      });
    let gate = open(false);
    try {
      await test({
        gate,
        root,
        ask: async (text = "") => {
          using connection = await Deno.connect({ transport: "unix", path: paths.readySocket });
          if (text !== "") await connection.write(new TextEncoder().encode(text));
          const answer = new Response(connection.readable).text();
          return parseReadinessLine((await within(answer, { what: "the answer" })).trimEnd());
        },
        marker: () => Deno.readTextFile(paths.readyMarker).catch(() => null),
        again: (keepsMarker) => gate = open(keepsMarker),
      });
    } finally {
      gate.close(false);
      await events.close();
    }
  });
}

Deno.test("RDY-2, RDY-5: the socket says how far the boot is, and the marker comes with Ready", () =>
  scene(async ({ gate, ask, marker }) => {
    assert.deepEqual(await ask(), BOOTING);
    assert.equal(await marker(), null);
    gate.set(READY);
    assert.deepEqual(await ask(), READY);
    assert.deepEqual(parseReadyMarker(await marker() ?? ""), {
      nodeId: "n1",
      since: "2026-11-21T10:00:00.000Z",
    });
  }));

Deno.test("RDY-5: who sends `wait` is answered when the state is final, ready or failed", () =>
  scene(async ({ gate, ask }) => {
    const waiting = ask("wait\n");
    assert.deepEqual(await ask("what?\n"), BOOTING);
    gate.set({ ...BOOTING, attempt: 3 });
    gate.set(FAILED);
    assert.deepEqual(await waiting, FAILED);
    assert.deepEqual(await ask("wait\n"), FAILED);
  }));

Deno.test("RDY-3: once ready a node stays ready until it stops", () =>
  scene(async ({ gate, ask, marker }) => {
    gate.set(READY);
    gate.set(FAILED);
    assert.deepEqual(await ask(), READY);
    gate.close(false);
    assert.equal(await marker(), null);
  }));

Deno.test("RDY-2, RDY-4: a marker of an earlier life is removed, unless the agent only starts again", () =>
  scene(async ({ gate, again, marker }) => {
    gate.set(READY);
    gate.close(true);
    const restarted = again(true);
    assert.notEqual(await marker(), null);
    restarted.close(true);
    again(false);
    assert.equal(await marker(), null);
  }));

Deno.test("RDY-1: waiting inside the agent ends with readiness, its failure, or the time", () =>
  scene(async ({ gate }) => {
    await assert.rejects(gate.waitReady(1), new ReadinessError({ kind: "Timeout" }));
    const waiting = gate.waitReady();
    gate.set(FAILED);
    await assert.rejects(waiting, new ReadinessError({ kind: "BootFailed", reason: "no journal" }));
    gate.set(READY);
    await gate.waitReady();
    assert.equal(await gate.isReady(), true);
  }));

Deno.test("PATH-22: a second gate on a live socket is refused", () =>
  scene(async ({ again }) => {
    await Promise.resolve();
    assert.throws(() => again(false), /ready\.sock is in use/);
  }));
