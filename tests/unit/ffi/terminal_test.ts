import assert from "node:assert/strict";
import type { EventPump, Process, Shim, SpawnRequest, Terminal } from "../../../ffi/mod.ts";
import { waitFor, within, withShim } from "../../support/mod.ts";
import { assertNoNewDescriptors, openDescriptors } from "./run_to_end.ts";

/** A program in a terminal, and what it has shown so far. */
interface Session {
  readonly shim: Shim;
  readonly pump: EventPump;
  readonly terminal: Terminal;
  readonly child: Process;
  shown(): string;
  /** Resolves once the text was shown. */
  shows(text: string | RegExp): Promise<void>;
  type(text: string): Promise<boolean>;
  readonly ended: Promise<void>;
}

async function inTerminal(
  request: SpawnRequest,
  test: (session: Session) => Promise<void>,
  size = { rows: 24, columns: 80 },
): Promise<void> {
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const terminal = shim.openTerminal(pump, size);
    const stdio = terminal.programEnd;
    const child = shim.processes.spawn({
      ...request,
      stdin: stdio,
      stdout: stdio,
      stderr: stdio,
      terminal: true,
    });
    terminal.closeProgramEnd();
    let text = "";
    const decoder = new TextDecoder();
    const ended = (async () => {
      for (let bytes = await terminal.read(4096); bytes !== null;) {
        text += decoder.decode(bytes, { stream: true });
        bytes = await terminal.read(4096);
      }
    })();
    try {
      await test({
        shim,
        pump,
        terminal,
        child,
        shown: () => text,
        shows: async (wanted) => {
          const isThere = () =>
            typeof wanted === "string" ? text.includes(wanted) : wanted.test(text);
          await waitFor(isThere, { what: `${wanted} in ${JSON.stringify(text)}` });
        },
        type: (typed) => terminal.write(new TextEncoder().encode(typed)),
        ended,
      });
    } finally {
      terminal.close();
      await ended;
      child.signalGroup("SIGKILL");
      if (child.exitStatus() === null) await pump.exitOf(child);
      child.close();
      await pump.close();
    }
  });
}

const script = (text: string): SpawnRequest => ({
  executable: "/bin/sh",
  arguments: ["-c", text],
  environment: { PATH: "/usr/bin:/bin" },
});

Deno.test("SHL-4: a program has a controlling terminal of the size asked for", async () => {
  const request = script("tty; stty size </dev/tty; ps -o tty= -p $$");
  await inTerminal(request, async ({ shown, ended, child, pump }) => {
    assert.deepEqual(await pump.exitOf(child), { kind: "exited", code: 0 });
    await within(ended, { what: "the end of the terminal" });
    const [name = "", size, controlling] = shown().split("\r\n");
    assert.match(name, /^\/dev\/pts\/\d+$/);
    assert.equal(size, "31 97");
    assert.equal(`/dev/${controlling?.trim()}`, name);
  }, { rows: 31, columns: 97 });
});

Deno.test("SHL-9: bytes pass both ways as they are, and the end is seen after all was read", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const terminal = shim.openTerminal(pump, { rows: 24, columns: 80 });
    const child = shim.processes.spawn({
      ...script("stty raw -echo; echo ready; exec head -c 256"),
      stdin: terminal.programEnd,
      stdout: terminal.programEnd,
      terminal: true,
    });
    terminal.closeProgramEnd();
    const got: number[] = [];
    let hasTyped = false;
    for (let chunk = await terminal.read(100); chunk !== null; chunk = await terminal.read(100)) {
      got.push(...chunk);
      if (hasTyped || !String.fromCharCode(...got).includes("ready\n")) continue;
      hasTyped = true;
      got.length = 0;
      assert.equal(await terminal.write(bytes), true);
    }
    assert.deepEqual(got, [...bytes]);
    await pump.exitOf(child);
    terminal.close();
    assert.equal(await terminal.write(bytes), false);
    child.close();
    await pump.close();
  });
});

Deno.test("SHL-1: a resize reaches the program in the foreground", async () => {
  const request = script("trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done");
  await inTerminal(request, async ({ terminal, shows }) => {
    await shows("ready");
    terminal.resize({ rows: 40, columns: 132 });
    await shows("40 132");
  });
});

Deno.test("SHL-10: a hang-up reaches the group in the foreground, and no other", async () => {
  const waiting = "trap 'echo hung up; exit 3' HUP; echo ready; while :; do sleep 0.05; done";
  const request = script(`set -m; sh -c "${waiting}"; echo status $?`);
  await inTerminal(request, async ({ terminal, shows }) => {
    await shows("ready");
    assert.equal(terminal.signalForeground("SIGHUP"), true);
    await shows("hung up");
    await shows("status 3");
  });
});

Deno.test("SHL-9: who does not read stops the program, and who types faster than it reads waits", async () => {
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const terminal = shim.openTerminal(pump, { rows: 24, columns: 80 });
    const child = shim.processes.spawn({
      ...script(
        "stty raw -echo; echo ready; sleep 0.3; head -c 200000 >/dev/null; yes | head -c 3000000",
      ),
      stdin: terminal.programEnd,
      stdout: terminal.programEnd,
      terminal: true,
    });
    terminal.closeProgramEnd();
    let first = "";
    while (!first.includes("ready")) {
      first += new TextDecoder().decode(await terminal.read(100) ?? new Uint8Array());
    }
    assert.equal(await terminal.write(new Uint8Array(200_000).fill(120)), true);
    assert.equal(child.isAlive(), true);
    let count = 0;
    for (let chunk = await terminal.read(65_536); chunk !== null;) {
      count += chunk.length;
      chunk = await terminal.read(65_536);
    }
    assert.equal(count, 3_000_000);
    await pump.exitOf(child);
    terminal.close();
    child.close();
    await pump.close();
  });
});

Deno.test("closing a terminal ends whoever waits on it, hangs up, and leaves nothing open", async () => {
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const before = openDescriptors();
    const terminal = shim.openTerminal(pump, { rows: 24, columns: 80 });
    const stdio = terminal.programEnd;
    const child = shim.processes.spawn({
      executable: "/bin/cat",
      stdin: stdio,
      stdout: stdio,
      terminal: true,
    });
    terminal.closeProgramEnd();
    const reading = terminal.read(100);
    terminal.close();
    assert.equal(await within(reading, { what: "the end of the read" }), null);
    assert.deepEqual(await pump.exitOf(child), {
      kind: "signaled",
      signal: 1,
      signalName: "SIGHUP",
      coreDumped: false,
    });
    child.close();
    await assertNoNewDescriptors(before);
    await pump.close();
  });
});

Deno.test("SHL-11: a descriptor is passed on as 4, and no other one", async () => {
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const terminal = shim.openTerminal(pump, { rows: 24, columns: 80 });
    for (const withoutClone3 of [false, true]) {
      const child = shim.processes.spawn({
        ...script("echo to four >&4; ls -1 /proc/self/fd >&4"),
        passedFd: terminal.programEnd,
        withoutClone3,
      });
      await pump.exitOf(child);
      child.close();
    }
    terminal.closeProgramEnd();
    let text = "";
    for (let chunk = await terminal.read(100); chunk !== null; chunk = await terminal.read(100)) {
      text += new TextDecoder().decode(chunk);
    }
    assert.equal(text.replaceAll("\r", ""), "to four\n0\n1\n2\n3\n4\n".repeat(2));
    terminal.close();
    await pump.close();
  });
});
