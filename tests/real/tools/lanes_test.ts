import assert from "node:assert/strict";
import { runInLanes } from "../../../tools/lanes/mod.ts";
import { repositoryRoot, tempDir } from "../../support/mod.ts";

/** A test that ends once the other one of the pair runs too. */
const meets = (own: string, other: string) => `
Deno.test("${own} meets ${other}", async () => {
  Deno.writeTextFileSync(new URL("${own}", import.meta.url), "");
  for (const begin = Date.now(); Date.now() - begin < 30_000;) {
    if (await Deno.stat(new URL("${other}", import.meta.url)).catch(() => null)) return;
  }
  throw new Error("${other} never came");
});
`;

/** A port that a program is told comes from the lane's own share of them. */
const hasPortsOf = (first: number, count: number) => `
import { freePort } from "${repositoryRoot}tests/support/mod.ts";
Deno.test("ports", () => {
  const port = freePort();
  if (port < ${first} || port >= ${first + count}) throw new Error(\`\${port}\`);
});
`;

async function run(files: Readonly<Record<string, string>>, lanes: number) {
  await using dir = await tempDir();
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(dir.file(name), text);
  const said: string[] = [];
  const end = await runInLanes(Object.keys(files).map((name) => dir.file(name)), {
    lanes,
    root: repositoryRoot,
    say: (text) => said.push(text),
  });
  const failedFiles = end.failedFiles.map((path) => path.slice(dir.path.length + 1));
  return { ...end, failedFiles, said: said.join("\n") };
}

Deno.test("files run at the same time, each lane with ports of its own", async () => {
  const files = { "a_test.ts": meets("a", "b"), "b_test.ts": meets("b", "a") };
  const { passed, failed, failedFiles } = await run(files, 2);
  assert.deepEqual({ passed, failed, failedFiles }, { passed: 2, failed: 0, failedFiles: [] });
  const one = await run({ "ports_test.ts": hasPortsOf(10_000, 220) }, 99);
  assert.equal(one.failed, 0, one.said);
});

Deno.test("a file that fails and one that is no program are named, with what they said; others run on", async () => {
  const files = {
    "fails_test.ts": `Deno.test("no", () => { throw new Error("the reason"); });`,
    "broken_test.ts": "this is no program",
    "good_test.ts": `Deno.test("yes", () => {});`,
  };
  const { passed, failed, failedFiles, said } = await run(files, 1);
  assert.deepEqual({ passed, failed }, { passed: 1, failed: 2 });
  assert.deepEqual(failedFiles, ["fails_test.ts", "broken_test.ts"]);
  assert.match(said, /the reason/);
  assert.match(said, /broken_test\.ts/);
});
