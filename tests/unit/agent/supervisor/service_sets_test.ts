import assert from "node:assert/strict";
import type { ServiceDeclaration } from "../../../../agent/supervisor/mod.ts";
import { service } from "./fixtures.ts";
import { SupervisorRig } from "./supervisor_rig.ts";

const at = (order: number, name: string, changes: Partial<ServiceDeclaration> = {}) =>
  service(name, { order, ...changes });

const ML_TRAINING = [
  at(1, "chronyd"),
  at(2, "dbus-daemon"),
  at(3, "cxi_rh-0"),
  at(3, "cxi_rh-1"),
  at(3, "cxi_rh-2"),
  at(3, "cxi_rh-3"),
  at(4, "nvidia-persistenced"),
  at(5, "nv-hostengine"),
  at(6, "rasdaemon", { restart: "OnFailure" }),
  at(10, "lattice-node-agent"),
];
const REGULATED = [...ML_TRAINING, at(7, "auditd"), at(8, "audit-forwarder")];
const DEV_SANDBOX = [
  at(1, "chronyd"),
  at(2, "dbus-daemon"),
  at(3, "cxi_rh-0"),
  at(4, "rasdaemon", { restart: "OnFailure" }),
  at(10, "lattice-node-agent"),
];

/** Starts a set and returns which services were spawned together. */
function startWaves(declarations: readonly ServiceDeclaration[]): string[][] {
  const rig = new SupervisorRig();
  const waves: string[][] = [];
  rig.declare(...declarations.toReversed());
  // Ends: every wave is spawned once, and nothing exits.
  for (;;) {
    const wave = rig.news().filter((line) => line.startsWith("spawn ")).map((line) =>
      line.slice("spawn ".length)
    );
    if (wave.length === 0) return waves;
    waves.push(wave);
    rig.spawned(...wave);
  }
}

Deno.test("SVC-5, ACC-A2: ml-training starts its 10 services in the stated order", () => {
  assert.deepEqual(startWaves(ML_TRAINING), [
    ["chronyd"],
    ["dbus-daemon"],
    ["cxi_rh-0", "cxi_rh-1", "cxi_rh-2", "cxi_rh-3"],
    ["nvidia-persistenced"],
    ["nv-hostengine"],
    ["rasdaemon"],
    ["lattice-node-agent"],
  ]);
});

Deno.test("SVC-5, ACC-A2: regulated puts its two audit services before the workload manager", () => {
  const waves = startWaves(REGULATED);
  assert.equal(waves.flat().length, 12);
  assert.deepEqual(waves.slice(-4).flat(), [
    "rasdaemon",
    "auditd",
    "audit-forwarder",
    "lattice-node-agent",
  ]);
});

Deno.test("SVC-5, ACC-A2: dev-sandbox starts its 5 services one after the other", () => {
  assert.deepEqual(startWaves(DEV_SANDBOX).map((wave) => wave.length), [1, 1, 1, 1, 1]);
});

Deno.test("SHD-1: stopping everything goes the other way, equal ranks together", () => {
  const rig = new SupervisorRig();
  rig.declare(...DEV_SANDBOX, at(3, "cxi_rh-1"));
  for (const { name } of DEV_SANDBOX) {
    rig.spawned(name);
    if (name === "cxi_rh-0") rig.spawned("cxi_rh-1");
  }
  rig.news();
  rig.send({ kind: "stopAll", by: { ...ADMIN_SHUTDOWN }, limitMs: 90_000 });
  const signalled = () =>
    rig.news().filter((line) => line.startsWith("signal")).map((line) => line.split(" ")[1] ?? "");
  const order: string[][] = [];
  for (let wave = signalled(); wave.length > 0; wave = signalled()) {
    order.push(wave.sort());
    for (const name of wave) rig.dies(name, { kind: "signal", signal: 15, coreDumped: false });
  }
  assert.deepEqual(order, [
    ["lattice-node-agent"],
    ["rasdaemon"],
    ["cxi_rh-0", "cxi_rh-1"],
    ["dbus-daemon"],
    ["chronyd"],
  ]);
  assert.equal(rig.allDown, true);
});

const ADMIN_SHUTDOWN = { identity: "ana", principalType: "Human", role: "" } as const;
