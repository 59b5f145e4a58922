import assert from "node:assert/strict";
import { repositoryRoot, runDeno, waitFor, within, withShim } from "../../support/mod.ts";
import { NODE, NodeRig } from "../../unit/agent/calls/node_rig.ts";

const PROMPT = `pact:${NODE}> `;

/** `pact shell` as a person types it in a terminal, under a shell that looks at the terminal after it. */
async function atTerminal(
  rig: NodeRig,
  test: (terminal: {
    readonly shown: () => string;
    shows(text: string | RegExp): Promise<void>;
    type(text: string): Promise<boolean>;
    resize(rows: number, columns: number): void;
    terminate(): void;
    over(): Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const terminal = shim.openTerminal(pump, { rows: 41, columns: 103 });
    const stdio = terminal.programEnd;
    const program = [Deno.execPath(), "run", "--quiet", "--no-prompt", "-P=cli"];
    const child = shim.processes.spawn({
      executable: "/bin/sh",
      arguments: [
        "-c",
        'trap : TERM; before=$(stty -g); "$@"; echo "status $?"; ' +
        '[ "$before" = "$(stty -g)" ] && echo the terminal is as it was',
        "sh",
        ...program,
        `--config=${repositoryRoot}deno.json`,
        `${repositoryRoot}cli/main.ts`,
        "shell",
        NODE,
      ],
      environment: {
        ...rig.site.environment(),
        DENO_NO_UPDATE_CHECK: "1",
        PACT_CONFIG: rig.site.configOf("ann"),
        TERM: "vt100",
      },
      directory: rig.site.directory,
      ...{ stdin: stdio, stdout: stdio, stderr: stdio, terminal: true },
    });
    terminal.closeProgramEnd();
    let shown = "";
    const decoder = new TextDecoder();
    const reading = (async () => {
      for (let bytes = await terminal.read(65_536); bytes !== null;) {
        shown += decoder.decode(bytes, { stream: true });
        bytes = await terminal.read(65_536);
      }
    })();
    try {
      await test({
        shown: () => shown,
        shows: async (text) => {
          const isThere = () => typeof text === "string" ? shown.includes(text) : text.test(shown);
          await waitFor(isThere, { what: `${text}`, timeoutMs: 20_000 }).catch((error: unknown) => {
            throw new Error(`${error}: ${JSON.stringify(shown.slice(-2000))}`);
          });
        },
        type: (text) => terminal.write(new TextEncoder().encode(text)),
        resize: (rows, columns) => terminal.resize({ rows, columns }),
        terminate: () => terminal.signalForeground("SIGTERM"),
        over: () => within(reading, { what: "the end of pact", timeoutMs: 20_000 }),
      });
    } finally {
      terminal.close();
      await reading;
      if (child.exitStatus() === null) {
        child.signalGroup("SIGKILL");
        await pump.exitOf(child);
      }
      child.close();
      await pump.close();
    }
  });
}

Deno.test("pact shell", async (t) => {
  await using rig = await NodeRig.open();

  await t.step(
    "CLI-91: at a terminal: its size and kind, every key, resizes, and the status of the shell",
    async () => {
      await atTerminal(rig, async ({ shown, shows, type, resize, over }) => {
        await shows(/Shell session: sh-[0-9a-f]{16}\r\n/);
        await shows(PROMPT);
        await type("echo $TERM $LINES $COLUMNS\r");
        await shows("vt100 41 103");
        resize(30, 90);
        // The new size and the keys come by different ways.
        await waitFor(async () => {
          await type("echo $LINES $COLUMNS\r");
          return shown().includes("30 90");
        }, { what: "the new size" });
        await type("tail -n 1 -f /proc/version\r");
        await shows("Linux version");
        await type("\x03");
        await shows(/version[^]*\^C[^]*pact:node-1> /);
        await type("echo status $?\r");
        await shows(/[\r\n]status 130\r/);
        await type("exit 42\r");
        await shows("status 42");
        await shows("the terminal is as it was");
        await over();
      });
    },
  );

  await t.step("CLI-91: the terminal is as it was when pact is told to end", async () => {
    await atTerminal(rig, async ({ shows, terminate, over }) => {
      await shows(PROMPT);
      terminate();
      await shows("status 130");
      await shows("the terminal is as it was");
      await over();
    });
    await rig.status(({ activeSessions }) => activeSessions === 0);
  });

  await t.step("CLI-91: the terminal is as it was when the node ends the shell", async () => {
    await atTerminal(rig, async ({ shows, type, over }) => {
      await shows(PROMPT);
      await type("{ ls -d /; } 4>&-\r");
      await shows("session ended: the command log was cut off");
      await shows("the terminal is as it was");
      await over();
    });
  });

  await t.step("CLI-91: what is piped in is run, and its end closes the session", async () => {
    const { code, stdout, stderr } = await runDeno({
      module: `${repositoryRoot}cli/main.ts`,
      flags: ["--quiet", "-P=cli"],
      args: ["shell", NODE],
      env: { ...rig.site.environment(), PACT_CONFIG: rig.site.configOf("ann") },
      clearEnv: true,
      cwd: rig.site.directory,
      stdin: new Blob(["uname -s\nls /no/such/file"]).stream(),
    });
    assert.match(stdout, /[\r\n]Linux\r\n/, stderr);
    assert.match(stdout, /cannot access '\/no\/such\/file'/);
    assert.match(stderr, /^Shell session: sh-[0-9a-f]{16}\n$/);
    assert.equal(code, 2);
  });

  await t.step("CLI-91: no shell without permission, and none as JSON", async () => {
    const { code, stderr } = await rig.site.pact("ann", ["shell", NODE, "--output", "json"]);
    assert.equal(code, 1);
    assert.match(stderr, /json/);
  });
});
