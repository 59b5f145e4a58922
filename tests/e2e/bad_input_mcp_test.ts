import assert from "node:assert/strict";
import { repositoryRoot, runDeno } from "../support/mod.ts";
import { neutralEnvironment, openSite } from "../support/site/mod.ts";

/** Runs pact-mcp, whose input ends at once. */
async function run(env: Record<string, string>, flags: readonly string[] = []) {
  return await runDeno({
    module: `${repositoryRoot}mcp/main.ts`,
    flags: ["--quiet", "-P=mcp", ...flags],
    env: { ...neutralEnvironment(), ...env },
    clearEnv: true,
  });
}

Deno.test("demand 12, MCP server: a variable with an impossible value is named, and nothing is served", async () => {
  const end = await run({ PACT_MCP_NAME: "a name with spaces" });
  assert.match(end.stderr, /PACT_MCP_NAME/);
  assert.equal(end.code, 1);
  assert.equal(end.stdout, "", "standard output belongs to the protocol");
});

Deno.test("demand 12, MCP server: a token file that others can read is refused", async () => {
  await using site = await openSite();
  const token = `${site.directory}/token`;
  await Deno.writeTextFile(token, "a.b.c");
  await Deno.chmod(token, 0o644);
  const end = await run({ PACT_MCP_TOKEN_FILE: token }, [`--allow-read=${site.directory}`]);
  assert.match(end.stderr, /token.*(?:0600|chmod 600|0644)/);
  assert.equal(end.stdout, "");
});
