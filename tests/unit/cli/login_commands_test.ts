import assert from "node:assert/strict";
import { tempDir } from "../../support/mod.ts";
import { assertGolden, runScenario, testToken } from "./harness.ts";
import { TEST_NOW } from "./memory_host.ts";

const SERVER = "https://127.0.0.1:1";

/** What a login leaves in the cache. */
function login(more: Readonly<Record<string, unknown>> = {}) {
  return {
    access_token: testToken(),
    refresh_token: "a-refresh-token",
    expires_at: new Date(TEST_NOW + 8 * 3_600_000).toISOString(),
    scopes: ["openid"],
    idp_issuer: "https://idp.invalid",
    client_id: "pact",
    token_endpoint: "https://idp.invalid/token",
    revocation_endpoint: null,
    ...more,
  };
}

/** A configuration directory with a login cache; the environment that makes it count. */
async function withCache(
  servers: Readonly<Record<string, object>>,
  run: (env: Readonly<Record<string, string>>, path: string) => Promise<void>,
): Promise<void> {
  await using dir = await tempDir();
  await Deno.mkdir(dir.file("pact"), { mode: 0o700 });
  const path = dir.file("pact/tokens.json");
  const [first = null] = Object.keys(servers);
  await Deno.writeTextFile(path, JSON.stringify({ version: 1, default_server: first, servers }), {
    mode: 0o600,
  });
  await run({ XDG_CONFIG_HOME: dir.path, PACT_TOKEN: "" }, path);
}

Deno.test("CLI-31: a login that is good is not made again", () =>
  withCache({ [SERVER]: login() }, (env) => assertGolden("login", { args: ["login"], env })));

Deno.test("login: two flows at once are one too many", () =>
  assertGolden("login_two_flows", { args: ["login", "--manual", "--device-code"] }));

Deno.test("CLI-29: a client secret in a file that others can read is refused", async () => {
  const { code, stderr } = await runScenario({
    args: ["login", "--service-account"],
    config: '[auth]\nclient_id = "robot"\nclient_secret = "s"\n',
  });
  assert.equal(code, 2);
  assert.match(stderr, /cli\.toml holds a client secret and is open to others\n {2}.*chmod 600/);
});

Deno.test("CLI-37: a logout without a login says so", () =>
  assertGolden("logout", { args: ["logout"], env: { HOME: "/nonexistent/home" } }));

Deno.test("CLI-38: the servers somebody is logged in to, in a table", () =>
  withCache(
    {
      [SERVER]: login(),
      "https://other:9443": login({ expires_at: null, access_token: "opaque" }),
    },
    (env) => assertGolden("config_servers", { args: ["config", "servers"], env }),
  ));

Deno.test("CLI-38: the default is a server that somebody is logged in to", () =>
  withCache({ [SERVER]: login() }, async (env) => {
    await assertGolden("config_set_default", { args: ["config", "set-default", SERVER], env });
    await assertGolden("config_set_default_unknown", {
      args: ["config", "set-default", "mgmt-9"],
      env,
    });
  }));

Deno.test("CLI-39: whoami shows the login that counts", () =>
  withCache(
    { "https://a:9443": login(), [SERVER]: login({ access_token: testToken({ sub: "bob" }) }) },
    async (env) => {
      const whoami = async (args: string[], more = {}) =>
        JSON.parse(
          (await runScenario({
            args: ["whoami", "--output", "json", ...args],
            env: { ...env, ...more },
          }))
            .stdout,
        );
      assert.equal((await whoami([])).principal, "bob", "of the configured endpoint");
      const unnamed = await whoami([], { PACT_ENDPOINT: "" });
      assert.deepEqual(
        [unnamed.principal, unnamed.server],
        ["alice@example.org", "https://a:9443"],
        "of the default server",
      );
      assert.equal((await whoami(["--server", "a"])).principal, "alice@example.org");
      const given = { PACT_TOKEN: testToken({ sub: "given" }) };
      assert.equal((await whoami([], given)).principal, "given", "CLI-20");
      assert.equal((await whoami(["--server", "a"], given)).principal, "alice@example.org");
    },
  ));

Deno.test("CLI-34: with a cache in a bad state nothing but a login and a full logout goes on", () =>
  withCache({ [SERVER]: login() }, async (env, path) => {
    await Deno.chmod(path, 0o604);
    for (const args of [["status"], ["whoami"], ["logout"], ["config", "servers"]]) {
      const { code, stderr } = await runScenario({ args, env });
      assert.equal(code, 2, args.join(" "));
      assert.match(stderr, /token cache permissions must be 0600/);
    }
    assert.equal((await runScenario({ args: ["logout", "--all"], env })).code, 0);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(path)).servers, {});
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  }));

Deno.test("CLI-40: no token of the cache is printed", () =>
  withCache({ [SERVER]: login() }, async (env) => {
    for (
      const args of [["-v", "whoami"], ["config", "servers"], ["-v", "login"], ["config", "show"]]
    ) {
      const { stdout, stderr } = await runScenario({ args, env });
      assert.doesNotMatch(`${stdout}${stderr}`, /eyJ|a-refresh-token/);
    }
    const secret = { PACT_CLIENT_SECRET: "hunter2" };
    const { stdout } = await runScenario({ args: ["config", "show"], env: secret });
    assert.match(stdout, /auth\.client_secret = "\[set\]"/);
  }));
