import assert from "node:assert/strict";
import fc from "fast-check";
import {
  checkLinearizability,
  type History,
  type Operation,
  type RegisterInput,
  type RegisterOutput,
  REGISTERS,
} from "../../../../../journal/sim/linearizability/mod.ts";

type RegisterHistory = History<RegisterInput, RegisterOutput>;

const VALUE = fc.constantFrom("1", "2", "3");
const INPUT: fc.Arbitrary<RegisterInput> = fc.oneof(
  fc.record({ kind: fc.constant("read" as const), key: fc.constant("x") }),
  fc.record({ kind: fc.constant("write" as const), key: fc.constant("x"), value: VALUE }),
  fc.record({
    kind: fc.constant("compare-and-set" as const),
    key: fc.constant("x"),
    expected: fc.option(VALUE, { nil: undefined }),
    value: VALUE,
  }),
);

/** Something that takes effect at one moment of its time, is seen by its client or not. */
const EXECUTION = fc.record({
  input: INPUT,
  moment: fc.integer({ min: 0, max: 100 }),
  before: fc.integer({ min: 0, max: 30 }),
  after: fc.integer({ min: 0, max: 30 }),
  isAnswered: fc.boolean(),
  isLate: fc.boolean(),
});

/** What clients see of a real register that executes each input at its moment. */
function observed(
  executions: readonly (typeof EXECUTION extends fc.Arbitrary<infer T> ? T : never)[],
): RegisterHistory {
  let state = REGISTERS.initial();
  const inOrder = executions.toSorted((a, b) => a.moment - b.moment);
  return inOrder.map(({ input, moment, before, after, isAnswered, isLate }) => {
    const applied = REGISTERS.apply(state, input);
    state = applied.state;
    const outcome = isAnswered || !isLate
      ? { kind: "returned" as const, at: moment + after, output: applied.output }
      : { kind: "unknown" as const };
    return { client: "c", input, calledAt: moment - before, outcome };
  });
}

/** By the definition, with no cleverness: every order of every subset that may have happened. */
function isLinearizableByDefinition(history: RegisterHistory): boolean {
  const explains = (state: string | undefined, rest: RegisterHistory): boolean => {
    if (rest.every(({ outcome }) => outcome.kind === "unknown")) return true;
    return rest.some((operation) => {
      if (rest.some((other) => precedes(other, operation))) return false;
      const { state: next, output } = REGISTERS.apply(state, operation.input);
      const { outcome } = operation;
      if (outcome.kind === "returned" && !REGISTERS.isSame(output, outcome.output)) return false;
      return explains(next, rest.filter((other) => other !== operation));
    });
  };
  return explains(REGISTERS.initial(), history);
}

function precedes(
  { outcome }: Operation<RegisterInput, RegisterOutput>,
  { calledAt }: Operation<RegisterInput, RegisterOutput>,
): boolean {
  return outcome.kind === "returned" && outcome.at < calledAt;
}

Deno.test("whatever a real register was seen to do is linearizable", () => {
  fc.assert(
    fc.property(fc.array(EXECUTION, { maxLength: 60 }), (executions) => {
      const verdict = checkLinearizability(REGISTERS, observed(executions));
      assert.equal(verdict.kind, "linearizable");
    }),
    { numRuns: 200 },
  );
});

const OUTPUT: fc.Arbitrary<RegisterOutput> = fc.oneof(
  fc.record({ kind: fc.constant("value" as const), value: VALUE }),
  fc.record({ kind: fc.constant("compared" as const), isSet: fc.boolean() }),
);

/** Operations at any times with any answers: mostly nonsense. */
const ARBITRARY_HISTORY: fc.Arbitrary<RegisterHistory> = fc.array(
  fc.record({ execution: EXECUTION, output: OUTPUT }),
  { maxLength: 7 },
).map((drawn) => {
  const history = observed(drawn.map(({ execution }) => execution));
  return history.map((operation, at) => {
    const output = drawn[at]?.output;
    const { outcome, input } = operation;
    if (outcome.kind === "unknown" || output === undefined) return operation;
    const isOfKind = (output.kind === "value") === (input.kind === "read");
    return isOfKind && input.kind !== "write"
      ? { ...operation, outcome: { ...outcome, output } }
      : operation;
  });
});

Deno.test("the search agrees with the definition on every small history", () => {
  const found = { linearizable: 0, violation: 0, undecided: 0 };
  fc.assert(
    fc.property(ARBITRARY_HISTORY, (history) => {
      const { kind } = checkLinearizability(REGISTERS, history);
      found[kind]++;
      assert.equal(kind, isLinearizableByDefinition(history) ? "linearizable" : "violation");
    }),
    { numRuns: 1_000, seed: 7 },
  );
  assert.ok(found.linearizable > 100 && found.violation > 100, JSON.stringify(found));
});

Deno.test("most changed answers in an orderly history are found", () => {
  let found = 0;
  const runs = 100;
  for (let run = 0; run < runs; run++) {
    const history = orderlyHistory(40);
    const changed = history.with(2 * (run % 20) + 1, read(2 * (run % 20) + 1, "not written"));
    if (checkLinearizability(REGISTERS, changed).kind === "violation") found++;
  }
  assert.equal(found, runs);
});

/** Writes and reads in turn, each overlapping its neighbours. */
function orderlyHistory(length: number): RegisterHistory {
  return Array.from({ length }, (_, at) =>
    at % 2 === 1 ? read(at, String(at - 1)) : {
      client: "w",
      input: { kind: "write", key: "x", value: String(at) },
      calledAt: 10 * at,
      outcome: { kind: "returned", at: 10 * at + 9, output: { kind: "written" } },
    });
}

function read(at: number, value: string): Operation<RegisterInput, RegisterOutput> {
  return {
    client: "r",
    input: { kind: "read", key: "x" },
    calledAt: 10 * at,
    outcome: { kind: "returned", at: 10 * at + 9, output: { kind: "value", value } },
  };
}

Deno.test("a violation names the operation that nothing explains", () => {
  const history = orderlyHistory(40).with(21, read(21, "18"));
  const verdict = checkLinearizability(REGISTERS, history);
  assert.ok(verdict.kind === "violation");
  assert.equal(verdict.stuckAt.calledAt, 210);
  assert.equal(verdict.longest.length, 21);
});

Deno.test("many operations without an answer are judged quickly", () => {
  const unknown: RegisterHistory = Array.from({ length: 12 }, (_, at) => ({
    client: "w",
    input: { kind: "write", key: "x", value: `unknown ${at}` },
    calledAt: -1,
    outcome: { kind: "unknown" },
  }));
  const startedMs = performance.now();
  const verdict = checkLinearizability(REGISTERS, [...unknown, ...orderlyHistory(400)]);
  assert.equal(verdict.kind, "linearizable");
  assert.ok(performance.now() - startedMs < 5_000);
});

Deno.test("a search past its bound says that it did not decide", () => {
  const unknown: RegisterHistory = Array.from({ length: 16 }, (_, at) => ({
    client: "w",
    input: { kind: "write", key: "x", value: `unknown ${at}` },
    calledAt: -1,
    outcome: { kind: "unknown" },
  }));
  const history = [...unknown, read(1, "not written")];
  const verdict = checkLinearizability(REGISTERS, history, 1_000);
  assert.ok(verdict.kind === "undecided");
  assert.equal(verdict.visited, 1_001);
});
