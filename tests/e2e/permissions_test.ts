/**
 * Each executable's permission set, tried from inside: a small program is started with the set and
 * reaches for things. What is refused must be refused by the runtime, with NotCapable.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import { type Executable, EXECUTABLES, readPermissionSets } from "../../tools/compile/mod.ts";
import { repositoryRoot, runDeno, tempDir } from "../support/mod.ts";

/** The outcome of each attempt: `NotCapable`, the name of another error, or `done`. */
const OutcomesSchema = z.record(z.string(), z.string());

/** Attempts by name, each the text of an expression that the probe evaluates. */
type Attempts = Readonly<Record<string, string>>;

const probe = `
const outcomes = {};
for (const [name, attempt] of Object.entries(ATTEMPTS)) {
  try {
    await attempt();
    outcomes[name] = "done";
  } catch (error) {
    outcomes[name] = error.name;
  }
}
console.log(JSON.stringify(outcomes));
`;

/** Starts a program with a set that makes every attempt and tells how each ended. */
async function attempt({ set, flags }: Executable, attempts: Attempts) {
  await using dir = await tempDir();
  const entries = Object.entries(attempts).map(([name, text]) =>
    `${JSON.stringify(name)}: async () => await (${text})`
  );
  const module = dir.file("probe.js");
  await Deno.writeTextFile(module, `const ATTEMPTS = {${entries.join(",\n")}};${probe}`);
  const { stdout, stderr, code } = await runDeno({ module, flags: [`-P=${set}`, ...flags] });
  assert.equal(code, 0, stderr);
  return OutcomesSchema.parse(JSON.parse(stdout));
}

const libc = '{ getpid: { parameters: [], result: "i32" } }';

/** What no executable has any business with. */
const everywhereRefused: Attempts = {
  "write a file": 'Deno.writeTextFile("/etc/pact-was-here", "x")',
  "write to a home": 'Deno.writeTextFile("/home/pact-was-here", "x")',
  "replace its own program": `Deno.writeTextFile("${repositoryRoot}mcp/main.ts", "x")`,
  "run a program": 'new Deno.Command("/bin/true").output()',
  "run the runtime": 'new Deno.Command(Deno.execPath(), { args: ["--version"] }).output()',
  "load a library by its path": `Deno.dlopen("/lib/x86_64-linux-gnu/libc.so.6", ${libc})`,
  "load a library by its name": `Deno.dlopen("libc.so.6", ${libc})`,
  "read a stranger's variable": 'Deno.env.get("AWS_SECRET_ACCESS_KEY")',
  "read every variable": "Deno.env.toObject()",
  "read the kernel's release": "Deno.osRelease()",
};

/** What those may not read whose reading is scoped. */
const scopedReads: Attempts = {
  "read the users": 'Deno.readTextFile("/etc/passwd")',
  "read past its folder": 'Deno.readTextFile("/etc/pact/../passwd")',
  "list the root": "Array.fromAsync(Deno.readDir('/'))",
  "read its environment from /proc": 'Deno.readTextFile("/proc/self/environ")',
};

function executable(name: string): Executable {
  const found = EXECUTABLES.find((candidate) => candidate.name === name);
  assert.ok(found !== undefined);
  return found;
}

function assertRefused(outcomes: Readonly<Record<string, string>>, attempts: Attempts): void {
  const expected = Object.fromEntries(Object.keys(attempts).map((name) => [name, "NotCapable"]));
  assert.deepEqual(outcomes, expected);
}

for (const program of EXECUTABLES) {
  Deno.test(`demand 11: ${program.name} is refused what lies outside its set`, async () => {
    const set = (await readPermissionSets("deno.json"))[program.set];
    const attempts = set?.["read"] === true
      ? everywhereRefused
      : { ...everywhereRefused, ...scopedReads };
    assertRefused(await attempt(program, attempts), attempts);
  });
}

for (const program of EXECUTABLES) {
  Deno.test(`demand 11: ${program.name} takes code from no host`, async () => {
    await using dir = await tempDir();
    const module = dir.file("probe.js");
    // A name that only the running program knows, so that nothing is fetched before it starts.
    await Deno.writeTextFile(
      module,
      `for (const host of ["raw.githubusercontent.com", "127.0.0.1:9"]) {
        const url = ["https://", host, "/x.js"].join("");
        await import(url).catch((error) => console.log(error.message.split(",")[0]));
      }`,
    );
    const { stdout } = await runDeno({ module, flags: [`-P=${program.set}`, ...program.flags] });
    assert.equal(
      stdout,
      'Requires import access to "raw.githubusercontent.com:443"\n' +
        'Requires import access to "127.0.0.1:9"\n',
    );
  });
}

Deno.test("demand 11: no set grants everything of a kind that changes the machine", async () => {
  const sets = await readPermissionSets("deno.json");
  for (const { set } of EXECUTABLES) {
    for (const kind of ["all", "write", "run", "ffi", "env", "sys"]) {
      assert.notEqual(sets[set]?.[kind], true, `${set}: ${kind}`);
    }
  }
});

Deno.test("demand 11: pact-agent loads the one library it names, and no copy of it", async () => {
  await using dir = await tempDir();
  const copy = dir.file("libpact_shim.so");
  await Deno.writeTextFile(copy, "not a library");
  const outcomes = await attempt(executable("pact-agent"), {
    "the library": `Deno.dlopen("/usr/lib/pact/libpact_shim.so", ${libc})`,
    "a copy elsewhere": `Deno.dlopen("${copy}", ${libc})`,
    "its name alone": `Deno.dlopen("libpact_shim.so", ${libc})`,
    "its neighbour": `Deno.dlopen("/usr/lib/pact/other.so", ${libc})`,
    "past its folder": `Deno.dlopen("/usr/lib/pact/../pact/../other.so", ${libc})`,
  });
  const { "the library": granted, ...others } = outcomes;
  // It is installed on nodes only, so that elsewhere loading it fails; but it is not refused.
  assert.notEqual(granted, "NotCapable");
  assert.deepEqual(new Set(Object.values(others)), new Set(["NotCapable"]));
});

Deno.test("demand 11: what an executable needs is within its set", async () => {
  for (
    const [name, attempts] of [
      ["pact-journal", {
        config: 'Deno.readTextFile("/etc/pact/none.toml")',
        data: 'Deno.readTextFile("/var/lib/pact/journal/none")',
        network: "Deno.listen({ hostname: '127.0.0.1', port: 0 }).close()",
        name: "Deno.hostname()",
      }],
      ["pact-agent", {
        config: 'Deno.readTextFile("/etc/pact/none.toml")',
        state: 'Deno.readTextFile("/var/lib/pact/none")',
        run: 'Deno.readTextFile("/run/pact/none")',
        network: "Deno.listen({ hostname: '127.0.0.1', port: 0 }).close()",
      }],
      ["pact-mcp", {
        ca: 'Deno.readTextFile("/etc/pact/none.crt")',
        token: 'Deno.env.get("PACT_MCP_TOKEN")',
      }],
      ["pact", {
        spec: 'Deno.readTextFile("/nowhere/spec.toml")',
        token: 'Deno.env.get("PACT_TOKEN")',
        user: "Deno.uid()",
      }],
    ] as const
  ) {
    const outcomes = await attempt(executable(name), attempts);
    assert.equal(
      Object.values(outcomes).includes("NotCapable"),
      false,
      `${name}: ${JSON.stringify(outcomes)}`,
    );
  }
});
