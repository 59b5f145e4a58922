import assert from "node:assert/strict";
import { CallQueueFull, CallSlots } from "../../../../mcp/protocol/mod.ts";

/** Work that ends when told. */
function work() {
  const { promise, resolve } = Promise.withResolvers<void>();
  let started = false;
  return {
    run: () => {
      started = true;
      return promise;
    },
    finish: resolve,
    get isStarted() {
      return started;
    },
  };
}

const never = new AbortController().signal;

Deno.test("MCP-7: calls start in the order they came, as slots get free", async () => {
  const slots = new CallSlots({ running: 1, waiting: 2 });
  const [first, second, third] = [work(), work(), work()];
  const ends = [first, second, third].map((call) => slots.run(call.run, never));
  await Promise.resolve();
  assert.deepEqual([first.isStarted, second.isStarted, third.isStarted], [true, false, false]);
  first.finish();
  await ends[0];
  await Promise.resolve();
  assert.deepEqual([second.isStarted, third.isStarted], [true, false]);
  second.finish();
  third.finish();
  await Promise.all([...ends, slots.whenIdle()]);
});

Deno.test("MCP-7: a call beyond the queue is refused, one that is cancelled leaves it", async () => {
  const slots = new CallSlots({ running: 1, waiting: 1 });
  const running = work();
  const end = slots.run(running.run, never);
  const cancel = new AbortController();
  const cancelled = work();
  const waiting = slots.run(cancelled.run, cancel.signal);
  await assert.rejects(slots.run(work().run, never), CallQueueFull);
  cancel.abort(new Error("cancelled"));
  await assert.rejects(waiting, /cancelled/);
  const next = work();
  const nextEnd = slots.run(next.run, never);
  running.finish();
  next.finish();
  await Promise.all([end, nextEnd, slots.whenIdle()]);
  assert.deepEqual([cancelled.isStarted, next.isStarted], [false, true]);
});

Deno.test("MCP-7: a call that fails frees its slot", async () => {
  const slots = new CallSlots({ running: 1, waiting: 1 });
  await assert.rejects(slots.run(() => Promise.reject(new Error("broken")), never), /broken/);
  await slots.whenIdle();
  await slots.run(() => Promise.resolve(), never);
});
