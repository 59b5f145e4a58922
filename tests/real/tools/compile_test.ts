import assert from "node:assert/strict";
import {
  compileAll,
  type Compiled,
  EXECUTABLES,
  grantsOf,
  readBack,
  readPermissionSets,
} from "../../../tools/compile/mod.ts";
import { type TempDir, tempDir } from "../../support/mod.ts";

async function run(program: string, args: readonly string[], cwd: string) {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Launchers that no test changes. */
let launchers: TempDir;

Deno.test.beforeAll(async () => {
  launchers = await tempDir();
  await compileAll(launchers.path, { form: "launcher" });
});

Deno.test.afterAll(async () => {
  await launchers[Symbol.asyncDispose]();
});

/** Holds what was baked in against deno.json, kind by kind. */
async function assertExactSets(directory: string, form: Compiled["form"]): Promise<void> {
  const sets = await readPermissionSets("deno.json");
  for (const { name, set, ownFlags } of EXECUTABLES) {
    const stated = sets[set];
    assert.ok(stated !== undefined, set);
    const found = await readBack(`${directory}/${name}`, ownFlags);
    assert.deepEqual(found.grants, grantsOf(stated, `${directory}/lib`), name);
    assert.equal(found.isPrompting, false, `${name} must not ask for more`);
    assert.equal(found.form, form);
  }
}

Deno.test("demand 11: a standalone executable carries exactly its permission set", async () => {
  await using dir = await tempDir();
  // Enough to be written out and read back; to start, it would have to be the real base runtime.
  await compileAll(dir.path, { form: "standalone", baseRuntime: Deno.execPath() });
  await assertExactSets(dir.path, "standalone");
});

Deno.test("demand 11: without a base runtime launchers run the bundles with the same sets", async () => {
  await assertExactSets(launchers.path, "launcher");
  await using elsewhere = await tempDir();
  for (const { name } of EXECUTABLES) {
    const link = elsewhere.file(name);
    await Deno.symlink(launchers.file(name), link);
    const { code, stdout, stderr } = await run(link, ["--version"], elsewhere.path);
    assert.match(stdout, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\n$`), stderr);
    assert.equal(code, 0, name);
  }
});

Deno.test("CLI-33: the launcher of pact may write to its user's configuration, and nowhere else", async () => {
  await using home = await tempDir();
  const login = "https://journal.example:9443";
  const entry = {
    access_token: "t",
    refresh_token: null,
    expires_at: null,
    scopes: [],
    idp_issuer: "https://idp.example",
    client_id: "pact",
    token_endpoint: "https://idp.example/token",
    revocation_endpoint: null,
  };
  await Deno.mkdir(home.file("pact"));
  await Deno.writeTextFile(
    home.file("pact/tokens.json"),
    JSON.stringify({ version: 1, default_server: null, servers: { [login]: entry } }),
    { mode: 0o600 },
  );
  const logout = (configHome: string) =>
    new Deno.Command(launchers.file("pact"), {
      args: ["logout", "--server", login],
      env: { NO_COLOR: "1", XDG_CONFIG_HOME: configHome },
    }).output();
  assert.equal(new TextDecoder().decode((await logout(home.path)).stdout), "Logged out.\n");
  const text = await Deno.readTextFile(home.file("pact/tokens.json"));
  assert.deepEqual(JSON.parse(text).servers, {});
  const bundle = `${launchers.file("lib")}/cli/probe.js`;
  await Deno.writeTextFile(
    bundle,
    `for (const path of Deno.args) {
       try { Deno.writeTextFileSync(path, ""); console.log("done"); }
       catch (error) { console.log(error.name); }
     }`,
  );
  const widened = (await Deno.readTextFile(launchers.file("pact"))).replace("main.js", "probe.js");
  await Deno.writeTextFile(launchers.file("probe"), widened, { mode: 0o755 });
  const { stdout } = await new Deno.Command(launchers.file("probe"), {
    args: [home.file("pact/x"), home.file("x"), home.file("pact/../y"), `${bundle}2`],
    env: { NO_COLOR: "1", XDG_CONFIG_HOME: home.path },
  }).output();
  assert.equal(
    new TextDecoder().decode(stdout),
    "done\nNotCapable\nNotCapable\nNotCapable\n",
  );
});

Deno.test("demand 11: workers are found beside the bundles that start them", async () => {
  const lib = launchers.file("lib");
  for (
    const [set, worker, flags] of [
      ["journal", "snapshot_worker.ts", []],
      ["journal", "fold_worker.ts", []],
      ["agent", "worker.ts", ["--unstable-worker-options"]],
    ] as const
  ) {
    const probe = `${lib}/${set}/probe.js`;
    // The worker takes over the port it is started with; that it gets so far is what counts here.
    await Deno.writeTextFile(
      probe,
      `const worker = new Worker(new URL("./${worker}", import.meta.url), { type: "module" });
       worker.onerror = (event) => { console.log(event.message); Deno.exit(1); };
       await import(new URL("./${worker}", import.meta.url).href);
       Deno.exit(0);`,
    );
    const args = ["run", "--quiet", "--no-prompt", `-P=${set}`, ...flags];
    const { code, stdout, stderr } = await run(
      Deno.execPath(),
      [...args, `--config=${lib}/deno.json`, probe],
      lib,
    );
    assert.equal(code, 0, `${set}: ${stdout}${stderr}`);
  }
});

Deno.test("demand 11: a launcher that was widened is not read as one with a set", async () => {
  await using dir = await tempDir();
  const text = await Deno.readTextFile(launchers.file("pact-mcp"));
  await Deno.writeTextFile(dir.file("pact-mcp"), text.replace("-P=mcp", "-P=mcp --allow-write"));
  await assert.rejects(readBack(dir.file("pact-mcp")), /is no launcher under a permission set/);
  await assert.rejects(readBack(launchers.file("pact")), /is no launcher under a permission set/);
});

Deno.test("demand 11: a base runtime that is named and not there is an error, not a launcher", async () => {
  await using dir = await tempDir();
  await assert.rejects(compileAll(dir.path, { baseRuntime: dir.file("denort") }), {
    message: `DENORT_BIN: there is no file ${dir.file("denort")}`,
  });
});
