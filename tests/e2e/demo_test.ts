import assert from "node:assert/strict";
import { repositoryRoot, runDeno, spawnDeno, tempDir, waitFor } from "../support/mod.ts";
import { neutralEnvironment, processesNaming } from "../support/site/mod.ts";

const LIMIT_MS = 120_000;

/** How `deno task demo` runs the tour, with its temporary files where a test can look. */
function tourIn(directory: string, args: readonly string[] = []) {
  return {
    module: `${repositoryRoot}tools/demo.ts`,
    flags: ["--quiet", "-P=demo"],
    args,
    env: { ...neutralEnvironment(), TMPDIR: directory },
    clearEnv: true,
  };
}

async function assertNothingLeft(directory: string): Promise<void> {
  await waitFor(async () => (await processesNaming(directory)).length === 0, {
    what: "the end of every process of the tour",
  });
  assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), []);
}

Deno.test("demand 10: the demo task walks its whole tour and leaves nothing behind", async () => {
  await using dir = await tempDir();
  const { code, stdout, stderr } = await runDeno({ ...tourIn(dir.path), timeoutMs: LIMIT_MS });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /Every step turned out as told, in \d+ s/);
  await assertNothingLeft(dir.path);
  assertReadmeShows(stdout);
});

/** The README's excerpt, `…` for what is left out, in the order of the tour; numbers may differ. */
function assertReadmeShows(output: string): void {
  const plain = (text: string) => text.replace(/\d+/g, "0").replace(/\s+/g, " ").trim();
  const readme = Deno.readTextFileSync(`${repositoryRoot}README.md`);
  const excerpt = /^```console\n(.*?)^```$/ms.exec(readme)?.[1] ?? "";
  const lines = output.split("\n").map(plain);
  let at = 0;
  for (const line of excerpt.split("\n").filter((line) => !["", "…"].includes(line))) {
    const [begin = ""] = plain(line).split("…");
    const found = lines.findIndex((candidate, index) => index >= at && candidate.startsWith(begin));
    assert(found >= 0, `README.md shows a line that the tour does not print there: ${line}`);
    at = found + 1;
  }
  assert(at > 0, "README.md has no excerpt of the tour");
}

Deno.test("demand 10: demo --keep leaves the cluster running, says how to use it, and removes it on Ctrl-C", async () => {
  await using dir = await tempDir();
  await using tour = spawnDeno(tourIn(dir.path, ["--keep"]));
  const [, config = ""] = await tour.waitForOutput(/export PACT_CONFIG=(\S+ana\S+)/, LIMIT_MS);
  const { code, stdout, stderr } = await runDeno({
    module: `${repositoryRoot}cli/main.ts`,
    flags: ["--quiet", "-P=cli"],
    args: ["status"],
    env: { ...neutralEnvironment(), PACT_CONFIG: config },
    clearEnv: true,
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /node-1 .*COMMITTED/);
  tour.kill("SIGINT");
  assert.equal((await tour.ended).code, 0, tour.stderr);
  await assertNothingLeft(dir.path);
});

Deno.test("demand 10: a tour that is interrupted ends its programs and removes its directory", async () => {
  await using dir = await tempDir();
  await using tour = spawnDeno(tourIn(dir.path));
  await tour.waitForOutput(/pact-agent --config/, LIMIT_MS);
  tour.kill("SIGTERM");
  assert.equal((await tour.ended).code, 130, tour.stderr);
  await assertNothingLeft(dir.path);
});

Deno.test("demand 2: a missing C compiler is said in one line by the demo task", async () => {
  await using dir = await tempDir();
  const options = tourIn(dir.path);
  const env = { ...options.env, PACT_CC: "/nonexistent/cc" };
  const { code, stdout, stderr } = await runDeno({ ...options, env });
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^no C compiler found: [^\n]+\n$/);
});
