import assert from "node:assert/strict";
import { startScriptedJournal, tempDir } from "../../support/mod.ts";
import { assertGolden, pki, runScenario, testToken } from "./harness.ts";

Deno.test("CLI-3: a malformed configuration file stops a command, with line and column", () =>
  assertGolden("config_malformed", { args: ["status"], config: "endpoint = [", journal: {} }));

Deno.test("CLI-3: config show works with a malformed file, and warns", async () => {
  const { code, stderr } = await runScenario({ args: ["config", "show"], config: "endpoint = [" });
  assert.equal(code, 0);
  assert.match(stderr, /^Warning: DIR\/cli\.toml:\d+:\d+: malformed TOML/);
});

Deno.test("CLI-4: an unknown key warns with the nearest name", async () => {
  const { stderr } = await runScenario({ args: ["whoami"], config: 'defalt_vcluster = "ml"' });
  assert.match(
    stderr,
    /cli\.toml:1:1: unknown key defalt_vcluster is ignored, did you mean default_vcluster\?/,
  );
});

Deno.test("CLI-3: a flag beats the environment, which beats the file, which beats the default", async () => {
  const show = async (args: string[], env: Record<string, string>) => {
    const { stdout } = await runScenario({
      args: ["config", "show", "--output", "json", ...args],
      config: "timeout_seconds = 7",
      env,
    });
    return JSON.parse(stdout).settings.timeout_seconds;
  };
  assert.equal(await show([], {}), 7);
  assert.equal(await show([], { PACT_TIMEOUT: "8" }), 8);
  assert.equal(await show(["--timeout", "9"], { PACT_TIMEOUT: "8" }), 9);
});

Deno.test("CLI-3: a named configuration file that is missing is an error", async () => {
  const { code, stderr } = await runScenario({
    args: ["status", "--config", "DIR/none.toml"],
    journal: {},
  });
  assert.equal(code, 1);
  assert.match(stderr, /none\.toml: cannot be read: no such file/);
});

Deno.test("a value that breaks its rule is named with its source", async () => {
  const { code, stderr } = await runScenario({ args: ["status"], env: { PACT_TIMEOUT: "soon" } });
  assert.equal(code, 1);
  assert.match(stderr, /PACT_TIMEOUT/);
});

Deno.test("CLI-6: a token is not sent over plaintext to another machine", () =>
  assertGolden("plaintext_refused", {
    args: ["status"],
    env: { PACT_ENDPOINT: "http://mgmt-1.invalid:9443" },
  }));

Deno.test("CLI-5: an address without scheme is TLS when a CA is known, plaintext otherwise", async () => {
  const server = async (env: Record<string, string>) => {
    const { stdout } = await runScenario({ args: ["whoami", "--output", "json"], env });
    return JSON.parse(stdout).server;
  };
  assert.equal(await server({ PACT_ENDPOINT: "mgmt-1" }), "https://mgmt-1:9443");
  assert.equal(await server({ PACT_ENDPOINT: "[::1]:9000" }), "https://[::1]:9000");
});

Deno.test("CLI-5: the first endpoint that answers is used", async () => {
  await using journal = await startScriptedJournal(await pki(), {
    fleet: { listNodeStates: () => ({}) },
  });
  const { code, stdout } = await runScenario({
    args: ["status", "--endpoint", `https://127.0.0.1:1,${journal.url}`],
  });
  assert.deepEqual([code, stdout], [0, "No nodes.\n"]);
});

for (
  const [mode, reason] of [[0o644, "has mode 0644, must be 0600 or 0400"], [
    0o640,
    "has mode 0640",
  ]] as const
) {
  Deno.test(`CLI-22: a token file of mode 0${mode.toString(8)} is refused with exit 2`, async () => {
    await using dir = await tempDir();
    await Deno.writeTextFile(dir.file("token"), testToken(), { mode });
    await Deno.chmod(dir.file("token"), mode);
    const { code, stderr } = await runScenario({
      args: ["whoami"],
      config: `token_path = "${dir.file("token")}"`,
      env: { PACT_TOKEN: "" },
    });
    assert.equal(code, 2);
    assert.ok(stderr.includes(reason), stderr);
    assert.match(stderr, /chmod 600/);
  });
}

Deno.test("CLI-20: the token of ~/.config/pact/token is used when nothing else is given", async () => {
  await using dir = await tempDir();
  await Deno.mkdir(dir.file("pact"));
  await Deno.writeTextFile(dir.file("pact/token"), `${testToken({ sub: "bob" })}\n`, {
    mode: 0o600,
  });
  const { code, stdout } = await runScenario({
    args: ["whoami"],
    env: { PACT_TOKEN: "", XDG_CONFIG_HOME: dir.path },
  });
  assert.equal(code, 0);
  assert.match(stdout, /Principal: bob/);
});

Deno.test("CLI-22: a link in place of the token file is refused", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(dir.file("real"), testToken(), { mode: 0o600 });
  await Deno.symlink(dir.file("real"), dir.file("token"));
  const { code, stderr } = await runScenario({
    args: ["whoami"],
    config: `token_path = "${dir.file("token")}"`,
    env: { PACT_TOKEN: "" },
  });
  assert.equal(code, 2);
  assert.match(stderr, /not a regular file/);
});

Deno.test("CLI-40: a token never appears in what is printed, at any verbosity", async () => {
  const token = testToken();
  for (const args of [["-v", "-v", "whoami"], ["-v", "config", "show"], ["-v", "status"]]) {
    const { stdout, stderr } = await runScenario({ args, env: { PACT_TOKEN: token } });
    assert.ok(!`${stdout}${stderr}`.includes(token));
  }
});
