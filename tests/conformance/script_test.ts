import assert from "node:assert/strict";
import { quoteBytes } from "./go_text.ts";
import { replay } from "./mod.ts";
import { parseScript, ScriptError } from "./script.ts";

Deno.test("a directive has a command, arguments of three forms, input and expected text", () => {
  const [only, ...more] = parseScript(
    "# a comment\n\n  do it key= one=1 many=(a, b(c,d),e) \\\n  last\nsome\ninput\n\n----\nfirst\n  second\n\n",
  );
  assert.deepEqual(more, []);
  assert.deepEqual(only, {
    line: 3,
    command: "do",
    args: [
      { key: "it", values: [] },
      { key: "key", values: [""] },
      { key: "one", values: ["1"] },
      { key: "many", values: ["a", "b(c,d)", "e"] },
      { key: "last", values: [] },
    ],
    input: "some\ninput",
    expected: "first\n  second\n",
  });
});

Deno.test("expected text with blank lines stands between double separators", () => {
  const [first, second] = parseScript("a\n----\n----\none\n\ntwo\n----\n----\n\nb\n----\n");
  assert.equal(first?.expected, "one\n\ntwo\n");
  assert.equal(second?.command, "b");
  assert.equal(second?.expected, "");
});

Deno.test("a script that breaks the format is told where", () => {
  for (const text of ["a\n", "a x=(1\n----\n", "a\n----\n----\none\n", "a =1\n----\n"]) {
    assert.throws(() => parseScript(text), ScriptError, text);
  }
});

Deno.test("bytes are quoted with escapes for what cannot be printed", () => {
  const bytes = [...new TextEncoder().encode('a"\\\n\u00e9\u200b\u{e0001}'), 0x01, 0xff];
  assert.equal(
    quoteBytes(new Uint8Array(bytes)),
    '"a\\"\\\\\\n\u00e9\\u200b\\U000e0001\\x01\\xff"',
  );
});

/** The commands of a script, each expecting what follows it. */
function assertPlays(...steps: readonly (readonly [string, string])[]): void {
  const text = steps.map(([command, expected]) => `${command}\n----\n${expected}\n\n`).join("");
  assert.deepEqual(replay("script", text).divergences, []);
}

Deno.test("commands that no handed-over file has print what they should", () => {
  assertPlays(
    ["add-nodes 2 voters=(1,2) index=1", "index must be specified as > 1 due to bootstrap"],
    ["add-nodes 1 voters=(1) index=2 read-only=odd", 'invalid read-only option "odd"'],
    ["add-nodes 2 voters=(1,2) index=5 content=abc inflight=2", "ok"],
    ["log-level LOUD", "log levels must be either of [DEBUG INFO WARN ERROR FATAL NONE]"],
    ["no-such-command", "unknown command"],
    ["propose 2 x", "raft proposal dropped"],
    ["raft-log 1", "log is empty: first index=6, last index=5"],
    ["compact 1 5", "requested index is unavailable due to compaction"],
    ["deliver-msgs 1 2", "no messages"],
    ["process-append-thread 1", "no append work to perform"],
    [
      "process-apply-thread 1 2",
      [
        "> 1 processing apply thread",
        "  no apply work to perform",
        "> 2 processing apply thread",
        "  no apply work to perform",
      ].join("\n"),
    ],
    ["campaign 1", "ok"],
    ["stabilize log-level=none", "ok"],
    ["status 2", "ok"],
    [
      "report-unreachable 1",
      [
        "must specify exactly two node indexes: node on which to report, and reported node",
      ].join("\n"),
    ],
    ["report-unreachable 1 2", "ok"],
    ["status 1", "1: StateReplicate match=6 next=7\n2: StateProbe match=6 next=7"],
    ["propose-conf-change 1 transition=odd\nv3", "unknown transition odd"],
    ["propose-conf-change 1 odd=1\nv3", "unknown command odd"],
    ["propose-conf-change 1\nx3", "unknown input: x3"],
    ["propose-conf-change 1\nv", "unknown token v"],
    ["propose-conf-change 1\nvx", 'strconv.ParseUint: parsing "x": invalid syntax'],
    [
      "propose-conf-change 1 v1=true\nv3 v4",
      "v1 conf change can only have one operation and no transition",
    ],
    [
      "send-snapshot 1 2",
      [
        "1->2 MsgSnap Term:1 Log:0/0",
        "  Snapshot: Index:6 Term:1 ConfState:Voters:[1 2] VotersOutgoing:[] Learners:[] " +
        "LearnersNext:[] AutoLeave:false",
      ].join("\n"),
    ],
    ["deliver-msgs type=MsgApp 2", "no messages"],
    ["transfer-leadership from=1 to=2", "ok"],
    [
      "deliver-msgs drop=(2)",
      [
        "dropped: 1->2 MsgSnap Term:1 Log:0/0",
        "  Snapshot: Index:6 Term:1 ConfState:Voters:[1 2] VotersOutgoing:[] Learners:[] " +
        "LearnersNext:[] AutoLeave:false",
      ].join("\n"),
    ],
    ["process-ready 1", "Ready MustSync=false:\nMessages:\n1->2 MsgTimeoutNow Term:1 Log:0/0"],
    ["_breakpoint", "ok"],
  );
});

Deno.test("quorums of the wrong size and vanishing learners are told as the format says", () => {
  assertPlays([
    "vote cfg=(2,1) votes=(y)",
    "error: mismatched input (explicit or _) for voters map[1:{} 2:{}]: [2]",
  ], ["committed cfg=(1) cfgj=zero idx=(7)", "     idx\n>      7    (id=1)\n7"]);
  assertPlays(
    ["leave-joint", "can't leave a non-joint config"],
    ["enter-joint", "can't make a zero-voter config joint"],
    ["simple\nv1 v2", "more than one voter changed without entering joint config"],
    ["simple\nl1", "removed all voters"],
    ["simple\nv1", "voters=(1)\n1: StateProbe match=0 next=4"],
    [
      "enter-joint\nv2 l1",
      [
        "voters=(2)&&(1) learners_next=(1)",
        "1: StateProbe match=0 next=4",
        "2: StateProbe match=0 next=5",
      ].join("\n"),
    ],
    ["simple\nv3", "can't apply simple config change in joint config"],
    ["leave-joint\nv1", "this command takes no input"],
    [
      "leave-joint",
      [
        "voters=(2) learners=(1)",
        "1: StateProbe match=0 next=4 learner",
        "2: StateProbe match=0 next=5",
      ].join("\n"),
    ],
    ["odd", "unknown command"],
  );
});
