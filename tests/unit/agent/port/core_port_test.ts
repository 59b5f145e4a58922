import assert from "node:assert/strict";
import type { agentport } from "../../../../api/mod.ts";
import {
  type CorePort,
  type FrameError,
  MAX_FRAME_BYTES,
  openCorePort,
  openWorkerPort,
} from "../../../../agent/port/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { frameBytes } from "./frames.ts";

/** A core's port, what it heard, and the other end of its channel. */
class Rig implements Disposable {
  readonly frames: agentport.WorkerFrame["frame"][] = [];
  readonly violations: FrameError[] = [];
  readonly failures: unknown[] = [];
  readonly port: CorePort;
  readonly worker: MessagePort;
  readonly #core: MessagePort;

  constructor(onFrame: (frame: agentport.WorkerFrame["frame"]) => void | Promise<void> = () => {}) {
    const { port1, port2 } = new MessageChannel();
    this.#core = port1;
    this.worker = port2;
    this.port = openCorePort(port1, {
      onFrame: (frame) => {
        this.frames.push(frame);
        return onFrame(frame);
      },
      onFailure: (error) => this.failures.push(error),
      onViolation: (error) => this.violations.push(error),
    });
    port1.start();
    port2.start();
  }

  [Symbol.dispose](): void {
    this.port.close();
    this.#core.close();
    this.worker.close();
  }
}

const LISTENING = frameBytes({ case: "listening", value: { hostname: "h", port: 1 } });

Deno.test("frames arrive in order, each as it was sent", async () => {
  using rig = new Rig();
  const port = openWorkerPort(rig.worker, () => {});
  for (const code of ["A", "B", "C"]) port.send({ case: "linkState", value: { code } });
  await waitFor(() => rig.frames.length === 3, { what: "three frames" });
  assert.deepEqual(
    rig.frames.map((frame) => frame.case === "linkState" && frame.value.code),
    ["A", "B", "C"],
  );
});

Deno.test("the worker gets what the core sends", async () => {
  using rig = new Rig();
  const heard: agentport.CoreFrame["frame"][] = [];
  openWorkerPort(rig.worker, (frame) => heard.push(frame));
  rig.port.send({ case: "callEnd", value: { callId: 7n, errorCode: "CONFLICT" } });
  const [frame] = await waitFor(() => heard.length > 0 && heard, { what: "the frame" });
  assert.equal(frame?.case === "callEnd" && frame.value.callId, 7n);
});

const HOSTILE: readonly (readonly [string, unknown, RegExp])[] = [
  ["what are no bytes", { frame: "call" }, /must be bytes/],
  ["a text", "call", /must be bytes/],
  ["bytes that are no message", new Uint8Array([0xff, 0xff, 0xff]), /undecodable frame/],
  ["an empty frame", new Uint8Array(), /without content/],
  ["a frame that is too large", new Uint8Array(MAX_FRAME_BYTES + 1), /at most/],
  ["a message out of bounds", frameBytes({ case: "call", value: {} }), /malformed method name/],
];

for (const [what, message, reason] of HOSTILE) {
  Deno.test(`a worker that sends ${what} is told on and not heard any more`, async () => {
    using rig = new Rig();
    rig.worker.postMessage(message);
    rig.worker.postMessage(LISTENING);
    await waitFor(() => rig.violations.length > 0, { what: "the violation" });
    // A second channel's message comes after everything that was sent before it.
    const { port1, port2 } = new MessageChannel();
    const later = new Promise((resolve) => port1.addEventListener("message", resolve));
    port1.start();
    port2.postMessage("later");
    await later;
    port1.close();
    port2.close();
    assert.equal(rig.violations.length, 1);
    assert.match(rig.violations[0]?.message ?? "", reason);
    assert.deepEqual(rig.frames, [], "nothing of it is carried out");
  });
}

Deno.test("a flood of frames that are not done with ends the worker, not the core", async () => {
  const never = new Promise<void>(() => {});
  using rig = new Rig(() => never);
  for (let i = 0; i < 2000; i++) rig.worker.postMessage(LISTENING);
  await waitFor(() => rig.violations.length > 0, { what: "the violation" });
  assert.match(rig.violations[0]?.message ?? "", /more than 1024 frames unanswered/);
  assert.equal(rig.frames.length, 1024);
});

Deno.test("frames that are done with may be as many as there are", async () => {
  using rig = new Rig();
  for (let i = 0; i < 5000; i++) rig.worker.postMessage(LISTENING);
  await waitFor(() => rig.frames.length === 5000, { what: "all frames" });
  assert.deepEqual(rig.violations, []);
});

Deno.test("a frame that cannot be carried out is told and does not end the port", async () => {
  using rig = new Rig((frame) => {
    if (frame.case === "fatal") throw new Error("the disk is full");
  });
  rig.worker.postMessage(frameBytes({ case: "fatal", value: {} }));
  rig.worker.postMessage(LISTENING);
  await waitFor(() => rig.frames.length === 2, { what: "both frames" });
  assert.deepEqual(rig.failures.map(String), ["Error: the disk is full"]);
  assert.deepEqual(rig.violations, []);
});
