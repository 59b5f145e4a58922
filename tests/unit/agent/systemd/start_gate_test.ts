import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { holdOf } from "../../../../agent/systemd/start_gate.ts";
import { UnitHealth } from "../../../../agent/systemd/unit_health.ts";
import { planUnits } from "../../../../agent/systemd/unit_plan.ts";
import type { UnitStatus } from "../../../../agent/systemd/unit_status.ts";
import { readServiceSpec } from "../../../../agent/supervisor/mod.ts";
import { agentport } from "../../../../api/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

const GATE = { type: agentport.HealthCheckType.TCP, port: 4711, intervalSeconds: 30, gate: true };

function declaration(init: MessageInitShape<typeof agentport.ServiceSpecSchema>) {
  return readServiceSpec(create(agentport.ServiceSpecSchema, { binary: "/bin/sleep", ...init }));
}

const DB = declaration({ name: "db", healthCheck: GATE });
const WEB = declaration({ name: "web", dependsOn: ["db"] });

/** What keeps a service from starting when nothing else is the matter. */
function waits(
  service: typeof WEB,
  { state = "Running" as UnitStatus["state"], passed = false, late = false, up = ["lo"] } = {},
  { held = [] as string[], changing = [] as string[] } = {},
) {
  const declared = new Map([DB, WEB, service].map((each) => [each.name, each]));
  return holdOf(service, {
    declared,
    units: new Map([["db", { state }]]),
    held: new Set(held),
    changing: new Set(changing),
    hasPassed: () => passed,
    isLate: () => late,
    interfacesUp: () => new Set(up),
  })?.what;
}

Deno.test("HLT-4: beside systemd, too, dependents wait for the first success of a gate", () => {
  assert.equal(waits(WEB), "health of dependency db");
  assert.equal(waits(WEB, { passed: true }), undefined);
  assert.equal(waits(WEB, { passed: true }, { changing: ["db"] }), "dependency db");
  assert.equal(waits(WEB, { state: "Starting" }), "dependency db");
  assert.equal(waits(WEB, { state: "Failed" }), "dependency db failed");
  assert.equal(waits(WEB, { state: "Stopped" }), "dependency db is stopped");
  assert.equal(waits(WEB, { late: true }), "dependency db not healthy in time");
  assert.equal(waits(WEB, { passed: true, late: true }), undefined);
});

Deno.test("HLT-4: without a gate, or with a check of the process alone, systemd's order is enough", () => {
  const plain = declaration({ name: "db", healthCheck: { ...GATE, gate: false } });
  const process = declaration({ name: "db", healthCheck: { gate: true } });
  for (const db of [plain, process]) {
    const declared = new Map([db, WEB].map((each) => [each.name, each]));
    const hold = holdOf(WEB, {
      declared,
      units: new Map(),
      held: new Set(),
      changing: new Set(),
      hasPassed: () => false,
      isLate: () => false,
      interfacesUp: () => new Set(),
    });
    assert.equal(hold, null);
  }
});

Deno.test("NET-7: a service waits for every interface that it needs, and what depends on it waits too", () => {
  const cxi = declaration({ name: "cxi", needsNetwork: ["hsn0", "hsn1"] });
  assert.equal(waits(cxi), "interface hsn0");
  assert.equal(waits(cxi, { up: ["hsn0"] }), "interface hsn1");
  assert.equal(waits(cxi, { up: ["hsn0", "hsn1"] }), undefined);
  const mpi = declaration({ name: "mpi", dependsOn: ["cxi"] });
  assert.equal(waits(mpi, {}, { held: ["cxi"] }), "dependency cxi");
});

Deno.test("what has to wait has no unit until it need not, so that the next agent starts it too", () => {
  const text = "[Service]\nExecStart=a\n";
  const situation = {
    wanted: new Map(
      ["db", "web", "up", "rested"].map((name) => [name, { text, isStopped: false }]),
    ),
    existing: new Map([["up", text], ["web", "[Service]\nExecStart=b\n"], ["rested", text]]),
    statuses: new Map([["up", { state: "Running" } as const]]),
    formerlyStopped: new Set<string>(),
    holdOf: (service: string, held: ReadonlySet<string>) =>
      service === "db" || held.has("db")
        ? { what: "something", forInterface: false, isLate: false }
        : null,
  };
  const { hold, ...steps } = planUnits(situation);
  assert.deepEqual([...hold.keys()], ["db", "web"]);
  // What runs goes on, and what an admin stopped stays down.
  assert.deepEqual(steps, { remove: ["web"], write: [], start: [], restart: [], stop: [] });
});

/** A check whose answers the test gives, of a service whose process systemd shows. */
function checking(seenStart: boolean) {
  const clock = new VirtualClock();
  let ok = false;
  const late: string[] = [];
  const health = new UnitHealth(
    clock,
    () => Promise.resolve({ ok, detail: ok ? "" : "connection refused" }),
  );
  const unit: UnitStatus = {
    service: "db",
    state: "Running",
    reason: "",
    pid: 17,
    restarts: 0,
    activeSinceUsec: 0,
    statusText: "",
  };
  const listener = {
    onUnhealthy: () => {},
    onLate: ({ name }: { name: string }) => void late.push(name),
    onAnswered: () => {},
  };
  const run = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      health.check([DB], new Map([["db", unit]]), listener, seenStart);
      await clock.advanceAsync(1000);
    }
    health.check([DB], new Map([["db", unit]]), listener, seenStart);
  };
  return { health, late, run, succeed: () => ok = true };
}

Deno.test("HLT-4: a gate that is shut for 30 s is told of once, and opens late all the same", async () => {
  const { health, late, run, succeed } = checking(true);
  await run(29);
  assert.deepEqual([health.hasPassed("db"), health.isLate("db"), late], [false, false, []]);
  await run(60);
  assert.deepEqual([health.hasPassed("db"), health.isLate("db"), late], [false, true, ["db"]]);
  succeed();
  await run(60);
  assert.deepEqual([health.hasPassed("db"), health.isLate("db"), late], [true, false, ["db"]]);
});

Deno.test("BTS-13: a service that a former agent left has no limit to become healthy in", async () => {
  const { health, late, run } = checking(false);
  await run(120);
  assert.deepEqual([health.hasPassed("db"), health.isLate("db"), late], [false, false, []]);
});
