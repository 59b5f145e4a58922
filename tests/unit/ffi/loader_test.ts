import assert from "node:assert/strict";
import { buildShim, findCompiler } from "../../../ffi/build/mod.ts";
import { openShim, ShimLoadError } from "../../../ffi/mod.ts";
import { needing, repositoryRoot, runDeno, tempDir } from "../../support/mod.ts";

/** What loading fails with. */
function failureOf(path: string, mode: "development" | "production"): string {
  try {
    openShim({ path, mode }).close();
  } catch (error) {
    assert.ok(error instanceof ShimLoadError, String(error));
    return error.message;
  }
  assert.fail(`${path} was loaded`);
}

/** A directory whose whole way from / only root can change, or null where this process has none. */
function trustedParent(): string | null {
  if (Deno.uid() !== 0) return null;
  const safe = (path: string) => {
    const { uid, mode } = Deno.statSync(path);
    return uid === 0 && mode !== null && (mode & 0o022) === 0;
  };
  const parents = ["/run", "/var/lib", "/opt"];
  return parents.find((parent) => ["/", "/var", parent].every(safe)) ?? null;
}

const trusted = trustedParent();

function asRoot(name: string) {
  return needing(trusted !== null, "root and a directory only root can change", name);
}

/** A copy of the library in a fresh directory that only root can change. */
async function installedLibrary() {
  const directory = await Deno.makeTempDir({ dir: trusted ?? "/", prefix: "pact-test-" });
  await Deno.chmod(directory, 0o755);
  const path = `${directory}/libpact_shim.so`;
  await Deno.copyFile((await buildShim()).path, path);
  await Deno.chmod(path, 0o644);
  return {
    directory,
    path,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

Deno.test({
  ...asRoot("production loads a library that only root can change"),
  async fn() {
    await using installed = await installedLibrary();
    const shim = openShim({ path: installed.path, mode: "production" });
    assert.equal(shim.system.ids().pid, Deno.pid);
    shim.close();
  },
});

Deno.test({
  ...asRoot("production refuses a library that others than root could change"),
  async fn() {
    await using installed = await installedLibrary();
    const { directory, path } = installed;
    const refused = (reason: string, tried = path) =>
      assert.equal(
        failureOf(tried, "production"),
        `cannot load the native library ${tried}: ${reason}`,
      );

    await Deno.chmod(path, 0o666);
    refused(`${path} is writable by others than root`);
    await Deno.chmod(path, 0o644);
    await Deno.chmod(directory, 0o777);
    refused(`${directory} is writable by others than root`);
    await Deno.chmod(directory, 0o1777);
    refused(`${directory} is writable by others than root`);
    await Deno.chmod(directory, 0o755);
    await Deno.chown(path, 1234, 0);
    refused(`${path} belongs to user 1234, not to root`);
    await Deno.chown(path, 0, 0);
    await Deno.symlink(path, `${directory}/link.so`);
    refused(`${directory}/link.so is a symlink`, `${directory}/link.so`);
    await Deno.mkdir(`${directory}/lib.so`);
    refused("it is not a plain file", `${directory}/lib.so`);
    refused("no such file", `${directory}/none.so`);
  },
});

Deno.test({
  ...asRoot("production refuses a library below a directory that others can change"),
  async fn() {
    await using installed = await installedLibrary();
    await Deno.mkdir(`${installed.directory}/below`, { mode: 0o755 });
    const path = `${installed.directory}/below/libpact_shim.so`;
    await Deno.rename(installed.path, path);
    await Deno.chmod(installed.directory, 0o1777);
    assert.equal(
      failureOf(path, "production"),
      `cannot load the native library ${path}: ${installed.directory} is writable by others than root`,
    );
  },
});

Deno.test("production refuses a path that is not absolute", () => {
  const path = ".cache/ffi/libpact_shim.so";
  assert.equal(
    failureOf(path, "production"),
    `cannot load the native library ${path}: the path is not absolute`,
  );
});

Deno.test("a library of another version is refused with what to do", async () => {
  await using dir = await tempDir();
  const { command } = await findCompiler(undefined);
  await Deno.writeTextFile(dir.file("other.c"), "int pact_shim_version(void) { return 999; }\n");
  const path = dir.file("other.so");
  const args = ["-shared", "-fPIC", "-o", path, dir.file("other.c")];
  const { success } = await new Deno.Command(command, { args }).output();
  assert.ok(success);
  assert.equal(
    failureOf(path, "development"),
    `cannot load the native library ${path}: it speaks version 999, this program version 1; ` +
      "rebuild it with `deno task build:ffi`",
  );
});

Deno.test("a file that is no library, or none of ours, is refused", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(dir.file("text.so"), "not a library\n");
  assert.match(
    failureOf(dir.file("text.so"), "development"),
    /cannot load the native library .*text\.so: /,
  );
  assert.match(
    failureOf(dir.file("none.so"), "development"),
    /cannot load the native library .*none\.so: /,
  );
});

Deno.test("what takes the place of the file later is no part of a library that is loaded", async () => {
  await using dir = await tempDir();
  const path = dir.file("replaced.so");
  await Deno.copyFile((await buildShim()).path, path);
  const shim = openShim({ path, mode: "development" });
  await Deno.remove(path);
  assert.equal(shim.system.ids().pid, Deno.pid);
  await Deno.writeTextFile(path, "not a library\n");
  assert.equal(await shim.users.group("root"), 0);
  shim.close();
  assert.match(failureOf(path, "development"), /cannot load the native library .*replaced\.so: /);
});

Deno.test("loading needs permission for the one library and nothing else", async () => {
  await using dir = await tempDir();
  const { path } = await buildShim();
  const program = dir.file("program.ts");
  await Deno.writeTextFile(
    program,
    `import { openShim, readPipe } from ${JSON.stringify(`${repositoryRoot}ffi/mod.ts`)};
     const shim = openShim({ path: Deno.args[0], mode: "development" });
     const child = shim.processes.spawn({
       executable: "/bin/echo",
       arguments: ["hello"],
       stdout: "pipe",
     });
     for await (const chunk of readPipe(child.stdout ?? -1)) Deno.stdout.writeSync(chunk);
     const pump = shim.startEvents();
     console.log(JSON.stringify(await pump.exitOf(child)));
     child.close();
     await pump.close();
     shim.close();`,
  );
  const run = (flag: string) => runDeno({ module: program, flags: [flag], args: [path] });
  const granted = await run(`--allow-ffi=${path}`);
  assert.equal(granted.stdout, 'hello\n{"kind":"exited","code":0}\n', granted.stderr);
  const refused = await run(`--allow-ffi=${path}.other`);
  assert.match(refused.stderr, /permission missing, start with --allow-ffi=/);
});
