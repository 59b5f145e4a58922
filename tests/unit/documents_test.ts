import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { loadConfig } from "../../journal/config/mod.ts";
import { USAGE } from "../../journal/usage.ts";
import { repositoryRoot } from "../support/mod.ts";

const read = (path: string) => Deno.readTextFileSync(`${repositoryRoot}${path}`);

const DOCUMENTS = [
  "README.md",
  "CONTRIBUTING.md",
  ...[...Deno.readDirSync(`${repositoryRoot}docs`)].map(({ name }) => `docs/${name}`),
].filter((path) => path.endsWith(".md"));

Deno.test("demand 2: the README names the two commands with the Deno that is tested, and CI runs the same", () => {
  const { deno } = Deno.version;
  const readme = read("README.md");
  for (const task of ["demo", "test"]) {
    assert(readme.includes(`\nnpx -y deno@${deno} task ${task}\n`));
  }
  assert.deepEqual([...new Set(readme.match(/deno@[\d.]*\d/g))], [`deno@${deno}`]);
  const ci = read(".ci/run");
  assert(ci.includes(`readonly VERSION=${deno}\n`));
  assert(ci.includes('deno=(npx -y "deno@$VERSION")') && ci.includes('"${deno[@]}" task test\n'));
});

Deno.test("demand 13: every file that a document links to is there", () => {
  for (const document of DOCUMENTS) {
    for (const [, target = ""] of read(document).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
      const path = join(repositoryRoot, dirname(document), target);
      assert.doesNotThrow(() => Deno.statSync(path), `${document} links to ${target}`);
    }
  }
});

Deno.test("demand 7: the members in the README are those of the sample, and the commands there are known", () => {
  const readme = read("README.md");
  const toml = /```toml\n(\[journal\.raft\][^`]*)```/.exec(readme)?.[1] ?? "";
  assert(toml !== "", "the README shows the members' list");
  for (const line of toml.trimEnd().split("\n")) {
    assert(read("deploy/config/journal.toml").includes(line), line);
  }
  const members = (args: string[]) =>
    loadConfig({ args, env: {}, readFile: () => toml }).settings.members.map(({ id }) => id);
  assert.deepEqual(members(["--node-id=1", "--bootstrap"]), [1, 2, 3]);
  assert.deepEqual(members(["--node-id=4", "--join"]), [1, 2, 3]);
  for (const [, words = ""] of readme.matchAll(/pact-journal ((?:member )?[a-z-]+)\b/g)) {
    const isKnown = new RegExp(`(pact-journal|\\|| ) ?${words}( |\\n)`).test(USAGE);
    assert(isKnown, words);
  }
});

Deno.test("every test that docs/security.md cites is there, and every claim in it cites one", () => {
  const text = read("docs/security.md");
  const cited = [...text.matchAll(/`(tests\/[^`]+_test\.ts)` "([^"]+)"/g)];
  assert(cited.length > 60, "the document cites tests");
  const missing = cited.filter(([, path = "", name = ""]) => {
    try {
      return !read(path).includes(name);
    } catch {
      return true;
    }
  });
  assert.deepEqual(missing.map(([citation]) => citation), []);
  const claims = text.split("| Claim").slice(1).flatMap((table) => rowsOf(table));
  for (const row of claims) assert.match(row, /`tests\/[^`]+_test\.ts` "/, row);
});

/** The rows of the table that `text` goes on with. */
function rowsOf(text: string): string[] {
  const lines = text.split("\n").slice(2);
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(0, end);
}
