import assert from "node:assert/strict";
import { ConnectError } from "@connectrpc/connect";
import { config, type shell } from "../../../../api/mod.ts";
import { fromConnectError } from "../../../../common/errors/mod.ts";
import { maySysAdmin, waitFor, within } from "../../../support/mod.ts";
import { NodeRig, type TokenFacts } from "../../../unit/agent/calls/node_rig.ts";

type Input = shell.ShellInput["input"];

/** An interactive session as a caller has it. */
class Caller {
  sessionId = "";
  shown = "";
  error = "";
  exitCode: number | undefined;
  failure: { code: string; message: string } | undefined;
  readonly #waiting: Input[] = [];
  #wake: (() => void) | undefined;
  #hasEnded = false;
  readonly #aborted = new AbortController();
  readonly ended: Promise<void>;

  constructor(client: Awaited<ReturnType<NodeRig["shell"]>>, first: Input | undefined = OPEN) {
    if (first !== undefined) this.send(first);
    this.ended = this.#receive(client);
  }

  static async open(rig: NodeRig, facts: TokenFacts = {}): Promise<Caller> {
    const caller = new Caller(await rig.shell(facts));
    await caller.shows("pact:node-1> ").catch((error: unknown) => {
      throw new Error(`${error}\n${rig.site.logs()}`);
    });
    return caller;
  }

  send(input: Input): void {
    this.#waiting.push(input);
    this.#wake?.();
  }

  type(text: string): void {
    this.send({ case: "stdin", value: new TextEncoder().encode(text) });
  }

  endInput(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  leave(): void {
    this.#aborted.abort();
  }

  async shows(wanted: string | RegExp): Promise<void> {
    const isThere = () =>
      typeof wanted === "string" ? this.shown.includes(wanted) : wanted.test(this.shown);
    await waitFor(isThere, { what: `${wanted}`, timeoutMs: 10_000 }).catch((error: unknown) => {
      const shown = JSON.stringify(this.shown.slice(-2000));
      throw new Error(`${error}: ${shown} ${JSON.stringify(this.failure)}`);
    });
  }

  /** Resolves at the next prompt. */
  async isAtPrompt(): Promise<void> {
    await waitFor(() => this.shown.endsWith("pact:node-1> "), {
      what: "prompt",
      timeoutMs: 20_000,
    });
  }

  async over(): Promise<void> {
    await within(this.ended, { what: "the end of the session", timeoutMs: 20_000 });
  }

  async *#input(): AsyncGenerator<{ input: Input }> {
    // Ends by `endInput`.
    while (true) {
      const input = this.#waiting.shift();
      if (input !== undefined) yield { input };
      else if (this.#hasEnded) return;
      else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }

  async #receive(client: Awaited<ReturnType<NodeRig["shell"]>>): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (
        const { output } of client.shell(this.#input(), { signal: this.#aborted.signal })
      ) {
        if (output.case === "sessionId") this.sessionId = output.value;
        if (output.case === "stdout") this.shown += decoder.decode(output.value, { stream: true });
        if (output.case === "error") this.error += output.value;
        if (output.case === "exitCode") this.exitCode = output.value;
      }
    } catch (error) {
      assert.ok(error instanceof ConnectError);
      const { code, message } = fromConnectError(error);
      this.failure = { code, message };
    } finally {
      this.endInput();
    }
  }
}

const OPEN: Input = {
  case: "open",
  value: { $typeName: "pact.shell.ShellOpen", rows: 33, cols: 111, term: "vt100" },
};

/** The processes that have this text in their command line. */
async function processesOf(text: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (line.includes(text)) found.push(name);
  }
  return found;
}

const sessionsOf = (rig: NodeRig) =>
  [...Deno.readDirSync(`${rig.root}/run/pact/shell`)].map(({ name }) => name);

/** The audit log, once the end of the session is in it. */
async function auditOf(rig: NodeRig, session: string): Promise<string> {
  const read = () => Deno.readTextFile(`${rig.root}/run/pact/state/audit.log`);
  await waitFor(async () => (await read()).includes(`"${session}: `), {
    what: "the end on record",
  });
  return await read();
}

async function entryOf(rig: NodeRig, session: string, event: string) {
  return await rig.entry(
    `the ${event} of ${session}`,
    ({ message, entryType }) =>
      entryType === config.EntryType.SHELL_SESSION &&
      message.includes(`"session":"${session}"`) && message.includes(`"event":"${event}"`),
  );
}

Deno.test("interactive shells of a node over its real listener", async (t) => {
  await using rig = await NodeRig.open();

  await t.step(
    "SHL-1, SHL-4, SHL-8, SHL-10: a person opens a shell, runs something, and leaves",
    async () => {
      const caller = await Caller.open(rig);
      assert.match(caller.sessionId, /^sh-[0-9a-f]{16}$/);
      assert.match(caller.shown, /Restricted session sh-[0-9a-f]{16} on node-1/);
      caller.type("echo $TERM $LINES $COLUMNS\r");
      await caller.shows("vt100 33 111");
      caller.type("uname -s\r");
      await caller.shows("\rLinux\r");
      assert.deepEqual(sessionsOf(rig), [caller.sessionId]);
      await rig.status(({ activeSessions }) => activeSessions === 1);
      caller.type("exit 7\r");
      await caller.over();
      assert.deepEqual([caller.exitCode, caller.error, caller.failure], [7, "", undefined]);
      assert.deepEqual(sessionsOf(rig), []);
      assert.deepEqual(await processesOf(caller.sessionId), []);
      await rig.status(({ activeSessions }) => activeSessions === 0);

      const start = await entryOf(rig, caller.sessionId, "start");
      const end = await entryOf(rig, caller.sessionId, "end");
      assert.equal(start.author?.principal, "ben");
      assert.equal(end.author?.principal, "ben");
      const { reason, exit_code, commands } = JSON.parse(end.message);
      assert.deepEqual([reason, exit_code, commands], ["exit", 7, 3]);
    },
  );

  await t.step(
    "SHL-11: every command is on record with its status, before any that follows it",
    async () => {
      const caller = await Caller.open(rig);
      caller.type("cat /no/such/file; echo one two | wc -w\r");
      await caller.shows(/[\r\n]2\r/);
      caller.type("ls --password=hunter2 /nowhere\r");
      caller.type("exit\r");
      await caller.over();
      const audit = await auditOf(rig, caller.sessionId);
      const logged = audit.split("\n").filter((line) => line.includes(`"${caller.sessionId} in `))
        .map((line) => JSON.parse(line)).map(({ detail, principal, action }) => {
          assert.deepEqual([principal.identity, action], ["ben", "admin.shell_command"]);
          return String(detail).replace(/^.*?\/home: /, "");
        });
      // The two of the pipe come in any order; the later has the status of the line.
      const [first, ...rest] = logged;
      assert.equal(first, "cat /no/such/file");
      assert.deepEqual(rest.splice(0, 2).map((text) => text.replace(" (status 0)", "")).sort(), [
        "echo one two",
        "wc -w",
      ]);
      assert.deepEqual(rest, ["ls --password=*** /nowhere (status 2)", "exit"]);
      assert.match(audit, /"admin\.shell_start"/);
      assert.match(audit, /"admin\.shell_end"/);
    },
  );

  await t.step("SHL-5, SHL-4: what leads out of the restrictions is refused", async () => {
    const caller = await Caller.open(rig);
    for (
      const [typed, answer] of [
        ["/bin/ls", "restricted: cannot specify"],
        ["python3 -c 0", "python3: command not found"],
        ["systemctl poweroff", "systemctl: command not found"],
        ["PATH=/bin", "PATH: readonly variable"],
        ["SHELL=/bin/sh", "SHELL: readonly variable"],
        ["LD_PRELOAD=/tmp/x ls", "LD_PRELOAD: readonly variable"],
        ["BASH_XTRACEFD=9", "BASH_XTRACEFD: readonly variable"],
        ["echo x > /tmp/pact-shell-test", "restricted: cannot redirect output"],
        [". /etc/profile", "restricted"],
        ["exec ls", "exec: command not found"],
        ["command -p python3", "command: command not found"],
        ["builtin set +x", "builtin: command not found"],
        ["enable set", "enable: command not found"],
        ["set +x", "set: command not found"],
        ["shopt -uo xtrace", "shopt: command not found"],
        ["trap - DEBUG", "trap: command not found"],
        ["kill -0 1", "kill: command not found"],
        ["cat > $HOME/x", "restricted: cannot redirect output"],
      ] as const
    ) {
      caller.shown = "";
      caller.type(`${typed}\r`);
      await caller.shows(answer);
      await caller.isAtPrompt();
    }
    caller.type("no-such-program\r");
    await caller.shows("command not found");
    caller.type("exit $?\r");
    await caller.over();
    assert.equal(caller.exitCode, 127);
  });

  await t.step("SHL-11: a session whose command log is cut off under it ends", async () => {
    const caller = await Caller.open(rig);
    caller.type("{ ls -d /; } 4>&-\r");
    await caller.over();
    assert.equal(caller.error, "session ended: the command log was cut off");
    const end = await entryOf(rig, caller.sessionId, "end");
    assert.equal(JSON.parse(end.message).reason, "the command log was cut off");
  });

  await t.step("SHL-11: nobody reads the command log but the agent", async () => {
    const caller = await Caller.open(rig);
    caller.type("cat /proc/self/fd/4; cat <&4\r");
    await caller.shows(/No such device or address/);
    caller.type("exit 0\r");
    await caller.over();
    assert.equal(caller.exitCode, 0);
    assert.match(
      await auditOf(rig, caller.sessionId),
      new RegExp(`${caller.sessionId} in [^:]*: cat /proc/self`),
    );
  });

  await t.step(
    "SHL-6: below bash the kernel contains a session, or the notice says what does not",
    async () => {
      const caller = await Caller.open(rig);
      const isContained = maySysAdmin();
      assert.equal(/NOT CONTAINED: mount namespace/.test(caller.shown), !isContained);
      assert.match(caller.shown, /NOT CONTAINED: kernel's list of programs/);
      const start = await entryOf(rig, caller.sessionId, "start");
      assert.equal(JSON.parse(start.message).uncontained.length > 0, true);
      if (isContained) {
        caller.type(
          "cat /etc/shadow /etc/shadow- /run/pact/state/* | wc -c; ls -A /root | wc -l\r",
        );
        await caller.shows(/\n0\r\n0\r\n/);
        caller.type("grep -E 'CapEff|NoNewPrivs' /proc/self/status\r");
        await caller.shows(/CapEff:\s*0000000400002004/);
        await caller.shows(/NoNewPrivs:\s*1/);
        caller.type(
          "head -c 1 /proc/1/environ /proc/1/root/etc/shadow /proc/$PPID/root/etc/shadow\r",
        );
        await caller.shows(/(?:(?:Permission denied|not permitted)[^]*){3}/);
      }
      caller.type("exit 0\r");
      await caller.over();
      assert.equal(caller.exitCode, 0);
    },
  );

  await t.step("SHL-1: a resize reaches the programs of the session", async () => {
    const caller = await Caller.open(rig);
    caller.send({
      case: "resize",
      value: { $typeName: "pact.shell.ShellResize", rows: 9999, cols: 77 },
    });
    caller.type("echo; echo $LINES $COLUMNS\r");
    await caller.shows("500 77");
    caller.send({ case: "close", value: { $typeName: "pact.shell.ShellClose" } });
    await caller.over();
    assert.equal(caller.exitCode, 129);
    assert.equal(caller.error, "");
  });

  await t.step("SHL-9: who types nothing more gets what comes of what was typed", async () => {
    const caller = new Caller(await rig.shell());
    caller.type("uname -s\nfalse || (md5sum < /dev/null; echo done; exit 5)\nexit $?");
    caller.endInput();
    await caller.over();
    assert.match(caller.shown, /[\r\n]Linux\r/);
    assert.match(caller.shown, /\rdone\r|\ndone\r/);
    assert.equal(caller.exitCode, 5);
  });

  await t.step("SHL-9: much output arrives whole, at the pace of its reader", async () => {
    const caller = await Caller.open(rig);
    caller.type("head -c 3000000 /dev/zero | md5sum; head -c 3000000 /dev/zero | cat -v | wc -c\r");
    await caller.shows("6000000");
    caller.shown = "";
    caller.type("head -c 1000000 /dev/zero | cat -v\r");
    await caller.shows("^@");
    await caller.isAtPrompt();
    assert.equal(caller.shown.match(/\^@/g)?.length, 1_000_000);
    caller.leave();
    await caller.over();
  });

  await t.step("SHL-10: a caller that vanishes leaves nothing running", async () => {
    const caller = await Caller.open(rig);
    caller.type("tail -c 5 -s 0.777 -f /etc/passwd\r");
    await waitFor(async () => (await processesOf("0.777")).length === 1, {
      what: "the program",
    });
    caller.leave();
    await waitFor(async () => (await processesOf("0.777")).length === 0, {
      what: "the end of the program",
    });
    const end = await entryOf(rig, caller.sessionId, "end");
    assert.equal(JSON.parse(end.message).reason, "the caller has gone");
    await waitFor(() => sessionsOf(rig).length === 0, { what: "the end of the directory" });
  });

  await t.step(
    "SHL-1: what does not begin with open is refused, and leaves nothing behind",
    async () => {
      for (
        const first of [
          { case: "stdin", value: new Uint8Array([1]) } as const,
          { case: "open", value: { ...OPEN.value, rows: 501 } } as Input,
          { case: "open", value: { ...OPEN.value, term: "x; rm" } } as Input,
        ]
      ) {
        const caller = new Caller(await rig.shell(), first);
        await caller.over();
        assert.equal(caller.failure?.code, "INVALID_ARGUMENT");
      }
      assert.deepEqual(sessionsOf(rig), []);
    },
  );

  await t.step("SHL-3: viewers, machines and strangers get no shell", async () => {
    for (
      const facts of [
        { name: "vic", role: "pact-viewer-demo" },
        { name: "robot", role: "pact-service-ai", principalType: "agent" },
        { name: "sue", role: "pact-ops-sim" },
      ]
    ) {
      const caller = new Caller(await rig.shell(facts));
      await caller.over();
      assert.equal(caller.failure?.code, "PERMISSION_DENIED", facts.name);
    }
  });

  await t.step("SHS-5: one person has three shells here, and no fourth", async () => {
    const callers = [await Caller.open(rig), await Caller.open(rig), await Caller.open(rig)];
    const fourth = new Caller(await rig.shell());
    await fourth.over();
    assert.equal(fourth.failure?.code, "RESOURCE_EXHAUSTED");
    const other = await Caller.open(rig, { name: "cleo" });
    for (const caller of [...callers, other]) caller.leave();
    await waitFor(() => sessionsOf(rig).length === 0, { what: "the end of all sessions" });
  });

  await t.step("SHS-7: a lock ends the shell of whom it is about", async () => {
    const caller = await Caller.open(rig, { name: "dora" });
    await rig.pact("lock", "user", "dora", "--reason", "left the site");
    await caller.over();
    assert.equal(caller.failure?.code, "LOCKED");
    await waitFor(() => sessionsOf(rig).length === 0, { what: "the end of the session" });
  });
});

Deno.test("SHL-7: a session without a key pressed ends, and says why", async () => {
  await using rig = await NodeRig.open(undefined, { shellIdleSeconds: 2 });
  const caller = await Caller.open(rig);
  await caller.over();
  assert.match(caller.error, /no key was pressed/);
  assert.equal(caller.exitCode, 129);
});
