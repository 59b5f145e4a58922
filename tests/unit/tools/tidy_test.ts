import assert from "node:assert/strict";
import { formatFinding, readTree, tidy } from "../../../tools/tidy/mod.ts";

const ROOT = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");

/** What the rules say about a small tree: the rule and the place of each finding. */
function findings(files: Record<string, string>): string[] {
  return tidy(new Map(Object.entries(files)))
    .map(({ rule, path, line }) => `${rule} ${path}${line > 0 ? `:${line}` : ""}`);
}

Deno.test("demand 1: the repository keeps its own rules", async () => {
  const broken = tidy(await readTree(ROOT)).map(formatFinding);
  assert.deepEqual(broken, [], `deno task tidy reports:\n${broken.join("\n")}`);
});

Deno.test("a tree that keeps all rules has no findings", () => {
  assert.deepEqual(
    findings({
      "api/mod.ts": "export const a = 1;\n",
      "common/json/mod.ts": 'export * from "./text.ts";\n',
      "common/json/text.ts": "export const t = 1;\n",
      "cli/main.ts": 'import "../api/mod.ts";\nimport { t } from "../common/json/mod.ts";\n',
      "tests/unit/common/json/text_test.ts": 'import "../../../../common/json/text.ts";\n',
    }),
    [],
  );
});

Deno.test("demand 1: an import past another folder's mod.ts is found", () => {
  const common = { "common/json/mod.ts": 'import "./text.ts";\n', "common/json/text.ts": "" };
  assert.deepEqual(
    findings({ ...common, "cli/main.ts": '\nimport "../common/json/text.ts";\n' }),
    ["door cli/main.ts:2", "unused common/json/mod.ts"],
  );
});

Deno.test("a folder with a mod.ts hides the doors of its sub-folders", () => {
  const ffi = { "ffi/mod.ts": 'export * from "./spawn/mod.ts";\n', "ffi/spawn/mod.ts": "" };
  assert.deepEqual(findings({ ...ffi, "agent/main.ts": 'import "../ffi/mod.ts";\n' }), []);
  assert.deepEqual(
    findings({
      ...ffi,
      "agent/main.ts": 'import "../ffi/mod.ts";\nimport "../ffi/spawn/mod.ts";\n',
    }),
    ["door agent/main.ts:2"],
  );
});

Deno.test("sub-folders of one folder enter each other through mod.ts too", () => {
  assert.deepEqual(
    findings({
      "agent/main.ts": 'import "./drift/mod.ts";\n',
      "agent/drift/mod.ts": 'export * from "../window/window.ts";\n',
      "agent/window/mod.ts": 'export * from "./window.ts";\n',
      "agent/window/window.ts": 'import "../main.ts";\n',
      "tests/unit/agent/window_test.ts": 'import "../../../agent/window/mod.ts";\n',
    }),
    ["door agent/drift/mod.ts:1"],
  );
});

Deno.test("a folder without a mod.ts cannot be entered", () => {
  assert.deepEqual(
    findings({ "cli/main.ts": 'import "./output/table.ts";\n', "cli/output/table.ts": "" }),
    ["door cli/main.ts:1"],
  );
});

Deno.test("generated folders need no mod.ts of their own, yet are entered through their keeper's", () => {
  const api = { "api/mod.ts": 'export * from "./gen/a/b_pb.ts";\n', "api/gen/a/b_pb.ts": "" };
  assert.deepEqual(findings({ ...api, "cli/main.ts": 'import "../api/mod.ts";\n' }), []);
  assert.deepEqual(
    findings({
      ...api,
      "cli/main.ts": 'import "../api/mod.ts";\nimport "../api/gen/a/b_pb.ts";\n',
    }),
    ["door cli/main.ts:2"],
  );
});

Deno.test("an arrow between top folders that is not in the table is found", () => {
  assert.deepEqual(
    findings({ "cli/main.ts": 'import "../journal/mod.ts";\n', "journal/mod.ts": "" }),
    ["arrow cli/main.ts:1"],
  );
});

Deno.test("demand 1: a cycle between top folders is found and told once", () => {
  const cycle = findings({
    "bench/a.ts": 'import "../tools/b.ts";\n',
    "tools/b.ts": 'export * from "../bench/a.ts";\n',
  });
  assert.deepEqual(cycle, ["cycle bench/a.ts"]);
});

Deno.test("demand 1: a file that nothing started reaches is found", () => {
  assert.deepEqual(
    findings({
      "cli/main.ts": 'import "./used.ts";\n// import "./unused.ts";\n',
      "cli/used.ts": "",
      "cli/unused.ts": 'import "./used.ts";\n',
    }),
    ["unused cli/unused.ts"],
  );
});

Deno.test("a file named by URL, by path or by a task is used", () => {
  assert.deepEqual(
    findings({
      "agent/main.ts": 'new Worker(new URL("./port/feed.ts", import.meta.url));\n',
      "agent/port/feed.ts": "",
      "tests/e2e/a_test.ts": 'run("tests/support/child.ts");\n',
      "tests/support/child.ts": "",
      "deno.json": '{ "tasks": { "x": "deno run deploy/x.ts" } }',
      "deploy/x.ts": "",
    }),
    [],
  );
});

Deno.test("an import of a file that is not there is found", () => {
  assert.deepEqual(findings({ "cli/main.ts": 'import "./gone.ts";\n' }), ["missing cli/main.ts:1"]);
});

Deno.test("demand 1: a source file over 500 lines is found, and one of 500 is not", () => {
  const files = (lines: number) => ({
    "cli/main.ts": "x;\n".repeat(lines),
    "ffi/shim.c": "x;\n".repeat(lines),
    "api/gen/big.ts": "x;\n".repeat(900),
  });
  assert.deepEqual(findings(files(500)), []);
  assert.deepEqual(findings(files(501)), ["length cli/main.ts", "length ffi/shim.c"]);
});

Deno.test("demand 1: an endless loop without a comment above is found, in TypeScript and C", () => {
  assert.deepEqual(
    findings({
      "cli/main.ts": "a();\nwhile (true) {}\nb();\nfor (;;) {}\n",
      "ffi/shim.c": "int c = '\"';\nwhile (1) {}\n",
    }),
    ["loop cli/main.ts:2", "loop cli/main.ts:4", "loop ffi/shim.c:2"],
  );
});

Deno.test("an endless loop with a reason, or one only spoken of, is fine", () => {
  assert.deepEqual(
    findings({
      "cli/main.ts": [
        "// ends when the socket closes",
        "while (true) {}",
        'log("while (true)"); /* for (;;) */ const r = /[/"]for \\(;;\\)/;',
        "log(`a ${b + `while (true)`} for (;;)`);",
        "",
      ].join("\n"),
    }),
    [],
  );
});

Deno.test("code inside a template's substitution counts as code", () => {
  assert.deepEqual(
    findings({ "cli/main.ts": "log(`${(() => { while (true) {} })()} text`);\n" }),
    ["loop cli/main.ts:1"],
  );
});

Deno.test("loading native code outside ffi/ is found", () => {
  const source = "Deno.dlopen(path, {});\n";
  assert.deepEqual(
    findings({ "ffi/main.ts": source, "agent/main.ts": source, "tests/a_test.ts": source }),
    ["native agent/main.ts:1"],
  );
});

Deno.test("a registry's host, a path of one machine and left-over marks are found", () => {
  const text = [
    `see https://${"jsr"}.io`,
    `run ${"/wo"}rk/x/run.sh`,
    `${"TO"}DO: later`,
    "fine: /run/pact/workdir and a/root/b",
    "",
  ].join("\n");
  assert.deepEqual(findings({ "docs/a.md": text }), [
    "word docs/a.md:1",
    "word docs/a.md:2",
    "word docs/a.md:3",
  ]);
});

Deno.test("a dependency without a line, an exact version or a user, or no longer there, is found", () => {
  const config = JSON.stringify({ imports: { "a": "npm:a@1.2.3", "@b/c": "npm:@b/c@^2.0.0" } });
  const tree = new Map([
    ["deno.json", config],
    ["docs/dependencies.md", "| `@b/c` | why |\n| `old` | why |\n"],
    ["cli/main.ts", 'import "a";\n'],
  ]);
  assert.deepEqual(tidy(tree).map(formatFinding), [
    "deno.json: dependency: nothing uses @b/c",
    "deno.json: dependency: @b/c is not pinned exactly: npm:@b/c@^2.0.0",
    "docs/dependencies.md: dependency: a has no line here",
    "docs/dependencies.md: dependency: old is not in deno.json",
  ]);
});

Deno.test("a package imported past deno.json is found", () => {
  assert.deepEqual(
    findings({
      "cli/main.ts": 'import "npm:a@1.0.0";\nawait import("https://example.org/x.ts");\n',
    }),
    ["dependency cli/main.ts:1", "dependency cli/main.ts:2"],
  );
});

Deno.test("a package in a place that must stay free of packages is found, however far away", () => {
  assert.deepEqual(
    findings({
      "agent/main.ts": 'import "@bufbuild/protobuf/wire";\nimport "../common/model/mod.ts";\n',
      "agent/worker.ts": 'import "jose";\nimport "node:net";\n',
      "common/model/mod.ts": 'import { z } from "zod";\n',
    }),
    ["package common/model/mod.ts:1"],
  );
});
