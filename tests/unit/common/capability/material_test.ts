import assert from "node:assert/strict";
import { materialText } from "../../../../common/capability/mod.ts";
import { TestState } from "../../../support/journal/mod.ts";

const REPORT = {
  nodeId: "n1",
  timestamp: "2026-01-01T00:00:00Z",
  reportId: "a",
  configState: "CONFIG_STATE_COMMITTED",
  cpu: { model: "x", logicalCores: 8 },
  memory: { totalBytes: "1024", availableBytes: "512" },
  networkInterfaces: [{ name: "eth0", state: "INTERFACE_OPER_STATE_UP" }],
  software: {
    services: [{ name: "web", state: "Running", pid: 7, uptimeSeconds: "5", restartCount: 0 }],
  },
  supervisor: { servicesDeclared: 1, servicesRunning: 1, servicesFailed: 0 },
  unavailable: ["gpu detection: not in this version"],
};

const service = (more: object) => ({
  software: { services: [{ name: "web", state: "Running", ...more }] },
});

const SAME: Readonly<Record<string, object>> = {
  "the moment": { timestamp: "2026-01-02T00:00:00Z" },
  "the id of the report": { reportId: "b" },
  "free memory": { memory: { totalBytes: "1024", availableBytes: "1" } },
  "a service's process": service({ pid: 8, uptimeSeconds: "6", restartCount: 1 }),
  "a service on its way": service({ state: "Starting" }),
  "drift": { configState: "CONFIG_STATE_DRIFTED", driftSummary: { kernel: 1 } },
  "how many services run": {
    supervisor: { servicesDeclared: 1, servicesRunning: 0, servicesFailed: 0 },
  },
  "a loss of contact": {
    unavailable: [...REPORT.unavailable, "degraded: journal unreachable since 2026"],
  },
};

const NEWS: Readonly<Record<string, object>> = {
  "another processor": { cpu: { model: "y", logicalCores: 8 } },
  "more memory": { memory: { totalBytes: "2048", availableBytes: "512" } },
  "a link that is down": {
    networkInterfaces: [{ name: "eth0", state: "INTERFACE_OPER_STATE_DOWN" }],
  },
  "a service that failed": service({ state: "Failed" }),
  "another service": service({ name: "db" }),
  "something unavailable": { unavailable: [...REPORT.unavailable, "cgroups: read-only"] },
};

for (const [what, change] of Object.entries(SAME)) {
  Deno.test(`CAP-3: ${what} is no news of the machine, and leaves no entry`, () => {
    assert.equal(materialText({ ...REPORT, ...change }), materialText(REPORT));
    assert.equal(entriesAfter({ ...REPORT, ...change }), 1);
  });
}

for (const [what, change] of Object.entries(NEWS)) {
  Deno.test(`CAP-3: ${what} is news of the machine, and leaves an entry`, () => {
    assert.notEqual(materialText({ ...REPORT, ...change }), materialText(REPORT));
    assert.equal(entriesAfter({ ...REPORT, ...change }), 2);
  });
}

/** CapabilityChange entries after the report and then another one. */
function entriesAfter(report: typeof REPORT & object): number {
  using state = new TestState();
  for (const each of [REPORT, report]) {
    state.send({ type: "ReportCapability", node_id: "n1", report: structuredClone(each) });
  }
  return state.entries().filter(({ entry_type }) => entry_type === "CapabilityChange").length;
}
