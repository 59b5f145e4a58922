import assert from "node:assert/strict";
import { openSystemdNotifier } from "../../../../agent/process/systemd_notifier.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import type { Shim } from "../../../../ffi/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { tempDir, waitFor, withShim } from "../../../support/mod.ts";

/** Runs with a socket such as systemd gives its services; `heard` are the messages so far. */
async function withSocket(
  test: (rig: { shim: Shim; path: string; heard: string[] }) => Promise<void>,
): Promise<void> {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const events = shim.startEvents();
    const heard: string[] = [];
    const path = dir.file("notify");
    const { uid, gid } = { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
    const socket = shim.openNotifySocket(
      events,
      { path, mode: 0o600, uid, gid },
      ({ text, pid }) => heard.push(pid === Deno.pid ? text : `of ${pid}: ${text}`),
    );
    try {
      await test({ shim, path, heard });
    } finally {
      socket.close();
      await events.close();
    }
  });
}

Deno.test("SYD-9: systemd hears of a ready node, of its status, and of the end", async () => {
  await withSocket(async ({ shim, path, heard }) => {
    const notifier = openSystemdNotifier({
      shim,
      clock: new VirtualClock(),
      log: silentLogger,
      env: (name) => name === "NOTIFY_SOCKET" ? path : undefined,
    });
    notifier.status("booting as\nnode-1");
    notifier.ready("node node-1 of ml is ready");
    notifier.close();
    await waitFor(() => heard.length === 3 || undefined, { what: "three messages" });
    assert.deepEqual(heard, [
      "STATUS=booting as node-1",
      "READY=1\nSTATUS=node node-1 of ml is ready",
      "STOPPING=1\nSTATUS=stopping",
    ]);
  });
});

Deno.test("SYD-9: where WatchdogSec is set the agent beats twice in its time, from its start on", async () => {
  await withSocket(async ({ shim, path, heard }) => {
    const clock = new VirtualClock();
    const variables: Readonly<Record<string, string>> = {
      NOTIFY_SOCKET: path,
      WATCHDOG_USEC: "30000000",
      WATCHDOG_PID: `${Deno.pid}`,
    };
    const log = silentLogger;
    const notifier = openSystemdNotifier({ shim, clock, log, env: (name) => variables[name] });
    clock.advance(60_000);
    await waitFor(() => heard.length === 5 || undefined, { what: "five beats" });
    assert.deepEqual(new Set(heard), new Set(["WATCHDOG=1"]));
    notifier.close();
    assert.equal(clock.pendingTimers, 0);
  });
});

Deno.test("SYD-9: nothing is told where nobody listens, and a watchdog of another process is let be", async () => {
  await withShim((shim) => {
    const clock = new VirtualClock();
    const log = silentLogger;
    openSystemdNotifier({ shim, clock, log, env: () => undefined }).ready("ready");
    const other: Readonly<Record<string, string>> = {
      NOTIFY_SOCKET: "/nowhere/notify",
      WATCHDOG_USEC: "30000000",
      WATCHDOG_PID: "1",
    };
    const notifier = openSystemdNotifier({ shim, clock, log, env: (name) => other[name] });
    notifier.ready("ready");
    assert.equal(clock.pendingTimers, 0);
    return Promise.resolve();
  });
});
