import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  createExecutor,
  effectiveWhitelist,
  type ExecEvent,
  type ExecLimits,
  execLogMessage,
  type ExecPlan,
  type Executor,
} from "../../../../agent/exec/mod.ts";
import { openIsolation } from "../../../../agent/isolation/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { openTestShim, waitFor, within } from "../../../support/mod.ts";

async function withExecutor(test: (executor: Executor) => Promise<void>): Promise<void> {
  const shim = await openTestShim();
  const events = shim.startEvents();
  const isolation = await openIsolation({ shim, clock: systemClock, cgroupRoot: "/nowhere" });
  try {
    await test(createExecutor({ shim, events, clock: systemClock, isolation }));
  } finally {
    await events.close();
    shim.close();
  }
}

/** A script, as if it had passed every check. */
const script = (text: string): ExecPlan => ({
  command: "sh",
  args: ["-c", text],
  executable: "/bin/sh",
  class: "read-only",
  bypass: true,
});

async function runToEnd(executor: Executor, plan: ExecPlan, limits: ExecLimits = {}) {
  const run = executor.run(plan, crypto.randomUUID(), limits);
  const output = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const rest: ExecEvent[] = [];
  for await (const event of run.events) {
    if (event.kind === "stdout" || event.kind === "stderr") output[event.kind].push(event.bytes);
    else rest.push(event);
  }
  const joined = (chunks: Uint8Array[]) => new Uint8Array(Buffer.concat(chunks));
  return {
    stdout: joined(output.stdout),
    stderr: joined(output.stderr),
    chunks: [...output.stdout, ...output.stderr],
    rest,
    summary: await run.summary,
  };
}

/** A zombie that its new parent has not reaped yet is not alive. */
function isAlive(pid: string | undefined): boolean {
  try {
    return !Deno.readTextFileSync(`/proc/${pid}/stat`).includes(") Z ");
  } catch {
    return false;
  }
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

Deno.test("EXE-6: output arrives byte for byte, streams apart, in chunks of at most 32 KiB", async () => {
  await withExecutor(async (executor) => {
    const plan = script("head -c 3000000 /dev/urandom | tee /proc/self/fd/2; exit 7");
    const { stdout, stderr, chunks, rest, summary } = await runToEnd(executor, plan);
    assert.equal(stdout.length, 3_000_000);
    assert.equal(sha256(stdout), sha256(stderr));
    assert.ok(chunks.every((chunk) => chunk.length <= 32 * 1024));
    assert.deepEqual(rest, [{ kind: "exit", code: 7 }]);
    assert.equal(summary.stdout_sha256, sha256(stdout));
    assert.equal(summary.stderr_bytes, 3_000_000);
    assert.equal(summary.exit_code, 7);
  });
});

Deno.test("WHL-2, EXE-1: a whitelisted command line goes from its checks to its output", async () => {
  await withExecutor(async (executor) => {
    const rights = {
      whitelist: effectiveWhitelist([]).names,
      bypassesWhitelist: false,
      readOnlyOnly: true,
      isPlatformAdmin: false,
    };
    const prepared = executor.prepare({ command: "uname -s", args: [] }, rights);
    assert.ok(prepared.kind === "ready");
    const { stdout, rest, summary } = await runToEnd(executor, prepared.plan);
    assert.equal(text(stdout), "Linux\n");
    assert.deepEqual(rest, [{ kind: "exit", code: 0 }]);
    assert.equal(summary.class, "read-only");

    const refused = executor.prepare({ command: "bash", args: ["-c", "id"] }, rights);
    assert.ok(refused.kind === "refused");
    assert.equal(refused.refusal.message, "command not whitelisted: bash");
  });
});

Deno.test("EXE-6: a slow reader slows the program down instead of filling memory", async () => {
  await withExecutor(async (executor) => {
    const file = await Deno.makeTempFile();
    const plan = script(
      `for i in $(seq 1000); do head -c 65536 /dev/zero; echo $i > ${file}; done`,
    );
    const events = executor.run(plan, "slow", { maxOutputBytes: 2 ** 30 }).events;
    const reader = events[Symbol.asyncIterator]();
    await reader.next();
    let before = "";
    await waitFor(() => {
      const now = Deno.readTextFileSync(file);
      const stands = now !== "" && now === before;
      before = now;
      return stands;
    }, { what: "the program to stand still" });
    assert.ok(Number(before) < 50, `wrote ${before} blocks unread`);
    await reader.return?.();
    await Deno.remove(file);
  });
});

Deno.test("EXE-6: a program that dies of signal n exits with 128 + n", async () => {
  await withExecutor(async (executor) => {
    const { rest } = await runToEnd(executor, script("kill -SEGV $$"));
    assert.deepEqual(rest, [{ kind: "exit", code: 139 }]);
  });
});

Deno.test("EXE-5: the environment is the documented one, in /, without input", async () => {
  await withExecutor(async (executor) => {
    const { stdout } = await runToEnd(executor, script("pwd; cat; env | sort | cut -d= -f1"));
    assert.deepEqual(
      text(stdout).trim().split("\n"),
      [
        "/",
        ...["HOME", "LANG", "LC_ALL", "LESSSECURE", "PAGER", "PATH", "PWD"],
        ...["SYSTEMD_LESS", "SYSTEMD_PAGER", "TERM"],
      ],
    );
  });
});

Deno.test("EXE-7: a command that takes too long is killed with all it started", async () => {
  await withExecutor(async (executor) => {
    const plan = script("echo before; sleep 1000 & echo $!; sleep 1000");
    const { stdout, rest, summary } = await runToEnd(executor, plan, { timeoutMs: 1_000 });
    assert.deepEqual(rest, [
      { kind: "error", message: "command timed out after 1 seconds" },
      { kind: "exit", code: 124 },
    ]);
    const [before, child] = text(stdout).trim().split("\n");
    assert.equal(before, "before");
    assert.equal(isAlive(child), false);
    assert.equal(summary.exit_code, 124);
    assert.ok(summary.duration_ms >= 1_000);
  });
});

Deno.test("EXE-7: output beyond the limit ends the command at exactly the limit", async () => {
  await withExecutor(async (executor) => {
    const plan = script("head -c 100000 /dev/zero; head -c 100000 /dev/zero >&2; sleep 1000");
    const { stdout, stderr, rest } = await runToEnd(executor, plan, { maxOutputBytes: 150_000 });
    assert.equal(stdout.length + stderr.length, 150_000);
    assert.deepEqual(rest[0], {
      kind: "error",
      message: "output limit exceeded (150000 bytes)",
    });
  });
});

Deno.test("EXE-7: a cancelled command is asked to stop, and killed if it does not", async () => {
  await withExecutor(async (executor) => {
    for (
      const [trap, expectedMs] of [["trap 'exit 0' TERM", 0], ["trap '' TERM", 2_000]] as const
    ) {
      const cancel = new AbortController();
      const plan = script(`${trap}; echo $$; while :; do sleep 0.05; done`);
      const run = executor.run(plan, "cancel", { signal: cancel.signal });
      let startMs = 0;
      for await (const event of run.events) {
        if (event.kind !== "stdout") continue;
        startMs = performance.now();
        cancel.abort();
      }
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs >= expectedMs && tookMs < expectedMs + 1_500, `${trap}: ${tookMs} ms`);
      assert.equal((await run.summary).error, "cancelled");
    }
  });
});

Deno.test("SHS-6: a reader that goes away ends the command", async () => {
  await withExecutor(async (executor) => {
    const run = executor.run(script("echo $$; exec sleep 1000"), "gone");
    let pid = "";
    for await (const event of run.events) {
      if (event.kind === "stdout") pid = text(event.bytes).trim();
      break;
    }
    await within(run.summary, { what: "the summary" });
    assert.equal(isAlive(pid), false);
  });
});

Deno.test("what a command leaves running in the background does not keep it open", async () => {
  await withExecutor(async (executor) => {
    const { rest } = await within(runToEnd(executor, script("sleep 1000 & echo done")), {
      what: "the end",
    });
    assert.deepEqual(rest, [{ kind: "exit", code: 0 }]);
  });
});

Deno.test("SUP-21: a program that cannot be executed says why", async () => {
  await withExecutor(async (executor) => {
    const { rest } = await runToEnd(executor, { ...script(""), executable: "/etc/passwd" });
    assert.deepEqual(rest, [
      { kind: "error", message: "exec /etc/passwd: Permission denied" },
      { kind: "exit", code: 126 },
    ]);
  });
});

Deno.test("EXE-8: the log message is one JSON of at most 4096 bytes without secrets", async () => {
  await withExecutor(async (executor) => {
    const plan = script(`printf 'token=hunter2 \\033[31m%s' ${"x".repeat(3_000)}`);
    const { summary } = await runToEnd(executor, {
      ...plan,
      args: [...plan.args, "--password", "hunter2"],
    });
    const message = execLogMessage(summary, { degraded: true, approval: "ap-1" });
    assert.ok(new TextEncoder().encode(message).length <= 4096);
    assert.doesNotMatch(message, /hunter2/);
    const parsed = JSON.parse(message);
    assert.equal(parsed.degraded, true);
    assert.equal(parsed.stdout_bytes, 3_000 + "token=hunter2 \x1b[31m".length);
    assert.match(parsed.head, /^token=\*\*\* \?xxx/);
  });
});

Deno.test("WHL-7: the list is sorted, says what is installed, and hides what may not be run", async () => {
  await withExecutor((executor) => {
    const rights = {
      whitelist: new Set(["uname", "cat", "no-such-tool", "sysctl"]),
      bypassesWhitelist: false,
      readOnlyOnly: true,
      isPlatformAdmin: false,
    };
    assert.deepEqual(executor.list(rights).map(({ name, installed }) => [name, installed]), [
      ["cat", true],
      ["no-such-tool", false],
      ["uname", true],
    ]);
    return Promise.resolve();
  });
});
