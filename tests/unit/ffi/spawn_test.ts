import assert from "node:assert/strict";
import { readPipe, type Shim, SpawnError, type SpawnRequest } from "../../../ffi/mod.ts";
import { withShim } from "../../support/mod.ts";

/** Runs a program to its end and answers what it wrote and how it ended. */
async function runToEnd(shim: Shim, request: SpawnRequest) {
  const pump = shim.startEvents();
  const child = shim.processes.spawn({ ...request, stdout: "pipe", stderr: "pipe" });
  try {
    const [stdout, stderr, status] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      pump.exitOf(child),
    ]);
    return { stdout, stderr, status };
  } finally {
    child.close();
    await pump.close();
  }
}

async function textOf(fd: number | null): Promise<string> {
  assert.ok(fd !== null);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of readPipe(fd)) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

const shell = (script: string): SpawnRequest => ({
  executable: "/bin/sh",
  arguments: ["-c", script],
});

/** What a spawn failed with. */
function failureOf(shim: Shim, request: SpawnRequest): SpawnError {
  try {
    shim.processes.spawn(request).close();
  } catch (error) {
    assert.ok(error instanceof SpawnError);
    return error;
  }
  assert.fail("the spawn succeeded");
}

Deno.test("SUP-20: a program runs with its output on two pipes and its exit code reported", async () => {
  await withShim(async (shim) => {
    const ended = await runToEnd(shim, shell("echo out; echo err >&2; exit 3"));
    assert.deepEqual(ended, {
      stdout: "out\n",
      stderr: "err\n",
      status: { kind: "exited", code: 3 },
    });
  });
});

Deno.test("SUP-21: a program that is not there fails as `exec PATH: No such file or directory`", async () => {
  await withShim((shim) => {
    const failure = failureOf(shim, { executable: "/bin/no-such-program" });
    assert.equal(failure.message, "exec /bin/no-such-program: No such file or directory");
    assert.equal(failure.step, "exec");
    assert.equal(failure.code, "ENOENT");
  });
});
