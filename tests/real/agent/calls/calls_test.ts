import assert from "node:assert/strict";
import { ConnectError } from "@connectrpc/connect";
import { config } from "../../../../api/mod.ts";
import { fromConnectError } from "../../../../common/errors/mod.ts";
import { waitFor, within } from "../../../support/mod.ts";
import { NODE, NodeRig, type TokenFacts } from "../../../unit/agent/calls/node_rig.ts";

/** The refusal a call ends with. */
async function refusal(call: Promise<unknown>): Promise<{ code: string; message: string }> {
  const outcome = await call.then(() => undefined, (error: unknown) => error);
  assert.ok(outcome instanceof ConnectError, `not refused: ${outcome}`);
  const { code, message } = fromConnectError(outcome);
  return { code, message };
}

/** Each of the calls is refused with this code. */
async function allRefused(code: string, calls: readonly (() => Promise<unknown>)[]) {
  for (const call of calls) assert.equal((await refusal(call())).code, code);
}

async function drain<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

/** Runs a command to its end. */
async function exec(rig: NodeRig, facts: TokenFacts, command: string, ...args: string[]) {
  const client = await rig.shell(facts);
  let stdout = "";
  let error = "";
  let exitCode: number | undefined;
  for await (const { output } of client.exec({ command, args })) {
    if (output.case === "stdout") stdout += new TextDecoder().decode(output.value);
    if (output.case === "error") error += output.value;
    if (output.case === "exitCode") exitCode = output.value;
  }
  return { stdout, error, exitCode };
}

const VIEWER = { name: "vic", role: "pact-viewer-demo" };
const OTHER_OPS = { name: "sue", role: "pact-ops-sim" };
const ADMIN = { name: "ann", role: "pact-platform-admin" };
const ROBOT = { name: "robot", role: "pact-service-ai", principalType: "agent" };

const edit = (rig: NodeRig, text: string) => Deno.writeTextFile(`${rig.root}/etc/motd`, text);
const motd = (rig: NodeRig) => Deno.readTextFile(`${rig.root}/etc/motd`);

async function drifted(rig: NodeRig, text: string): Promise<void> {
  await edit(rig, text);
  await rig.status((status) => status.configState === "Drifted");
}

Deno.test("calls of a node over its real listener", async (t) => {
  await using rig = await NodeRig.open();
  const ops = await rig.shell();

  await t.step(
    "SHS-2: without a token nothing is answered, listing commands included",
    async () => {
      const nobody = await rig.shell("nobody");
      await allRefused("UNAUTHENTICATED", [
        () => nobody.getStatus({}),
        () => nobody.listCommands({}),
        () => nobody.extendCommitWindow({ additionalMinutes: 5 }),
        () => drain(nobody.exec({ command: "uname" })),
      ]);
    },
  );

  await t.step(
    "API-71, AUT: a token for others, of the past, or of nobody is refused",
    async () => {
      for (
        const facts of [
          { audience: "lattice" },
          { expiresInSeconds: -120 },
          { name: "" },
          { role: "x".repeat(257) },
        ]
      ) {
        const client = await rig.shell(facts);
        assert.equal((await refusal(client.getStatus({}))).code, "UNAUTHENTICATED");
      }
      for (const audience of ["pact", "pact-cli", "pact-agent"]) {
        const client = await rig.shell({ audience });
        assert.equal((await client.getStatus({})).nodeId, NODE);
      }
    },
  );

  await t.step("a role of another vCluster may do nothing here", async () => {
    const other = await rig.shell(OTHER_OPS);
    await allRefused("PERMISSION_DENIED", [
      () => drain(other.exec({ command: "uname" })),
      () => other.serviceControl({ service: "base", operation: "stop" }),
      () => other.localCommit({ message: "mine" }),
      () => drain(other.collectDiag({})),
    ]);
  });

  await t.step(
    "EXE-10, LOG1: a viewer looks on, and runs, changes and collects nothing",
    async () => {
      const viewer = await rig.shell(VIEWER);
      assert.equal((await viewer.getStatus({})).nodeId, NODE);
      const { services } = await viewer.serviceControl({ operation: "status" });
      assert.deepEqual(services.map(({ name }) => name).sort(), ["base", "talker"]);
      const denied = await refusal(drain(viewer.exec({ command: "uname" })));
      assert.equal(denied.code, "PERMISSION_DENIED");
      assert.match(denied.message, /viewer role cannot perform action: exec \(P2\)/);
      await allRefused("PERMISSION_DENIED", [
        () => viewer.serviceControl({ service: "base", operation: "restart" }),
        () => viewer.localCommit({ message: "x" }),
        () => viewer.localRollback({}),
        () => viewer.extendCommitWindow({ additionalMinutes: 5 }),
        () => drain(viewer.collectDiag({})),
        () => drain(viewer.serviceLogs({ service: "base" })),
      ]);
    },
  );

  await t.step("EXE-6: output, exit code and the entry that names the person", async () => {
    const { stdout, exitCode } = await exec(rig, {}, "uname", "-s");
    assert.deepEqual([stdout, exitCode], ["Linux\n", 0]);
    const entry = await rig.entry("the entry of uname", ({ message }) => /"uname"/.test(message));
    assert.equal(entry.entryType, config.EntryType.EXEC_LOG);
    assert.equal(entry.author?.principal, "ben");
    const { exit_code, class: kind } = JSON.parse(entry.message);
    assert.deepEqual([exit_code, kind], [0, "read-only"]);
  });

  await t.step(
    "EXE-8: a command that fails and one that is refused leave entries too",
    async () => {
      const failed = await exec(rig, {}, "ls", "/no/such/directory");
      assert.equal(failed.exitCode, 2);
      const refused = await exec(rig, {}, "python3", "-c", "0");
      assert.equal(refused.error, "command not whitelisted: python3");
      assert.equal(refused.exitCode, undefined);
      const secret = await exec(rig, {}, "cat", "/etc/shadow");
      assert.match(secret.error, /access denied: cat cannot access \/etc\/shadow/);
      await rig.entry("the failure", ({ message }) => /"ls".*"exit_code":2/.test(message));
      await rig.entry("the refusal", ({ message }) => /not whitelisted: python3/.test(message));
      await rig.entry("the secret", ({ message }) => /cannot access \/etc\/shadow/.test(message));
    },
  );

  await t.step("EXE-2: malformed requests are refused as such", async () => {
    const empty = await refusal(drain(ops.exec({ command: "" })));
    assert.equal(empty.code, "INVALID_ARGUMENT");
    const nul = await refusal(drain(ops.exec({ command: "echo", args: ["a\0b"] })));
    assert.equal(nul.code, "INVALID_ARGUMENT");
  });

  await t.step(
    "S2: only a platform admin goes beyond the whitelist, and the entry says so",
    async () => {
      const { stdout } = await exec(rig, ADMIN, "id", "-u");
      assert.match(stdout, /^\d+\n$/);
      await rig.entry("the bypass", ({ message }) => /"id".*"bypass":true/.test(message));
    },
  );

  await t.step("EXE-11: an AI runs nothing unless the policy lets it", async () => {
    assert.equal(
      (await refusal(drain((await rig.shell(ROBOT)).exec({ command: "uname" })))).code,
      "PERMISSION_DENIED",
    );
  });

  await t.step("EXE-7: cancelling a command ends its program, and leaves an entry", async () => {
    const aborted = new AbortController();
    const running = drain(
      (await rig.shell(ADMIN)).exec(
        { command: "sleep", args: ["4711"] },
        { signal: aborted.signal },
      ),
    );
    running.catch(() => {});
    const isRunning = async () => (await commandLines()).includes("sleep 4711");
    await waitFor(isRunning, { what: "the program", timeoutMs: 10_000 });
    aborted.abort();
    await waitFor(async () => !await isRunning(), { what: "its end", timeoutMs: 10_000 });
    await rig.entry("the entry", ({ message }) => /"sleep".*"4711".*cancelled/.test(message));
  });

  await t.step(
    "EXE-6: a caller that does not read stops the program, and loses nothing",
    async () => {
      const client = await rig.shell(ADMIN);
      const seen: number[] = [];
      let rest = "";
      for await (const { output } of client.exec({ command: "seq", args: ["400000"] })) {
        if (output.case !== "stdout") continue;
        const lines = (rest + new TextDecoder().decode(output.value)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) seen.push(Number(line));
        if (seen.length < 50_000) await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.equal(seen.length, 400_000);
      assert.ok(seen.every((value, index) => value === index + 1));
    },
  );

  await t.step("EXE-7: output ends at 10 MiB with the published text", async () => {
    const { stdout, error } = await exec(rig, ADMIN, "head", "-c", "20000000", "/dev/zero");
    assert.equal(stdout.length, 10_485_760);
    assert.equal(error, "output limit exceeded (10485760 bytes)");
  });

  await t.step("WHL-7: the list shows what the caller may run, sorted", async () => {
    const { commands } = await ops.listCommands({});
    const names = commands.map(({ command }) => command);
    assert.deepEqual(names, [...names].sort());
    assert.ok(names.includes("mount"));
    const viewers = await (await rig.shell(VIEWER)).listCommands({});
    assert.ok(viewers.commands.every(({ stateChanging }) => !stateChanging));
  });

  await t.step(
    "SUP-8: a restart gives a new process and an entry with the person's name",
    async () => {
      const before = await ops.serviceControl({ service: "base", operation: "status" });
      const { services } = await ops.serviceControl({ service: "base", operation: "restart" });
      assert.equal(services[0]?.state, "Running");
      assert.notEqual(services[0]?.pid, before.services[0]?.pid);
      const entry = await rig.entry(
        "the restart",
        ({ message, author }) =>
          message.startsWith("ServiceRestart base") && author?.principal === "ben",
      );
      assert.equal(entry.entryType, config.EntryType.SERVICE_LIFECYCLE);
    },
  );

  await t.step(
    "SUP-8: stopping what others need is refused; a stop is drift until it is started",
    async () => {
      const needed = await refusal(ops.serviceControl({ service: "base", operation: "stop" }));
      assert.equal(needed.code, "PRECONDITION");
      assert.match(needed.message, /talker/);
      const stopped = await ops.serviceControl({ service: "talker", operation: "stop" });
      assert.equal(stopped.services[0]?.state, "Stopped");
      await rig.status((status) => status.configState === "Drifted");
      const started = await ops.serviceControl({ service: "talker", operation: "start" });
      assert.equal(started.services[0]?.state, "Running");
      await rig.status((status) => status.configState === "Committed");
      await rig.entry(
        "the stop",
        ({ message, author }) =>
          message.startsWith("ServiceStop talker") && author?.principal === "ben",
      );
      await rig.entry(
        "the start",
        ({ message, author }) =>
          message.startsWith("ServiceStart talker") && author?.principal === "ben",
      );
    },
  );

  await t.step("unknown services, operations and names are told apart", async () => {
    const of = (service: string, operation: string) =>
      refusal(ops.serviceControl({ service, operation }));
    assert.equal((await of("ghost", "restart")).code, "NOT_FOUND");
    assert.equal((await of("ghost", "status")).code, "NOT_FOUND");
    assert.equal((await of("base", "freeze")).code, "INVALID_ARGUMENT");
    assert.equal((await of("", "restart")).code, "INVALID_ARGUMENT");
  });

  await t.step("LGX-4: logs show the past, and follow on", async () => {
    const past = (await drain(ops.serviceLogs({ service: "talker", tail: 3 })))
      .flatMap(({ lines }) => lines);
    assert.equal(past.length, 3);
    assert.match(past[0] ?? "", /line \d+/);
    const aborted = new AbortController();
    const followed: string[] = [];
    const following = (async () => {
      const stream = ops.serviceLogs({ service: "talker", tail: 1, follow: true }, {
        signal: aborted.signal,
      });
      for await (const { lines } of stream) followed.push(...lines);
    })().catch(() => {});
    await waitFor(() => followed.length >= 5, { what: "lines that are written now" });
    aborted.abort();
    await within(following, { what: "the end of the stream" });
  });

  await t.step(
    "DIA-3, DIA-9: the last matching lines, without secrets, filtered before they are cut",
    async () => {
      const chunks = await drain(
        ops.collectDiag({ serviceName: "talker", grepPattern: "line [0-9]+", lineLimit: 5 }),
      );
      assert.deepEqual(chunks.map(({ source }) => source), ["service:talker"]);
      const [{ lines, truncated } = { lines: [], truncated: false }] = chunks;
      assert.equal(lines.length, 5);
      assert.ok(truncated);
      assert.ok(lines.every((line) => !line.includes("hunter2")), lines.join("\n"));
      const first = await drain(
        ops.collectDiag({
          serviceName: "talker",
          grepPattern: "LINE 1 ".replace("LINE", "(?i)LINE"),
        }),
      );
      assert.match(first[0]?.lines[0] ?? "", / line 1 /, "older than the last lines, and found");
      const none = await drain(ops.collectDiag({ serviceName: "talker", grepPattern: "absent" }));
      assert.deepEqual(none.map(({ lines }) => lines), [[]]);
    },
  );

  await t.step("DIA-2: sources are as the filter says", async () => {
    const sources = async (sourceFilter: string) =>
      new Set((await drain(ops.collectDiag({ sourceFilter }))).map(({ source }) => source));
    assert.deepEqual(await sources("service"), new Set(["service:base", "service:talker"]));
    assert.deepEqual(await sources("system"), new Set(["dmesg", "syslog"]));
    assert.equal((await sources("")).size, 4);
  });

  await t.step("DIA-3 to DIA-5: limits, patterns and names are judged", async () => {
    const of = (request: Parameters<typeof ops.collectDiag>[0]) =>
      refusal(drain(ops.collectDiag(request)));
    for (
      const [request, text] of [
        [{ grepPattern: "(" }, /invalid grep pattern/],
        [{ grepPattern: "x".repeat(256) }, /invalid grep pattern/],
        [{ grepPattern: "a\nb" }, /invalid grep pattern/],
        [{ lineLimit: 10_001 }, /line_limit must be <= 10000/],
        [{ serviceName: "../base" }, /invalid service name/],
        [{ sourceFilter: "everything" }, /unknown source/],
      ] as const
    ) {
      const { code, message } = await of(request);
      assert.equal(code, "INVALID_ARGUMENT");
      assert.match(message, text);
    }
    const ghost = await drain(ops.collectDiag({ serviceName: "ghost" }));
    assert.deepEqual(ghost[0]?.lines, ["service 'ghost' not found in supervisor"]);
  });

  await t.step(
    "WIN-6: nothing to commit, blank messages and lives out of bounds are refused",
    async () => {
      assert.match((await refusal(ops.localCommit({ message: "x" }))).message, /nothing to commit/);
      const blank = await refusal(ops.localCommit({ message: "  " }));
      assert.equal(blank.code, "INVALID_ARGUMENT");
      const short = await refusal(ops.localCommit({ message: "x", ttlSeconds: 899 }));
      assert.match(short.message, /TTL must be >= 900 seconds \(15 minutes\)/);
      const long = await refusal(ops.localCommit({ message: "x", ttlSeconds: 864_001 }));
      assert.match(long.message, /TTL must be <= 864000 seconds \(10 days\)/);
      assert.equal(long.code, "TTL_OUT_OF_BOUNDS");
    },
  );

  await t.step("WIN-5: extending adds minutes to an open window, and to no other", async () => {
    const none = await refusal(ops.extendCommitWindow({ additionalMinutes: 5 }));
    assert.match(none.message, /no active commit window/);
    await drifted(rig, "by hand\n");
    await rig.status((status) => status.windowDeadline !== undefined);
    const nil = await refusal(ops.extendCommitWindow({ additionalMinutes: 0 }));
    assert.match(nil.message, /additional_minutes must be > 0/);
    const { success, newDeadlineSeconds } = await ops.extendCommitWindow({ additionalMinutes: 10 });
    assert.ok(success);
    assert.ok(newDeadlineSeconds > 600 && newDeadlineSeconds <= 1200, `${newDeadlineSeconds}`);
  });

  await t.step("SHS-9: only named items are committed, and a foreign name is refused", async () => {
    const foreign = await refusal(ops.localCommit({ message: "x", keys: ["files:/etc/hosts"] }));
    assert.match(foreign.message, /has not drifted/);
    const { sequence, delta } = await ops.localCommit({
      message: "meant",
      keys: ["files:/etc/motd"],
    });
    assert.ok(sequence > 0n);
    assert.deepEqual(delta?.files.map(({ path }) => path), ["/etc/motd"]);
    const entry = await rig.entry("the commit", (entry) => entry.sequence === sequence);
    assert.deepEqual(
      [entry.entryType, entry.author?.principal, entry.message],
      [config.EntryType.COMMIT, "ben", "meant"],
    );
    await rig.status((status) => status.configState === "Committed");
    assert.equal(await motd(rig), "by hand\n");
  });

  await t.step("RBK-1: a target that the journal refuses touches nothing", async () => {
    await drifted(rig, "worse\n");
    const { code } = await refusal(ops.localRollback({ targetSequence: 9_999_999n }));
    assert.notEqual(code, "INTERNAL");
    assert.equal(await motd(rig), "worse\n");
    const forced = await refusal(ops.localRollback({ force: true }));
    assert.equal(forced.code, "PERMISSION_DENIED");
  });

  await t.step(
    "RBK-1: a rollback restores what is declared, and the entry names the person",
    async () => {
      const { sequence: targetSequence } = await rig.entry(
        "what is declared for the vCluster",
        ({ entryType, scope }) =>
          entryType === config.EntryType.COMMIT && scope?.scope.case === "vclusterId",
      );
      const { sequence, entriesReverted } = await ops.localRollback({ targetSequence });
      assert.equal(entriesReverted, 1, "the commit of this node");
      await waitFor(async () => await motd(rig) === "declared\n", { what: "the declared file" });
      const entry = await rig.entry("the rollback", (entry) => entry.sequence === sequence);
      assert.equal(entry.author?.principal, "ben");
      await rig.status((status) => status.configState === "Committed");
    },
  );

  await t.step("CTX-5: status and capability name what this node cannot do", async () => {
    const { unavailable } = await ops.getStatus({});
    assert.ok(unavailable.length > 0);
    const report = await ops.getCapability({});
    assert.equal(report.nodeId, NODE);
    assert.ok((report.cpu?.logicalCores ?? 0) > 0);
    assert.ok((report.memory?.totalBytes ?? 0n) > 0n);
    assert.ok(report.unavailable.some((text) => text.startsWith("gpu detection")));
    assert.equal(report.supervisor?.servicesDeclared, 2);
  });

  await t.step("CAP-3: changes of services and drift are no news of the machine", async () => {
    const changes = (await rig.entries()).filter(({ entryType }) =>
      entryType === config.EntryType.CAPABILITY_CHANGE
    );
    assert.equal(changes.length, 1, changes.map(({ message }) => message).join("\n"));
  });

  await t.step(
    "without the journal: commands and commits go on, and are replayed once",
    async () => {
      await rig.site.stop("journal", "SIGKILL");
      const degraded = await rig.status(({ unavailable }) =>
        unavailable.some((text) => /^degraded: journal unreachable since \d{4}-/.test(text))
      );
      assert.equal(degraded.nodeId, NODE);
      const { stdout } = await exec(rig, {}, "echo", "still here");
      assert.equal(stdout, "still here\n");
      await drifted(rig, "while alone\n");
      const { sequence, policyRef } = await ops.localCommit({ message: "while alone" });
      assert.equal(sequence, 0n);
      assert.match(policyRef, /^degraded:/);
      await rig.status((status) => status.configState === "Committed");
      await rig.site.startJournal();
      const entry = await rig.entry("the commit", ({ message }) => message === "while alone");
      assert.match(entry.policyRef, /^degraded:/);
      await rig.status(({ unavailable }) =>
        !unavailable.some((text) => text.startsWith("degraded"))
      );
      const entries = await rig.entries();
      assert.equal(entries.filter(({ message }) => /still here/.test(message)).length, 1);
      assert.equal(entries.filter(({ message }) => message === "while alone").length, 1);
      assert.equal(await motd(rig), "while alone\n");
    },
  );

  await t.step("what was denied is on the node's own record", async () => {
    const audit = await waitFor(async () => {
      const text = await Deno.readTextFile(`${rig.root}/run/pact/state/audit.log`);
      return text.includes("auth.denied") && text.includes("admin.diag") && text;
    }, { what: "the audit file" });
    assert.match(audit, /"auth\.denied".*vic|vic.*"auth\.denied"/);
  });
});

async function commandLines(): Promise<string> {
  let all = "";
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    all += `${line.replaceAll("\0", " ")}\n`;
  }
  return all;
}
