import assert from "node:assert/strict";
import { readSettings, readToken, VARIABLES } from "../../../../mcp/config/mod.ts";
import { repositoryRoot, runDeno, tempDir } from "../../../support/mod.ts";
import { McpClient } from "../mcp_client.ts";
import { aiToken, stage } from "../scenario.ts";

const settingsOf = (env: Readonly<Record<string, string>>) => readSettings((name) => env[name], []);

Deno.test("mcp.md section 2: what the environment leaves open has its default", () => {
  const settings = settingsOf({ PACT_VCLUSTER: "" });
  assert.deepEqual(settings.endpoints, ["http://localhost:9443"]);
  assert.equal(settings.localAgent, "http://localhost:9445");
  assert.equal(settings.maxOutputBytes, 65_536);
  assert.equal(settings.name, "default");
  assert.equal(settings.readOnly, false);
  assert.equal(settings.vcluster, undefined);
});

Deno.test("mcp.md section 2: a wrong value is told with its variable", () => {
  for (
    const [env, message] of [
      [{ PACT_MCP_MAX_OUTPUT: "lots" }, /^PACT_MCP_MAX_OUTPUT: /],
      [{ PACT_MCP_READ_ONLY: "maybe" }, /^PACT_MCP_READ_ONLY: /],
      [
        { PACT_AGENT_ENDPOINTS: "node-1" },
        /PACT_AGENT_ENDPOINTS\S*: 'node-1' must be NODE=ADDRESS/,
      ],
      [{ PACT_MCP_NAME: "a b" }, /^PACT_MCP_NAME: must be 1 to 64/],
      [{ PACT_LOG: "loud" }, /^PACT_LOG: must be one of debug, info, warn, error/],
    ] as const
  ) {
    assert.throws(() => settingsOf(env), { message });
  }
  assert.throws(() => readSettings(() => undefined, ["--port"]), { message: /see --help/ });
});

Deno.test("mcp.md section 2: --help tells every variable", async () => {
  const { stdout, code } = await runDeno({
    module: `${repositoryRoot}mcp/main.ts`,
    flags: ["-P=mcp"],
    args: ["--help"],
  });
  assert.equal(code, 0);
  for (const name of VARIABLES) {
    assert.equal(stdout.includes(`  ${name} `), name !== "RUST_LOG", name);
  }
});

Deno.test("SAF-10: the permission set grants the variables that are read, and no others", async () => {
  const text = await Deno.readTextFile(`${repositoryRoot}deno.json`);
  const { permissions: { mcp } } = JSON.parse(text);
  assert.deepEqual([...mcp.env].sort(), [...VARIABLES].sort());
  assert.deepEqual(Object.keys(mcp).sort(), ["env", "import", "net", "read"]);
});

Deno.test("PACT_MCP_TOKEN_FILE: a token file open to others is refused", async () => {
  await using dir = await tempDir();
  const path = dir.file("token");
  await Deno.writeTextFile(path, aiToken, { mode: 0o644 });
  const settings = settingsOf({ PACT_MCP_TOKEN_FILE: path });
  await assert.rejects(readToken(settings), { message: /open to others; chmod it to 0600/ });
  await Deno.chmod(path, 0o600);
  assert.equal(await readToken(settings), aiToken);
});

Deno.test("SAF-10: a CA outside /etc/pact cannot be read, and the error says what to do", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(dir.file("ca.crt"), "x");
  await using client = new McpClient({ PACT_CA_FILE: dir.file("ca.crt") });
  const { code, stderr } = await client.ended();
  assert.equal(code, 1);
  assert.match(stderr, /PACT_CA_FILE: cannot read .*only; or give the certificate itself/);
});

Deno.test("MCP-2: nothing but protocol stands on standard output, at any log level", async () => {
  await using on = await stage({ env: { PACT_LOG: "debug" } });
  await on.client.call("pact_status");
  await on.client.call("pact_emergency", { action: "start" });
  assert.equal(on.client.replies().length, 3);
  assert.match(on.client.stderr, /tool refused or failed tool=pact_emergency/);
});
