import assert from "node:assert/strict";
import { unitEvents } from "../../../../agent/systemd/unit_events.ts";
import { planUnits, type WantedUnit } from "../../../../agent/systemd/unit_plan.ts";
import { readUnitStatuses, type UnitStatus } from "../../../../agent/systemd/unit_status.ts";

/** A block of `systemctl show`. */
function block(service: string, values: Readonly<Record<string, string | number>>): string {
  const all = {
    MainPID: 0,
    NRestarts: 0,
    Result: "success",
    ExecMainCode: 0,
    ExecMainStatus: 0,
    StatusText: "",
    ActiveEnterTimestampMonotonic: 0,
    Id: `pact-${service}.service`,
    ActiveState: "inactive",
    SubState: "dead",
    ...values,
  };
  return Object.entries(all).map(([name, value]) => `${name}=${value}`).join("\n");
}

const statusOf = (values: Readonly<Record<string, string | number>>): UnitStatus => {
  const [status] = readUnitStatuses(`${block("a", values)}\n`);
  assert.ok(status !== undefined);
  return status;
};

Deno.test("SYD-4: every state of a unit is one of the published states", () => {
  const cases: [active: string, sub: string, state: UnitStatus["state"]][] = [
    ["active", "running", "Running"],
    ["reloading", "reload", "Running"],
    ["activating", "start", "Starting"],
    ["activating", "auto-restart", "Restarting"],
    ["activating", "auto-restart-queued", "Restarting"],
    ["deactivating", "stop-sigterm", "Stopping"],
    ["failed", "failed", "Failed"],
    ["inactive", "dead", "Stopped"],
  ];
  for (const [ActiveState, SubState, state] of cases) {
    assert.equal(statusOf({ ActiveState, SubState }).state, state, `${ActiveState}/${SubState}`);
  }
});

Deno.test("SYD-4: one answer about several units is read apart, units of others are left out", () => {
  const output = [
    block("a", { ActiveState: "active", SubState: "running", MainPID: 17, StatusText: "up = ok" }),
    "Id=sshd.service\nActiveState=active",
    block("b", { ActiveState: "failed", Result: "exit-code", ExecMainCode: 1, ExecMainStatus: 3 }),
    "",
  ].join("\n\n");
  assert.deepEqual(
    readUnitStatuses(output).map(({ service, state, reason, pid, statusText }) => [
      service,
      state,
      reason,
      pid,
      statusText,
    ]),
    [["a", "Running", "", 17, "up = ok"], ["b", "Failed", "exited with code 3", 0, ""]],
  );
});

Deno.test("SYD-4: the reason of an end is told as pact's own supervisor tells it", () => {
  const failed = (values: Readonly<Record<string, string | number>>) =>
    statusOf({ ActiveState: "failed", ...values }).reason;
  assert.equal(
    failed({ Result: "signal", ExecMainCode: 2, ExecMainStatus: 9 }),
    "killed by SIGKILL",
  );
  assert.equal(
    failed({ Result: "core-dump", ExecMainCode: 3, ExecMainStatus: 11 }),
    "killed by SIGSEGV",
  );
  assert.equal(failed({ Result: "oom-kill", ExecMainCode: 2, ExecMainStatus: 9 }), "killed by OOM");
  assert.equal(
    failed({ Result: "exit-code", ExecMainCode: 1, ExecMainStatus: 203 }),
    "program cannot be executed (203/EXEC)",
  );
  assert.equal(
    failed({ Result: "watchdog", ExecMainCode: 2, ExecMainStatus: 6 }),
    "no WATCHDOG=1 in time",
  );
});

Deno.test("SYD-5: what systemd did between two looks is told once, and in order", () => {
  const running = (pid: number, restarts = 0) =>
    statusOf({ ActiveState: "active", SubState: "running", MainPID: pid, NRestarts: restarts });
  const waiting = statusOf({
    ActiveState: "activating",
    SubState: "auto-restart",
    Result: "signal",
    ExecMainCode: 2,
    ExecMainStatus: 9,
  });
  const events = (before: UnitStatus | undefined, after: UnitStatus) =>
    unitEvents(before, after).map(({ action, detail }) => `${action}: ${detail}`);
  assert.deepEqual(events(undefined, running(7)), ["start: pid 7"]);
  assert.deepEqual(events(running(7), running(7)), []);
  assert.deepEqual(events(running(7), waiting), ["crash: killed by SIGKILL"]);
  assert.deepEqual(events(waiting, running(8, 1)), ["start: pid 8"]);
  assert.deepEqual(events(running(7), running(9, 3)), [
    "crash: restarted by systemd 3 times",
    "start: pid 9",
  ]);
  const overrun = statusOf({ ActiveState: "failed", Result: "oom-kill", ExecMainCode: 2 });
  assert.deepEqual(events(running(7), overrun), ["crash: killed by OOM", "oom: killed by OOM"]);
  const clean = { ...waiting, reason: "exited with code 0" };
  assert.deepEqual(events(running(7), clean), []);
  assert.deepEqual(events(running(7), statusOf({})), ["stop: stopped"]);
});

Deno.test("SVC-7, SYD-1: only units that differ are written, and their services touched", () => {
  const unit = (text: string, isStopped = false): WantedUnit => ({ text, isStopped });
  const wanted = new Map([
    ["same", unit("ExecStart=a")],
    ["limits", unit("ExecStart=a\nMemoryMax=2")],
    ["program", unit("ExecStart=b")],
    ["dead", unit("ExecStart=b")],
    ["new", unit("ExecStart=a")],
    ["idle", unit("ExecStart=a", true)],
    ["resting", unit("ExecStart=a", true)],
    ["back", unit("ExecStart=a")],
  ]);
  const existing = new Map([
    ["same", "ExecStart=a"],
    ["limits", "ExecStart=a\nMemoryMax=1"],
    ["program", "ExecStart=a"],
    ["dead", "ExecStart=a"],
    ["resting", "ExecStart=a"],
    ["back", "ExecStart=a"],
    ["gone", "ExecStart=a"],
  ]);
  const up = { state: "Running" } as const;
  const statuses = new Map<string, Pick<UnitStatus, "state">>([
    ["same", up],
    ["limits", up],
    ["program", up],
    ["dead", { state: "Failed" }],
    ["idle", { state: "Stopped" }],
    ["resting", up],
  ]);
  const formerlyStopped = new Set(["back"]);
  const situation = { wanted, existing, statuses, formerlyStopped, holdOf: () => null };
  assert.deepEqual(planUnits(situation), {
    remove: ["gone"],
    write: ["limits", "program", "dead", "new", "idle"],
    start: ["dead", "new", "back"],
    restart: ["program"],
    stop: ["resting"],
    hold: new Map(),
  });
});
