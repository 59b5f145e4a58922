import assert from "node:assert/strict";
import fc from "fast-check";
import { splitCommand } from "../../../../agent/exec/split.ts";

Deno.test("EXE-1: a command line is split by POSIX quoting, without expansions", () => {
  const cases: [string, string[]][] = [
    ["uname -a", ["uname", "-a"]],
    ["  ls\t/etc \n", ["ls", "/etc"]],
    [`echo "a b" 'c d' e\\ f`, ["echo", "a b", "c d", "e f"]],
    [`echo a"b"'c'd`, ["echo", "abcd"]],
    [`echo "" ''`, ["echo", "", ""]],
    [`echo "\\$HOME \\"x\\" \\n" '\\n'`, ["echo", '$HOME "x" \\n', "\\n"]],
    ["echo $HOME `id` *.conf ~ ; rm && x | y > z", [
      "echo",
      "$HOME",
      "`id`",
      "*.conf",
      "~",
      ";",
      "rm",
      "&&",
      "x",
      "|",
      "y",
      ">",
      "z",
    ]],
    ["", []],
  ];
  for (const [text, words] of cases) assert.deepEqual(splitCommand(text), words, text);
});

Deno.test("EXE-1: an open quote or a last backslash is an error", () => {
  assert.throws(() => splitCommand("echo 'a"), { message: "unclosed single quote" });
  assert.throws(() => splitCommand('echo "a'), { message: "unclosed double quote" });
  assert.throws(() => splitCommand("echo a\\"), { message: "nothing follows the last backslash" });
});

Deno.test("EXE-1: any words come back from their quoted form", () => {
  const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
  fc.assert(fc.property(fc.array(fc.string({ unit: "binary" })), (words) => {
    assert.deepEqual(splitCommand(words.map(quote).join(" ")), words);
  }));
});
