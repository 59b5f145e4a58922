import assert from "node:assert/strict";
import { readNotification } from "../../../../agent/supervisor/readiness.ts";
import { service } from "./fixtures.ts";
import { SupervisorRig } from "./supervisor_rig.ts";

const READY = { readiness: { timeoutSeconds: 30 } };

const say = (text: string) => ({ kind: "notified", message: readNotification(text) } as const);

Deno.test("sd_notify(3): known fields are taken from a message, anything else is ignored", () => {
  const nothing = { ready: false, stopping: false, alive: false, statusText: null };
  assert.deepEqual(readNotification(""), nothing);
  assert.deepEqual(readNotification("READY=0\nready=1\n=1\nREADY"), nothing);
  assert.deepEqual(readNotification("STOPPING=1\nWATCHDOG=1\nX=\u0000"), {
    ...nothing,
    stopping: true,
    alive: true,
  });
  const { statusText } = readNotification(`STATUS=a=b\u001b[31m${"x".repeat(1000)}`);
  assert.equal(statusText, `a=b [31m${"x".repeat(248)}`);
});

Deno.test("a service that notifies is starting until it says READY=1, and dependents wait for that", () => {
  const rig = new SupervisorRig();
  rig.declare(service("db", READY), service("web", { dependsOn: ["db"] }));
  rig.spawned("db");
  assert.deepEqual([rig.status("db").state, rig.status("db").reason], [
    "Starting",
    "waiting: its notification",
  ]);
  assert.equal(rig.status("web").reason, "waiting: readiness of dependency db");
  rig.tell("db", say("STATUS=loading 3 of 7"));
  assert.equal(rig.status("db").statusText, "loading 3 of 7");
  rig.tell("db", say("READY=1\nSTATUS=serving"));
  assert.equal(rig.status("db").state, "Running");
  assert.equal(rig.status("db").statusText, "serving");
  rig.spawned("web");
  assert.equal(rig.status("web").state, "Running");
});

Deno.test("a service that does not get ready in its time is stopped and started again by its policy", () => {
  const rig = new SupervisorRig();
  rig.declare(service("db", { ...READY, restart: "OnFailure" }));
  rig.spawned("db");
  rig.pass(29_999);
  assert.deepEqual(rig.log, ["spawn db", "start db"]);
  rig.pass(1);
  assert.deepEqual(rig.log.slice(2), ["health_failed db", "signal db SIGTERM"]);
  rig.dies("db");
  assert.equal(rig.status("db").reason, "unhealthy: not ready within 30 s");
  rig.pass(5_000);
  rig.spawned("db");
  rig.tell("db", say("READY=1"));
  assert.equal(rig.status("db").state, "Running");
  rig.pass(600_000);
  assert.equal(rig.status("db").state, "Running");
});

Deno.test("health is asked for from readiness on, and no more once the service says it is stopping", () => {
  const rig = new SupervisorRig();
  const probe = { kind: "Tcp", host: "127.0.0.1", port: 80 } as const;
  rig.declare(
    service("db", { ...READY, healthCheck: { probe, intervalSeconds: 1, gate: false } }),
  );
  rig.spawned("db");
  rig.pass(20_000);
  const probes = () => rig.log.filter((text) => text === "probe db").length;
  assert.equal(probes(), 0);
  rig.tell("db", say("READY=1"));
  rig.pass(1_000);
  assert.equal(probes(), 1);
  rig.tell("db", { kind: "probed", ok: true, detail: "" });
  rig.tell("db", say("STOPPING=1"));
  rig.pass(60_000);
  assert.equal(probes(), 1);
});

Deno.test("WATCHDOG=1 keeps a service that promised it alive, silence has it started again", () => {
  const rig = new SupervisorRig();
  rig.declare(service("db", { ...READY, watchdogSeconds: 10 }));
  rig.spawned("db");
  rig.pass(15_000);
  rig.tell("db", say("READY=1"));
  for (let beat = 0; beat < 5; beat++) {
    rig.pass(9_000);
    rig.tell("db", say("WATCHDOG=1"));
  }
  assert.equal(rig.status("db").state, "Running");
  rig.pass(10_000);
  assert.equal(rig.status("db").state, "Stopping");
  rig.dies("db");
  assert.equal(rig.status("db").reason, "unhealthy: no WATCHDOG=1 within 10 s");
});

Deno.test("a message of a former run changes nothing", () => {
  const rig = new SupervisorRig();
  rig.declare(service("db", { ...READY, restartDelaySeconds: 0 }));
  rig.spawned("db");
  const late = { ...say("READY=1"), name: "db", run: 1 };
  rig.dies("db");
  rig.pass(1_000);
  rig.spawned("db");
  rig.send(late);
  assert.equal(rig.status("db").state, "Starting");
});

Deno.test("SUP-13: the start is not over before a service that notifies has said so or failed", () => {
  const rig = new SupervisorRig();
  rig.declare(service("db", READY));
  rig.spawned("db");
  assert.equal(rig.settled, false);
  rig.tell("db", say("READY=1"));
  assert.equal(rig.settled, true);
});
