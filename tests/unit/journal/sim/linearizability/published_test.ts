import assert from "node:assert/strict";
import {
  checkLinearizability,
  type History,
  type Model,
  REGISTERS,
} from "../../../../../journal/sim/linearizability/mod.ts";
import { FIFO_QUEUE, queueTimeline } from "./fifo_queue.ts";
import { registerTimeline } from "./timeline.ts";

function verdictOn<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: History<Input, Output>,
): string {
  return checkLinearizability(model, history).kind;
}

function registerVerdict(picture: string): string {
  return verdictOn(REGISTERS, registerTimeline(picture));
}

function queueVerdict(picture: string): string {
  return verdictOn(FIFO_QUEUE, queueTimeline(picture));
}

// Herlihy and Wing, "Linearizability", 1990, figure 1: four histories of a queue.

Deno.test("a queue whose items come out in either order of overlapping calls is linearizable", () => {
  const verdict = queueVerdict(`
    A  [enq x    ]            [deq y]  [enq z]
    B     [enq y    ] [deq x]
  `);
  assert.equal(verdict, "linearizable");
});

Deno.test("a queue that gives out what came second first is not linearizable", () => {
  const verdict = queueVerdict(`
    A  [enq x]
    B          [enq y] [deq y]
  `);
  assert.equal(verdict, "violation");
});

Deno.test("a queue may give out an item whose enqueuing has not returned", () => {
  const verdict = queueVerdict(`
    A  [enq x                    ]
    B      [deq x]
  `);
  assert.equal(verdict, "linearizable");
});

Deno.test("a queue that gives out one item twice is not linearizable", () => {
  const verdict = queueVerdict(`
    A  [enq x    ]   [deq y]
    B    [enq y    ]    [deq y]
  `);
  assert.equal(verdict, "violation");
});

// The same paper, figure 2, in the manner of: registers.

Deno.test("a register may show a write that has not returned, and go on showing it", () => {
  const verdict = registerVerdict(`
    A  [w 0]  [w 1              ]
    B            [r 1]    [r 1]
    C          [r 0]
  `);
  assert.equal(verdict, "linearizable");
});

Deno.test("a register that was seen new and then old again is not linearizable", () => {
  const verdict = registerVerdict(`
    A  [w 0]  [w 1                   ]
    B            [r 1]
    C                    [r 0]
  `);
  assert.equal(verdict, "violation");
});

// The two histories with which porcupine's author explains the property.

Deno.test("reads that overlap a write may disagree while the write is under way", () => {
  const verdict = registerVerdict(`
    A  [w 0]  [w 100              ]
    B            [r 100        ]
    C              [r 0   ]
  `);
  assert.equal(verdict, "linearizable");
});

Deno.test("an old value after a read that returned the new one is not linearizable", () => {
  const verdict = registerVerdict(`
    A  [w 0]  [w 200                      ]
    B            [r 200]
    C                       [r 0]
  `);
  assert.equal(verdict, "violation");
});

// Findings as Jepsen publishes them.

Deno.test("a stale read, from a leader that does not know it is none any more, is found", () => {
  const verdict = registerVerdict(`
    A  [w 1] [cas 1 2 yes]
    B                       [r 1]
  `);
  assert.equal(verdict, "violation");
});

Deno.test("a lost update, two compare-and-sets that both won from the same value, is found", () => {
  const verdict = registerVerdict(`
    A  [w 1] [cas 1 2 yes    ]
    B          [cas 1 3 yes    ]
  `);
  assert.equal(verdict, "violation");
});

Deno.test("of two compare-and-sets from the same value one may win", () => {
  const verdict = registerVerdict(`
    A  [w 1] [cas 1 2 no     ]
    B          [cas 1 3 yes    ]
    C                            [r 3]
  `);
  assert.equal(verdict, "linearizable");
});

Deno.test("an acknowledged write that a failover lost is found", () => {
  const verdict = registerVerdict(`
    A  [w 1]  [w 2]
    B                 [r 2]          [r 1]
  `);
  assert.equal(verdict, "violation");
});

Deno.test("a dirty read, of a write that later turns out not to have happened, is found", () => {
  const verdict = registerVerdict(`
    A  [w 1]   [w 2 ?
    B             [r 2]   [r 1]   [r 2]
  `);
  assert.equal(verdict, "violation");
});

// What became of an operation whose client heard nothing.

Deno.test("a write without an answer may take effect long after its client gave up", () => {
  const verdict = registerVerdict(`
    A  [w 1]   [w 2 ?
    B                   [r 1]   [r 1]    [r 2]
  `);
  assert.equal(verdict, "linearizable");
});

Deno.test("a write without an answer may never take effect", () => {
  const verdict = registerVerdict(`
    A  [w 1]   [w 2 ?
    B                   [r 1]   [r 1]
  `);
  assert.equal(verdict, "linearizable");
});

Deno.test("a write without an answer does not take effect before its call", () => {
  const verdict = registerVerdict(`
    A  [w 1]            [w 2 ?
    B           [r 2]
  `);
  assert.equal(verdict, "violation");
});

Deno.test("operations that meet in one moment overlap", () => {
  const history = registerTimeline(`
    A  [w 1][r -]
  `);
  const [write, read] = history;
  assert.ok(write?.outcome.kind === "returned" && read !== undefined);
  assert.equal(write.outcome.at, read.calledAt);
  assert.equal(verdictOn(REGISTERS, history), "linearizable");
});

Deno.test("registers are judged one by one", () => {
  const key = (name: string, picture: string) =>
    registerTimeline(picture).map((operation) => ({
      ...operation,
      input: { ...operation.input, key: name },
    }));
  const good = key("a", "A  [w 1] [r 1]");
  const bad = key("b", "A  [w 1] [r 2]");
  assert.equal(verdictOn(REGISTERS, [...good, ...key("b", "A  [r -] [w 2]")]), "linearizable");
  const verdict = checkLinearizability(REGISTERS, [...good, ...bad]);
  assert.ok(verdict.kind === "violation");
  assert.deepEqual(verdict.stuckAt.input, { kind: "read", key: "b" });
});
