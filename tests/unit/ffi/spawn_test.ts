import assert from "node:assert/strict";
import { type Shim, ShimError, SpawnError, type SpawnRequest } from "../../../ffi/mod.ts";
import { withShim } from "../../support/mod.ts";
import { assertNoNewDescriptors, openDescriptors, runToEnd, shell } from "./run_to_end.ts";

/** What a spawn failed with. */
function failureOf(shim: Shim, request: SpawnRequest): SpawnError {
  try {
    shim.processes.spawn(request).close();
  } catch (error) {
    assert.ok(error instanceof SpawnError, String(error));
    return error;
  }
  assert.fail("the spawn succeeded");
}

Deno.test("SUP-20: a program runs with stdout and stderr apart and its exit code reported", async () => {
  await withShim(async (shim) => {
    assert.deepEqual(await runToEnd(shim, shell("echo out; echo err >&2; exit 3")), {
      stdout: "out\n",
      stderr: "err\n",
      status: { kind: "exited", code: 3 },
    });
  });
});

Deno.test("SUP-20: the end by a signal names the signal", async () => {
  await withShim(async (shim) => {
    const { status } = await runToEnd(shim, shell("kill -TERM $$"));
    assert.deepEqual(status, {
      kind: "signaled",
      signal: 15,
      signalName: "SIGTERM",
      coreDumped: false,
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

Deno.test("SUP-21: each failing step is named with what it worked on", async () => {
  await withShim((shim) => {
    const cases: [SpawnRequest, string][] = [
      [{ executable: "/etc/passwd" }, "exec /etc/passwd: Permission denied"],
      [
        { executable: "/bin/true", directory: "/no/such" },
        "chdir /no/such: No such file or directory",
      ],
      [
        { executable: "/bin/true", cgroup: "/no/such" },
        "cgroup /no/such: No such file or directory",
      ],
      [{ executable: "/bin/true", stdin: 9999 }, "stdio: Bad file descriptor"],
      [{ executable: "bin/true" }, "request bin/true: Invalid argument"],
      [{ executable: "/bin/true", oomScoreAdj: 1001 }, "request /bin/true: Invalid argument"],
      [{ executable: "/bin/true", execTimeoutMs: 0 }, "request /bin/true: Invalid argument"],
      [
        { executable: "/bin/true", rlimits: { nofile: { soft: 20, hard: 10 } } },
        "rlimit: Invalid argument",
      ],
    ];
    for (const [request, message] of cases) assert.equal(failureOf(shim, request).message, message);
  });
});

Deno.test("SUP-20: a text with a NUL or an environment name with = is refused before anything starts", async () => {
  await withShim((shim) => {
    const einval = (error: unknown) => error instanceof ShimError && error.code === "EINVAL";
    const spawn = (request: SpawnRequest) => () => shim.processes.spawn(request);
    assert.throws(spawn({ executable: "/bin/true\0x" }), einval);
    assert.throws(spawn({ executable: "/bin/true", arguments: ["a\0b"] }), einval);
    assert.throws(spawn({ executable: "/bin/true", environment: { "A=B": "c" } }), einval);
    assert.throws(spawn({ executable: "/bin/true", environment: { "": "c" } }), einval);
  });
});

Deno.test("SUP-20: where clone3 is missing the program runs just the same", async () => {
  await withShim(async (shim) => {
    const ended = await runToEnd(shim, shell("echo out; exit 4", { withoutClone3: true }));
    assert.equal(ended.stdout, "out\n");
    assert.deepEqual(ended.status, { kind: "exited", code: 4 });
    const failure = failureOf(shim, { executable: "/bin/no-such", withoutClone3: true });
    assert.equal(failure.message, "exec /bin/no-such: No such file or directory");
  });
});

Deno.test("SUP-20: stdin can be a pipe or a descriptor of ours", async () => {
  await withShim(async (shim) => {
    await using file = await temporaryFile("from a file\n");
    const { stdout } = await runToEnd(shim, { executable: "/bin/cat", stdin: file.descriptor });
    assert.equal(stdout, "from a file\n");
  });
});

Deno.test("nothing stays open after spawns that succeed, fail or have pipes nobody reads", async () => {
  await withShim(async (shim) => {
    await runToEnd(shim, shell("echo warm"));
    const before = openDescriptors();
    await runToEnd(shim, shell("echo out; echo err >&2"));
    failureOf(shim, { executable: "/bin/no-such", stdout: "pipe", stderr: "pipe", stdin: "pipe" });
    failureOf(shim, { executable: "/bin/true", directory: "/no/such", stdout: "pipe" });
    failureOf(shim, { executable: "/bin/true", cgroup: "/no/such", stdout: "pipe" });
    failureOf(shim, { executable: "/bin/no-such", withoutClone3: true, stdout: "pipe" });
    await assertNoNewDescriptors(before);
    assert.deepEqual(shim.processes.supervisedPids(), []);
  });
});

/** A file with a text, and a descriptor of this process for it. */
async function temporaryFile(text: string) {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, text);
  const file = await Deno.open(path);
  const descriptor = openDescriptors().find((name) => targetOf(name) === path);
  assert.ok(descriptor !== undefined);
  return {
    descriptor: Number(descriptor),
    async [Symbol.asyncDispose]() {
      file.close();
      await Deno.remove(path);
    },
  };
}

/** What a descriptor refers to; null for one that was closed meanwhile. */
function targetOf(descriptor: string): string | null {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${descriptor}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
