import assert from "node:assert/strict";
import { service } from "./fixtures.ts";
import { ADMIN, SupervisorRig } from "./supervisor_rig.ts";

function running(...names: string[]): SupervisorRig {
  const rig = new SupervisorRig();
  rig.declare(...names.map((name) => service(name)));
  rig.spawned(...names);
  rig.news();
  return rig;
}

Deno.test("SUP-2: restart delays double from the declared one up to a minute", () => {
  for (
    const [declared, expected] of [
      [5, [5, 10, 20, 40, 60, 60]],
      [0, [0, 1, 2, 4, 8, 16]],
      [90, [90, 90, 90]],
    ] as const
  ) {
    const rig = new SupervisorRig();
    rig.declare(service("a", { restartDelaySeconds: declared }));
    rig.news();
    const delays: number[] = [];
    while (delays.length < expected.length) {
      rig.spawned("a");
      rig.dies("a");
      const diedMs = rig.nowMs;
      while (!rig.news().includes("spawn a")) rig.pass(250);
      delays.push(Math.floor((rig.nowMs - diedMs) / 1000));
    }
    assert.deepEqual(delays, expected.slice(), `declared ${declared}`);
  }
});

Deno.test("SUP-2: a minute of uninterrupted running starts the series of delays anew", () => {
  const rig = running("a");
  for (let crash = 0; crash < 3; crash++) {
    rig.dies("a");
    rig.pass(60_000);
    rig.spawned("a");
  }
  rig.pass(60_000);
  rig.news();
  rig.dies("a");
  rig.pass(4_999);
  assert.equal(rig.text("a"), "Restarting (exited with code 1)");
  rig.pass(1);
  assert.ok(rig.news().includes("spawn a"));
  assert.equal(rig.status("a").restartCount, 4, "SUP-3: the published count goes on");
});

Deno.test("SUP-4: the restart limit ends in Failed", () => {
  const rig = new SupervisorRig({ maxRestarts: 2 });
  rig.declare(service("a", { restartDelaySeconds: 0 }));
  for (let crash = 0; crash < 3; crash++) {
    rig.spawned("a");
    rig.dies("a");
    rig.pass(10_000);
  }
  assert.equal(rig.text("a"), "Failed (restart limit reached (2))");
  rig.send({ kind: "start", name: "a", by: ADMIN });
  rig.spawned("a");
  assert.equal(rig.text("a"), "Running");
});

Deno.test("restart policies: exit 0 and exit 1 under Always, OnFailure and Never (5.2)", () => {
  for (
    const [restart, code, expected] of [
      ["Always", 0, "Restarting (exited with code 0)"],
      ["Always", 1, "Restarting (exited with code 1)"],
      ["OnFailure", 0, "Stopped (exited with code 0)"],
      ["OnFailure", 1, "Restarting (exited with code 1)"],
      ["Never", 0, "Stopped (exited with code 0)"],
      ["Never", 1, "Failed (exited with code 1)"],
    ] as const
  ) {
    const rig = new SupervisorRig();
    rig.declare(service("a", { restart }));
    rig.spawned("a");
    rig.dies("a", { kind: "code", code });
    assert.equal(rig.text("a"), expected, `${restart}, exit ${code}`);
  }
});

Deno.test("SUP-26: a restart waits until nothing is left of the last run", () => {
  const rig = new SupervisorRig();
  rig.declare(service("a", { restartDelaySeconds: 0 }));
  rig.spawned("a");
  rig.news();
  rig.tell("a", { kind: "exited", status: { kind: "signal", signal: 11, coreDumped: false } });
  assert.deepEqual(rig.news(), ["clearScope a", "crash a"]);
  rig.pass(0);
  assert.equal(rig.text("a"), "Starting (waiting: processes of its last run)");
  rig.tell("a", { kind: "scopeCleared" });
  assert.ok(rig.news().includes("spawn a"));
});

Deno.test("SHD-2: an ignored stop signal ends in a kill after the declared time", () => {
  const rig = new SupervisorRig();
  rig.declare(service("a", { stopTimeoutSeconds: 3, stopSignal: "SIGINT" }));
  rig.spawned("a");
  rig.news();
  rig.send({ kind: "stop", name: "a", by: ADMIN, dependents: "refuse" });
  assert.deepEqual(rig.news(), ["signal a SIGINT"]);
  rig.pass(2_999);
  assert.deepEqual(rig.news(), []);
  rig.pass(1);
  assert.deepEqual(rig.news(), ["clearScope a"]);
  rig.dies("a", { kind: "signal", signal: 9, coreDumped: false });
  assert.equal(rig.text("a"), "Stopped (stopped)");
});

Deno.test("F30: what cannot be killed is Failed, and says which processes are left", () => {
  const rig = running("a");
  rig.tell("a", { kind: "exited", status: { kind: "code", code: 1 } });
  rig.tell("a", { kind: "scopeStuck", survivors: "4711(D,dd)" });
  assert.equal(rig.text("a"), "Failed (unkillable: 4711(D,dd))");
  rig.pass(600_000);
  assert.ok(!rig.news().includes("spawn a"), "nothing is started beside it unasked");
});

Deno.test("SUP-6, SUP-7: dependents wait for their dependency, and survivors are left alone", () => {
  const rig = new SupervisorRig();
  rig.declare(
    service("db", { restart: "Never" }),
    service("web", { dependsOn: ["db"], restartDelaySeconds: 0 }),
    service("survivor", { dependsOn: ["db"] }),
  );
  assert.equal(rig.text("web"), "Starting (waiting: dependency db)");
  rig.spawned("db", "web", "survivor");
  rig.dies("db");
  rig.dies("web");
  rig.pass(0);
  assert.equal(rig.text("web"), "Starting (waiting: dependency db failed)");
  assert.equal(rig.text("survivor"), "Running");
  rig.send({ kind: "start", name: "db", by: ADMIN });
  rig.news();
  rig.spawned("db");
  assert.ok(rig.news().includes("spawn web"));
});

Deno.test("HLT-4: dependents of a gate wait for its first success", () => {
  const rig = gated();
  assert.equal(rig.text("web"), "Starting (waiting: health of dependency db)");
  rig.pass(5_000);
  assert.ok(rig.news().includes("probe db"));
  rig.tell("db", { kind: "probed", ok: false, detail: "connection refused" });
  rig.pass(5_000);
  assert.ok(rig.news().includes("probe db"), "a shut gate is looked at at the first pace");
  rig.tell("db", { kind: "probed", ok: true, detail: "" });
  assert.ok(rig.news().includes("spawn web"));
});

Deno.test("HLT-4: a gate that stays shut for 30 s makes its service fail", () => {
  const rig = gated();
  for (let second = 0; second < 30; second++) {
    rig.pass(1_000);
    if (rig.news().includes("probe db")) {
      rig.tell("db", { kind: "probed", ok: false, detail: "503" });
    }
  }
  assert.equal(rig.status("db").state, "Stopping");
  rig.dies("db", { kind: "signal", signal: 15, coreDumped: false });
  assert.equal(rig.text("db"), "Failed (not healthy in time)");
  assert.equal(rig.text("web"), "Starting (waiting: dependency db failed)");
});

function gated(): SupervisorRig {
  const rig = new SupervisorRig();
  rig.declare(
    service("db", {
      healthCheck: {
        probe: { kind: "Tcp", host: "127.0.0.1", port: 5432 },
        intervalSeconds: 20,
        gate: true,
      },
    }),
    service("web", { dependsOn: ["db"] }),
  );
  rig.spawned("db");
  return rig;
}

Deno.test("HLT-1: three failures in a row are unhealthy, one success in between is not", () => {
  const rig = new SupervisorRig();
  rig.declare(service("a", {
    healthCheck: {
      probe: { kind: "Http", url: "http://127.0.0.1/" },
      intervalSeconds: 10,
      gate: false,
    },
  }));
  rig.spawned("a");
  const answer = (ok: boolean, pauseMs: number) => {
    rig.news();
    rig.pass(pauseMs - 1);
    assert.ok(!rig.news().includes("probe a"), "not before its time");
    rig.pass(1);
    assert.ok(rig.news().includes("probe a"));
    rig.tell("a", { kind: "probed", ok, detail: ok ? "" : "status 500" });
  };
  answer(false, 5_000);
  answer(false, 10_000);
  answer(true, 10_000);
  assert.equal(rig.status("a").health, "healthy");
  answer(false, 10_000);
  answer(false, 10_000);
  assert.equal(rig.text("a"), "Running");
  answer(false, 10_000);
  assert.deepEqual(rig.news(), ["health_failed a", "signal a SIGTERM"]);
  rig.dies("a", { kind: "signal", signal: 15, coreDumped: false });
  assert.equal(rig.text("a"), "Restarting (unhealthy: status 500)");
});

Deno.test("HLT-1: a probe that has not answered is not started again", () => {
  const rig = new SupervisorRig();
  rig.declare(service("a", {
    healthCheck: {
      probe: { kind: "Tcp", host: "127.0.0.1", port: 1 },
      intervalSeconds: 1,
      gate: false,
    },
  }));
  rig.spawned("a");
  rig.pass(60_000);
  assert.equal(rig.news().filter((line) => line === "probe a").length, 1);
});

Deno.test("SUP-9: a service that others need is stopped only by force, or with them", () => {
  const declared = [
    service("db"),
    service("web", { dependsOn: ["db"] }),
    service("api", { dependsOn: ["db"] }),
  ];
  const rig = new SupervisorRig();
  rig.declare(...declared);
  rig.spawned("db", "web", "api");
  rig.news();
  assert.throws(() => rig.send({ kind: "stop", name: "db", by: ADMIN, dependents: "refuse" }), {
    message: "services depend on db: api, web",
  });
  assert.equal(rig.text("db"), "Running");

  rig.send({ kind: "stop", name: "db", by: ADMIN, dependents: "stop" });
  assert.deepEqual(rig.news().sort(), ["signal api SIGTERM", "signal web SIGTERM"]);
  rig.dies("web", { kind: "code", code: 0 });
  rig.news();
  rig.dies("api", { kind: "code", code: 0 });
  assert.ok(rig.news().includes("signal db SIGTERM"), "last of all");

  const forced = new SupervisorRig();
  forced.declare(...declared);
  forced.spawned("db", "web", "api");
  forced.news();
  forced.send({ kind: "stop", name: "db", by: ADMIN, dependents: "ignore" });
  assert.deepEqual(forced.news(), ["signal db SIGTERM"]);
});

Deno.test("CTX-2: requests that make no sense are refused in the documented words", () => {
  const rig = running("a");
  assert.throws(() => rig.send({ kind: "start", name: "b", by: ADMIN }), {
    message: "unknown service: b",
  });
  assert.throws(() => rig.send({ kind: "start", name: "a", by: ADMIN }), {
    message: "service a is already running",
  });
});

Deno.test("SUP-8: what an administrator asked for names the administrator", () => {
  const rig = running("a");
  rig.effects.length = 0;
  rig.send({ kind: "restart", name: "a", by: ADMIN });
  rig.dies("a", { kind: "signal", signal: 15, coreDumped: false });
  rig.spawned("a");
  const named = rig.effects.flatMap((effect) =>
    effect.kind === "report" ? [`${effect.action} by ${effect.by.identity}`] : []
  );
  assert.deepEqual(named, ["restart by ana", "start by ana"]);
});

Deno.test("SVC-7: a new set touches only what differs", () => {
  const rig = new SupervisorRig();
  const before = [
    service("gone"),
    service("same"),
    service("limits", { memoryMaxBytes: 1n << 27n }),
    service("policy"),
    service("program"),
    service("follower", { dependsOn: ["program"], restartWith: true }),
    service("bystander", { dependsOn: ["program"] }),
  ];
  rig.declare(...before);
  rig.spawned("gone", "same", "limits", "policy", "program", "follower", "bystander");
  rig.news();
  rig.declare(
    service("same"),
    service("limits", { memoryMaxBytes: 1n << 28n }),
    service("policy", { restart: "Never", healthCheck: service("x").healthCheck }),
    service("program", { args: ["--new"] }),
    service("follower", { dependsOn: ["program"], restartWith: true }),
    service("bystander", { dependsOn: ["program"] }),
    service("added"),
  );
  assert.deepEqual(rig.news().sort(), [
    "setLimits limits",
    "signal follower SIGTERM",
    "signal gone SIGTERM",
    "spawn added",
  ]);
  rig.dies("follower", { kind: "code", code: 0 });
  assert.ok(rig.news().includes("signal program SIGTERM"), "after what hangs on it");
  rig.dies("program", { kind: "code", code: 0 });
  assert.ok(rig.news().includes("spawn program"));
  assert.equal(rig.text("follower"), "Starting (waiting: dependency program)");
  rig.spawned("program");
  assert.ok(rig.news().includes("spawn follower"));
  rig.dies("gone", { kind: "code", code: 0 });
  assert.equal(rig.state.services.has("gone"), false);
});

Deno.test("SVC-1: an invalid set leaves the running one alone", () => {
  const rig = running("a");
  assert.throws(() => rig.declare(service("b", { dependsOn: ["c"] })), {
    message: "service b depends on unknown service c",
  });
  assert.equal(rig.text("a"), "Running");
  assert.deepEqual(rig.news(), []);
});

Deno.test("a service that an administrator stopped stays down when the same set comes again", () => {
  const rig = running("a");
  rig.send({ kind: "stop", name: "a", by: ADMIN, dependents: "refuse" });
  rig.dies("a", { kind: "code", code: 0 });
  rig.declare(service("a"));
  assert.equal(rig.text("a"), "Stopped (stopped)");
});

Deno.test("a stop during the spawn takes effect as soon as the process is there", () => {
  const rig = new SupervisorRig();
  rig.declare(service("a"));
  rig.send({ kind: "stop", name: "a", by: ADMIN, dependents: "refuse" });
  rig.news();
  rig.spawned("a");
  assert.deepEqual(rig.news(), ["signal a SIGTERM"]);
  rig.dies("a", { kind: "signal", signal: 15, coreDumped: false });
  assert.equal(rig.status("a").state, "Stopped");
});

Deno.test("SUP-22, 5.2: a spawn that failed follows the restart policy, a hopeless one does not", () => {
  const rig = new SupervisorRig();
  rig.declare(service("a"), service("b"));
  rig.tell("a", { kind: "spawnFailed", reason: "exec /x: No such file", permanent: false });
  rig.tell("b", { kind: "spawnFailed", reason: "cannot become user db", permanent: true });
  assert.equal(rig.text("a"), "Restarting (exec /x: No such file)");
  assert.equal(rig.text("b"), "Failed (cannot become user db)");
});

Deno.test("SUP-25: a user that is not known yet is waited for", () => {
  const rig = new SupervisorRig();
  rig.declare(service("a", { user: "kim" }));
  rig.news();
  rig.tell("a", { kind: "spawnBlocked", waitingFor: "identity of kim" });
  assert.equal(rig.text("a"), "Starting (waiting: identity of kim)");
  rig.pass(5_000);
  assert.ok(rig.news().includes("spawn a"));
});

Deno.test("NET-7: needs_network waits for the interface without holding up later services", () => {
  const rig = new SupervisorRig();
  rig.declare(service("cxi", { order: 1, needsNetwork: ["hsn0"] }), service("late", { order: 2 }));
  assert.equal(rig.text("cxi"), "Starting (waiting: interface hsn0)");
  assert.deepEqual(rig.news(), ["spawn late"]);
  rig.send({ kind: "facts", facts: { interfacesUp: new Set(["hsn0"]), active: false } });
  assert.deepEqual(rig.news(), ["spawn cxi"]);
});

Deno.test("SHD-2: after the total limit everything that is left is killed", () => {
  const rig = new SupervisorRig();
  rig.declare(
    service("db", { stopTimeoutSeconds: 300 }),
    service("web", { dependsOn: ["db"], stopTimeoutSeconds: 300 }),
  );
  rig.spawned("db", "web");
  rig.news();
  rig.send({ kind: "stopAll", by: ADMIN, limitMs: 90_000 });
  rig.pass(90_000);
  assert.deepEqual(rig.news().sort(), ["clearScope db", "clearScope web", "signal web SIGTERM"]);
  rig.dies("db");
  rig.dies("web");
  assert.equal(rig.allDown, true);
  assert.throws(() => rig.declare(), { message: "all services are being stopped" });
});

Deno.test("HLT-2: while workload runs, checks come half as often, and never sooner than declared", () => {
  const rig = new SupervisorRig();
  const probe = { kind: "Tcp", host: "127.0.0.1", port: 80 } as const;
  rig.declare(service("a", { healthCheck: { probe, intervalSeconds: 10, gate: false } }));
  rig.spawned("a");
  const probesIn = (ms: number) => {
    let probes = 0;
    for (let passed = 0; passed < ms; passed += 1_000) {
      rig.news();
      rig.pass(1_000);
      if (!rig.log.includes("probe a")) continue;
      probes++;
      rig.tell("a", { kind: "probed", ok: true, detail: "" });
    }
    return probes;
  };
  assert.equal(probesIn(5_000), 1);
  assert.equal(probesIn(40_000), 4);
  rig.send({ kind: "facts", facts: { ...rig.state.facts, active: true } });
  assert.equal(probesIn(10_000), 1);
  assert.equal(probesIn(40_000), 2);
});
