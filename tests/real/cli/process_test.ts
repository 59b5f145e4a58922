import assert from "node:assert/strict";
import { repositoryRoot, runDeno, startScriptedJournal, tempDir } from "../../support/mod.ts";
import { node } from "../../unit/cli/fixtures.ts";
import { pki } from "../../unit/cli/harness.ts";

const MAIN = `${repositoryRoot}cli/main.ts`;

/** The program as people start it: its own process with its own permission set. */
function pact(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return runDeno({ module: MAIN, flags: ["-P=cli", "--no-prompt"], args, env });
}

/** Starts the program with pipes that a test holds. */
function spawnPact(args: readonly string[], env: Readonly<Record<string, string>>) {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-P=cli", "--no-prompt", MAIN, ...args],
    cwd: repositoryRoot,
    env: { DENO_NO_UPDATE_CHECK: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("CLI-1: help and version need no configuration, network or token and exit 0", async () => {
  const nowhere = { XDG_CONFIG_HOME: "/nonexistent", PACT_ENDPOINT: "https://nowhere.invalid" };
  for (
    const args of [["--help"], ["help", "exec"], ["exec", "--help"], ["version"], ["--version"]]
  ) {
    const { code, stdout, stderr } = await pact(args, nowhere);
    assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
    assert.match(
      stdout,
      args.join().includes("version") ? /^pact \d+\.\d+\.\d+\n$/ : /Usage: pact/,
    );
  }
});

Deno.test("the permission set is enough for a command over TLS, and for nothing beside it", async () => {
  await using dir = await tempDir();
  const certificates = await pki();
  await Deno.writeTextFile(dir.file("ca.crt"), certificates.caPem);
  await Deno.writeTextFile(dir.file("token"), "opaque", { mode: 0o600 });
  await Deno.writeTextFile(dir.file("cli.toml"), `token_path = "${dir.file("token")}"\n`);
  await using journal = await startScriptedJournal(certificates, {
    fleet: { listNodeStates: () => ({ nodes: [node()] }) },
  });
  const env = {
    XDG_CONFIG_HOME: dir.path,
    PACT_CONFIG: dir.file("cli.toml"),
    PACT_CA_FILE: dir.file("ca.crt"),
    PACT_ENDPOINT: journal.url,
  };
  const { code, stdout, stderr } = await pact(["status"], env);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /node-1\s+ml\s+COMMITTED/);
  assert.equal(journal.calls[0]?.header.get("authorization"), "Bearer opaque");
  assert.match(journal.calls[0]?.header.get("x-pact-client") ?? "", /^pact\/\d/);

  const probe = dir.file("probe.ts");
  await Deno.writeTextFile(
    probe,
    `const tries = {
       write: () => Deno.writeTextFileSync(${JSON.stringify(dir.file("w"))}, "x"),
       run: () => new Deno.Command("true").outputSync(),
       env: () => Deno.env.get("PATH"),
       ffi: () => Deno.dlopen("libc.so.6", {}),
     };
     for (const [name, attempt] of Object.entries(tries)) {
       try { attempt(); console.log(name, "allowed"); } catch (e) { console.log(name, e.name); }
     }`,
  );
  const reached = await runDeno({ module: probe, flags: ["-P=cli", "--no-prompt"] });
  assert.equal(
    reached.stdout,
    "write NotCapable\nrun NotCapable\nenv NotCapable\nffi NotCapable\n",
    reached.stderr,
  );
});

Deno.test("CLI-9: a reader that goes away ends the command silently with status 0", async () => {
  await using dir = await tempDir();
  const certificates = await pki();
  await Deno.writeTextFile(dir.file("ca.crt"), certificates.caPem);
  const nodes = Array.from({ length: 20_000 }, (_, index) => node({ nodeId: `node-${index}` }));
  await using journal = await startScriptedJournal(certificates, {
    fleet: { listNodeStates: () => ({ nodes }) },
  });
  const child = spawnPact(["status"], {
    XDG_CONFIG_HOME: dir.path,
    PACT_TOKEN: "opaque",
    PACT_CA_FILE: dir.file("ca.crt"),
    PACT_ENDPOINT: journal.url,
  });
  await child.stdout.cancel();
  const [status, stderr] = await Promise.all([child.status, new Response(child.stderr).text()]);
  assert.deepEqual([status.code, stderr], [0, ""]);
});

Deno.test("CLI-9: SIGINT ends a running command with status 130", async () => {
  await using dir = await tempDir();
  const certificates = await pki();
  await Deno.writeTextFile(dir.file("ca.crt"), certificates.caPem);
  const asked = Promise.withResolvers<void>();
  const canceled = Promise.withResolvers<void>();
  await using journal = await startScriptedJournal(certificates, {
    fleet: {
      async listNodeStates(_, { signal }) {
        asked.resolve();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        canceled.resolve();
        return {};
      },
    },
  });
  const child = spawnPact(["status"], {
    XDG_CONFIG_HOME: dir.path,
    PACT_TOKEN: "opaque",
    PACT_CA_FILE: dir.file("ca.crt"),
    PACT_ENDPOINT: journal.url,
  });
  await asked.promise;
  child.kill("SIGINT");
  const { code, stdout } = await child.output();
  assert.equal(code, 130);
  assert.equal(new TextDecoder().decode(stdout), "");
  await canceled.promise;
});

for (const shell of ["bash", "zsh", "fish"]) {
  Deno.test(`CLI-11: pact completion ${shell} prints a script`, async () => {
    const { code, stdout } = await pact(["completion", shell]);
    assert.equal(code, 0);
    assert.match(stdout, /pact/);
    assert.ok(stdout.length > 500);
  });
}

Deno.test("CLI-11: sourced in bash, completion offers commands and options", async () => {
  await using dir = await tempDir();
  const launcher = dir.file("pact");
  await Deno.writeTextFile(
    launcher,
    `#!/bin/sh\nexec '${Deno.execPath()}' run --quiet -P=cli --config '${repositoryRoot}deno.json' '${MAIN}' "$@"\n`,
    { mode: 0o755 },
  );
  const complete = async (line: string) => {
    const words = line.split(" ");
    const script = `
      export PATH="${dir.path}:$PATH"
      source <(pact completion bash)
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})
      COMP_CWORD=${words.length - 1}
      COMP_LINE='${line}'
      COMP_POINT=${line.length}
      _pact
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await new Deno.Command("bash", {
      args: ["--norc", "-c", script],
      env: { DENO_NO_UPDATE_CHECK: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    return { words: text.split(/\s+/).filter(Boolean), problem: new TextDecoder().decode(stderr) };
  };
  const commands = await complete("pact ro");
  assert.deepEqual(commands.words, ["rollback"], commands.problem);
  const nested = await complete("pact service re");
  assert.deepEqual(nested.words, ["restart"], nested.problem);
  const options = await complete("pact log --old");
  assert.deepEqual(options.words, ["--oldest-first"], options.problem);
});
