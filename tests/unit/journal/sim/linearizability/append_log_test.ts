import assert from "node:assert/strict";
import {
  APPEND_LOG,
  type AppendLogInput,
  type AppendLogOutput,
  checkLinearizability,
} from "../../../../../journal/sim/linearizability/mod.ts";
import { timeline } from "./timeline.ts";

function verdictOn(picture: string): string {
  return checkLinearizability(APPEND_LOG, timeline(parse, picture)).kind;
}

/**
 * `put a 0` (request a got sequence 0), `put a head 3 conflict 5` (expected 3, head was 5),
 * `put a parent 3 refused`, `get 0 a`, `get 0 -`, `next 4`.
 */
function parse(words: readonly string[]): { input: AppendLogInput; output: AppendLogOutput } {
  const [verb = "", first = "", second = ""] = words;
  if (verb === "next") {
    return {
      input: { kind: "next-sequence" },
      output: { kind: "next-sequence", sequence: Number(first) },
    };
  }
  if (verb === "get") {
    return {
      input: { kind: "entry", sequence: Number(first) },
      output: { kind: "entry", request: second === "-" ? undefined : second },
    };
  }
  const option = (name: string) => {
    const at = words.indexOf(name);
    return at < 0 ? undefined : Number(words[at + 1]);
  };
  const [expectedHead, parent, conflict] = ["head", "parent", "conflict"].map(option);
  return {
    input: {
      kind: "append",
      request: first,
      scope: "Global",
      ...expectedHead !== undefined && { expectedHead },
      ...parent !== undefined && { parent },
    },
    output: words.includes("refused")
      ? { kind: "parent-refused" }
      : conflict !== undefined
      ? { kind: "conflict", head: conflict }
      : { kind: "appended", sequence: Number(words.at(-1)) },
  };
}

Deno.test("J1, J9: concurrent appends get sequences of their own, from 0 and without gap", () => {
  assert.equal(
    verdictOn(`
      A  [put a 1 ]  [next 2]
      B    [put b 0]
    `),
    "linearizable",
  );
});

Deno.test("J9: two appends with one sequence are found", () => {
  assert.equal(
    verdictOn(`
      A  [put a 0 ]
      B    [put b 0]
    `),
    "violation",
  );
});

Deno.test("J1: a gap is found", () => {
  assert.equal(verdictOn("A  [put a 0] [put b 2]"), "violation");
});

Deno.test("J1: sequences against the order of time are found", () => {
  assert.equal(verdictOn("A  [put a 1] [put b 0]"), "violation");
});

Deno.test("JRN-57: a repeated request gets its first answer and appends nothing", () => {
  assert.equal(verdictOn("A  [put a 0] [put b 1] [put a 0] [next 2]"), "linearizable");
});

Deno.test("JRN-57: a request that was executed twice is found by its answer and by the length", () => {
  assert.equal(verdictOn("A  [put a 0] [put a 1]"), "violation");
  assert.equal(verdictOn("A  [put a 0] [put a 0] [next 2]"), "violation");
});

Deno.test("JRN-57: of a request without answer and its repetition one takes effect", () => {
  assert.equal(verdictOn("A  [put a 0?  [put a 0] [put b 1] [next 2]"), "linearizable");
  assert.equal(verdictOn("A  [put a 0?  [put b 0] [put a 1] [next 2]"), "linearizable");
  assert.equal(verdictOn("A  [put a 0?  [put b 0] [put a 1] [next 3]"), "violation");
});

Deno.test("J2: an acknowledged entry that is gone, or another one by now, is found", () => {
  assert.equal(verdictOn("A  [put a 0] [get 0 a]"), "linearizable");
  assert.equal(verdictOn("A  [put a 0] [get 0 -]"), "violation");
  assert.equal(verdictOn("A  [put a 0] [get 0 a] [put b 1] [get 0 b]"), "violation");
});

Deno.test("JRN-59: a linearizable read that misses an acknowledged write is found", () => {
  assert.equal(
    verdictOn(`
      A  [put a 0]
      B            [next 0]
    `),
    "violation",
  );
  assert.equal(
    verdictOn(`
      A  [put a 0 ]
      B     [next 0]
    `),
    "linearizable",
  );
});

Deno.test("JRN-25: an expected head is compared with the head of that moment", () => {
  assert.equal(
    verdictOn("A  [put a 0] [put b head 0 1] [put c head 0 conflict 1]"),
    "linearizable",
  );
  assert.equal(verdictOn("A  [put a 0] [put b head 0 1] [put c head 0 2]"), "violation");
  assert.equal(verdictOn("A  [put a 0] [put b head 0 conflict 0]"), "violation");
});

Deno.test("JRN-21: what was refused is not there later", () => {
  assert.equal(verdictOn("A  [put a parent 0 refused] [next 0]"), "linearizable");
  assert.equal(
    verdictOn("A  [put a parent 0 refused] [put b 0] [next 1] [get 1 -]"),
    "linearizable",
  );
  assert.equal(verdictOn("A  [put a parent 0 refused] [put b 0] [next 2]"), "violation");
});
