import assert from "node:assert/strict";
import { CommandLog, LogEscape } from "../../../../agent/shell/mod.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const record = (text: string, status = 0, session = "sh-1", depth = 1) =>
  `${"\x1e".repeat(depth)}${status}\x1f${session}\x1f/home\x1f${text}\n`;
const prompt = (status = 0) => record(": pact-prompt", status, "sh-1", 2);

Deno.test("SHL-11: a line's commands are known in their order, the last with the status of the line", () => {
  const log = new CommandLog("sh-1");
  assert.deepEqual(log.add(bytes(record("enable -n set") + prompt())), []);
  const line = record("cat /x") + record("false", 1) + prompt(3);
  assert.deepEqual(log.add(bytes(line)), [
    { directory: "/home", text: "cat /x", lineStatus: undefined },
    { directory: "/home", text: "false", lineStatus: 3 },
  ]);
  log.add(bytes(record("exit")));
  assert.deepEqual(log.end(), [{ directory: "/home", text: "exit", lineStatus: undefined }]);
  assert.deepEqual(log.end(), []);
});

Deno.test("SHL-11: records may come in any pieces, and have lines in them", () => {
  const text = prompt() + record("echo 'a\nb'") + record("ls ä", 0, "sh-1", 3) + prompt(2);
  for (const size of [1, 2, 7, 1000]) {
    const log = new CommandLog("sh-1");
    const whole = bytes(text);
    const found = [];
    for (let at = 0; at < whole.length; at += size) {
      found.push(...log.add(whole.subarray(at, at + size)));
    }
    assert.deepEqual(found.map(({ text, lineStatus }) => [text, lineStatus]), [
      ["echo 'a\nb'", undefined],
      ["ls ä", 2],
    ]);
  }
});

Deno.test("SHL-11: what is no record of this session is none, and a long one is cut", () => {
  const log = new CommandLog("sh-1");
  assert.deepEqual(log.add(bytes(prompt() + record("ls", 0, "sh-2") + "noise\n" + prompt())), []);
  const [long] = log.add(bytes(record("x".repeat(10_000)) + prompt()));
  assert.equal(long?.text.length, 4_096);
});

Deno.test("SHL-11: the mark of the log is found in output, also across two pieces", () => {
  const whole = "before \x1e0\x1fsh-1\x1f/home\x1fls";
  for (let cut = 0; cut < whole.length; cut++) {
    const escape = new LogEscape("sh-1");
    const found = [escape.isIn(bytes(whole.slice(0, cut))), escape.isIn(bytes(whole.slice(cut)))];
    assert.ok(found.includes(true), `cut at ${cut}`);
  }
  assert.equal(new LogEscape("sh-1").isIn(bytes("sh-1 \x1f sh-1\x1f \x1fsh-2\x1f")), false);
});
