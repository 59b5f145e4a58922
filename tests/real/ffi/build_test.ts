import assert from "node:assert/strict";
import { buildShim, findCompiler, ShimBuildError, shimSources } from "../../../ffi/build/mod.ts";
import { repositoryRoot, tempDir } from "../../support/mod.ts";

Deno.test("demand 5: the library is compiled once and then taken from the cache", async () => {
  await using dir = await tempDir();
  const cacheDirectory = dir.file("cache");
  const first = await buildShim({ cacheDirectory });
  assert.deepEqual(first, { path: `${cacheDirectory}/libpact_shim.so`, compiled: true });
  const before = await Deno.stat(first.path);
  const second = await buildShim({ cacheDirectory });
  assert.deepEqual(second, { path: first.path, compiled: false });
  assert.equal((await Deno.stat(first.path)).ino, before.ino, "an equal library stays as it is");
});

Deno.test("builds at the same time do not disturb each other and leave no temporary files", async () => {
  await using dir = await tempDir();
  const cacheDirectory = dir.file("cache");
  const built = await Promise.all([buildShim({ cacheDirectory }), buildShim({ cacheDirectory })]);
  assert.deepEqual(new Set(built.map(({ path }) => path)).size, 1);
  const names: string[] = [];
  for (const entry of Deno.readDirSync(cacheDirectory)) {
    names.push(entry.name);
    if (!entry.isDirectory) continue;
    for (const { name } of Deno.readDirSync(`${cacheDirectory}/${entry.name}`)) names.push(name);
  }
  assert.equal(names.filter((name) => name !== "libpact_shim.so").length, 1, names.join(" "));
});

Deno.test("demand 5: a missing compiler is one line that says what to install", async () => {
  const wrong = findCompiler("/no/such/compiler");
  await assert.rejects(wrong, (error: unknown) => {
    assert.ok(error instanceof ShimBuildError);
    assert.equal(
      error.message,
      "no C compiler found: PACT_CC names /no/such/compiler, which does not run",
    );
    return true;
  });

  await using emptyPath = await tempDir();
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-P=build-ffi", `${repositoryRoot}tools/build-ffi.ts`],
    clearEnv: true,
    env: { PATH: emptyPath.path, HOME: Deno.env.get("HOME") ?? "/", NO_COLOR: "1" },
  }).output();
  assert.equal(success, false);
  const lines = new TextDecoder().decode(stderr).trimEnd().split("\n");
  assert.equal(
    lines.at(-1),
    "no C compiler found: install gcc or clang (Debian: apt-get install gcc libc6-dev), or set PACT_CC",
  );
});

Deno.test("demand 5: the header documents every exported function, and the loader declares each", async () => {
  const headers = ["pact_shim.h", "pact_workload.h"];
  const header = (await Promise.all(
    headers.map((name) => Deno.readTextFile(`${repositoryRoot}ffi/${name}`)),
  )).join("");
  const symbols = await Deno.readTextFile(`${repositoryRoot}ffi/symbols.ts`);
  const declared = [...header.matchAll(/PACT_EXPORT \w+ (pact_shim_\w+)\(/g)].map(([, name]) =>
    name
  );
  assert.ok(declared.length > 40);
  for (const name of declared) {
    assert.match(symbols, new RegExp(`\\b${name}\\b`), `${name} in symbols.ts`);
    const inComment = "(?:(?!\\*/)[^])*";
    const documented = new RegExp(`/\\*${inComment}Blocking:${inComment}\\*/\n.* ${name}\\(`);
    assert.match(header, documented, `${name} says whether it blocks`);
  }
});

Deno.test("demand 5: only the loader opens a library, and no C file is forgotten", async () => {
  assert.ok((await shimSources()).includes("spawn.c"));
  const callers: string[] = [];
  const pending = ["agent", "api", "cli", "common", "contracts", "ffi", "journal", "mcp"];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const path = `${repositoryRoot}${folder}`;
    for (const entry of listIfPresent(path)) {
      if (entry.isDirectory) pending.push(`${folder}/${entry.name}`);
      else if (entry.name.endsWith(".ts")) {
        const text = await Deno.readTextFile(`${path}/${entry.name}`);
        if (/Deno\.dlopen\(/.test(text)) callers.push(`${folder}/${entry.name}`);
      }
    }
  }
  assert.deepEqual(callers, ["ffi/shim.ts"]);
});

function listIfPresent(path: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(path)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
