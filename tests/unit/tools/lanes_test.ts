import assert from "node:assert/strict";
import { countOf, testFiles } from "../../../tools/lanes/mod.ts";
import { tempDir } from "../../support/mod.ts";

Deno.test("tests and their steps are added up over all summary lines", () => {
  const output = `
a test ... ok (1s)
ok | 3 passed (2 steps) | 0 failed | 1 ignored (2s)
FAILED | 1 passed | 2 failed (1 step) (9s)
the service says: ok | nothing
`;
  assert.deepEqual(countOf(output), { passed: 6, failed: 3 });
});

Deno.test("output without a summary counts nothing", () => {
  assert.deepEqual(countOf("error: Module not found\n"), { passed: 0, failed: 0 });
});

Deno.test("the files of tests below a folder are found, the largest first", async () => {
  await using dir = await tempDir();
  await Deno.mkdir(dir.file("deep/er"), { recursive: true });
  const file = (name: string, size: number) => Deno.writeTextFile(dir.file(name), "/".repeat(size));
  await file("small_test.ts", 10);
  await file("deep/er/large_test.ts", 1_000);
  await file("deep/middle_test.ts", 100);
  await file("deep/helper.ts", 5_000);
  assert.deepEqual(
    await testFiles([dir.path]),
    ["deep/er/large_test.ts", "deep/middle_test.ts", "small_test.ts"].map((name) => dir.file(name)),
  );
});

Deno.test("a folder without tests is named", async () => {
  await using dir = await tempDir();
  await assert.rejects(testFiles([dir.path]), new Error(`${dir.path} holds no tests`));
});
