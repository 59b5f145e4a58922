import assert from "node:assert/strict";
import { runDeno, spawnDeno, tempDir, waitFor } from "../support/mod.ts";

const program = {
  module: new URL("./programs/hello.ts", import.meta.url),
  clearEnv: true,
};

Deno.test("OTEL_DENO takes true and false; 1 is refused with a warning and switches nothing on", async () => {
  await using dir = await tempDir();
  const run = (value: string) =>
    runDeno({ ...program, env: { DENO_DIR: dir.path, OTEL_DENO: value } });
  const one = await run("1");
  assert.match(one.stderr, /OTEL_DENO.*not recognized/);
  assert.equal(one.stdout, "hello\n");
  assert.doesNotMatch((await run("false")).stderr, /not recognized/);
});

Deno.test("SIGUSR1 opens the inspector on a local port, whatever the program does", async () => {
  await using server = spawnDeno({
    module: new URL("./programs/guarded_server.ts", import.meta.url),
    flags: ["--allow-net=127.0.0.1"],
  });
  // Before the runtime has set its handler up, the signal ends the process.
  await waitFor(() => catches(server.pid, 10), { what: "the handler of SIGUSR1" });
  server.kill("SIGUSR1");
  await server.waitForOutput(/Debugger listening on ws:\/\/127\.0\.0\.1:\d+/);
});

Deno.test("without HOME, DENO_DIR and an entry in passwd the runtime does not start; DENO_DIR suffices", async () => {
  if (Deno.uid() !== 0) {
    console.log("not root: no user without a passwd entry can be had, this edge is not probed");
    return;
  }
  await using dir = await tempDir();
  await Deno.chmod(dir.path, 0o755);
  await Deno.writeTextFile(dir.file("hello.ts"), 'console.log("hello")');
  await Deno.mkdir(dir.file("cache"));
  await Deno.chown(dir.file("cache"), unknownUser, unknownUser);
  const run = async (env: Record<string, string>) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", dir.file("hello.ts")],
      clearEnv: true,
      env: { DENO_NO_UPDATE_CHECK: "1", ...env },
      cwd: dir.path,
      uid: unknownUser,
      gid: unknownUser,
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  };

  const homeless = await run({});
  assert.notEqual(homeless.code, 0);
  assert.match(homeless.stderr, /DENO_DIR/);
  assert.equal((await run({ DENO_DIR: dir.file("cache") })).stdout, "hello\n");
  assert.equal((await run({ HOME: dir.file("cache") })).stdout, "hello\n");
});

const unknownUser = 54_321;

/** Whether a process has a handler for the signal of that number, by proc(5). */
async function catches(pid: number, signalNumber: number): Promise<boolean> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return (BigInt(`0x${mask}`) >> BigInt(signalNumber - 1) & 1n) === 1n;
}
