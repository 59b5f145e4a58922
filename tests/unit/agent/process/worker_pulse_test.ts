import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { MAX_MISSED, PULSE_MS, WorkerPulse } from "../../../../agent/process/mod.ts";
import { startWorker } from "../../../../agent/worker/mod.ts";
import { agentport } from "../../../../api/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

function pulse() {
  const clock = new VirtualClock();
  const asked: bigint[] = [];
  const told = { silent: 0 };
  const pulse = new WorkerPulse({
    clock,
    ask: (id) => void asked.push(id),
    onSilent: () => void told.silent++,
  });
  pulse.start();
  return { clock, asked, told, pulse };
}

Deno.test("WDG-6: a worker that answers is asked again, and nothing is told", () => {
  const { clock, asked, told, pulse: worker } = pulse();
  for (let turn = 0; turn < 100; turn++) {
    worker.answer(asked.at(-1) ?? 0n);
    clock.advance(PULSE_MS);
  }
  assert.equal(asked.length, 101);
  assert.equal(told.silent, 0);
  worker.close();
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("WDG-6: a worker that hangs is told once, after half a minute", () => {
  const { clock, asked, told, pulse: worker } = pulse();
  worker.answer(1n);
  clock.advance(PULSE_MS);
  worker.answer(1n); // Of the question before.
  clock.advance(PULSE_MS * (MAX_MISSED - 1));
  assert.deepEqual([asked.length, told.silent], [2, 0]);
  clock.advance(PULSE_MS);
  assert.equal(told.silent, 1);
  clock.advance(PULSE_MS * 100);
  assert.equal(told.silent, 1);
});

Deno.test("WDG-6: a late answer counts", () => {
  const { clock, asked, told, pulse: worker } = pulse();
  clock.advance(PULSE_MS * (MAX_MISSED - 1));
  worker.answer(asked.at(-1) ?? 0n);
  clock.advance(PULSE_MS * (MAX_MISSED - 1));
  assert.equal(told.silent, 0);
});

Deno.test("WDG-6: the worker answers with the id it was asked with, before it is configured too", () => {
  const said: agentport.WorkerFrame["frame"][] = [];
  let hear = (_event: MessageEvent): void => {};
  startWorker({
    postMessage: (message) => {
      assert.ok(message instanceof Uint8Array);
      said.push(fromBinary(agentport.WorkerFrameSchema, message).frame);
    },
    addEventListener: (_type, listener) => hear = listener,
  });
  const ping = create(agentport.CoreFrameSchema, { frame: { case: "ping", value: { id: 7n } } });
  hear(new MessageEvent("message", { data: toBinary(agentport.CoreFrameSchema, ping) }));
  const [answer] = said;
  assert.equal(answer?.case, "pong");
  assert.equal(answer?.case === "pong" ? answer.value.id : 0n, 7n);
});
