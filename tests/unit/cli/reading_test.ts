import { create } from "@bufbuild/protobuf";
import { capability, config } from "../../../api/mod.ts";
import { ago, driftedNode, enrolled, entry, node, nodeDelta, refuse } from "./fixtures.ts";
import { assertGolden } from "./harness.ts";

const fleet = {
  listNodeStates: () => ({
    nodes: [node(), driftedNode],
    warnings: [{ nodeId: "node-1", keys: ["kernel:vm.swappiness"], expired: false }],
  }),
};

Deno.test("CLI-50: status shows one row for each node", () =>
  assertGolden("status", { args: ["status"], journal: { fleet } }));

Deno.test("CLI-50: status on a terminal is coloured", () =>
  assertGolden("status_terminal", { args: ["status"], journal: { fleet }, terminal: true }));

Deno.test("CLI-2: NO_COLOR takes the colours away", () =>
  assertGolden("status_no_color", {
    args: ["status"],
    journal: { fleet },
    terminal: true,
    env: { NO_COLOR: "1" },
  }));

Deno.test("ACC-C5: status of a quorum without nodes exits 0", () =>
  assertGolden("status_empty", {
    args: ["status"],
    journal: { fleet: { listNodeStates: () => ({}) } },
  }));

Deno.test("CLI-50: status NODE shows emergency, window, drift and divergence", () =>
  assertGolden("status_node", {
    args: ["status", "node-2"],
    journal: {
      config: {
        getNodeState: () => ({ nodeId: "node-2", configState: "Emergency", detail: driftedNode }),
      },
      fleet: {
        listEmergencies: () => ({
          sessions: [{
            id: "em-1",
            principal: "bob@example.org",
            reason: "network outage",
            expiresAt: ago(-3600),
          }],
        }),
        listDeltas: () => ({
          deltas: [nodeDelta(), nodeDelta(12n, 10_000)],
        }),
      },
    },
  }));

const stale = {
  listEmergencies: () => ({
    sessions: [{
      id: "em-1",
      scope: { scope: { case: "vclusterId" as const, value: "ml" } },
      principal: "bob@example.org",
      reason: "network outage",
      expiresAt: ago(7_200),
      stale: true,
      holdSince: ago(7_190),
    }],
  }),
};

Deno.test("EMG-4: status NODE says since when an emergency is stale, and that no jobs should go there", () =>
  assertGolden("status_node_stale", {
    args: ["status", "node-2"],
    journal: {
      config: {
        getNodeState: () => ({ nodeId: "node-2", configState: "Emergency", detail: driftedNode }),
      },
      fleet: { ...stale, listDeltas: () => ({}) },
    },
  }));

Deno.test("EMG-4: status names the holds of stale emergencies below the nodes", () =>
  assertGolden("status_stale", {
    args: ["status"],
    journal: { fleet: { ...stale, listNodeStates: () => ({ nodes: [node(), driftedNode] }) } },
  }));

Deno.test("CLI-12: status of an unknown node exits 1", () =>
  assertGolden("status_unknown_node", {
    args: ["status", "node-9"],
    journal: { config: { getNodeState: refuse("NOT_FOUND", "node node-9 not found") } },
  }));

Deno.test("CLI-51: diff shows what differs from the declaration", () =>
  assertGolden("diff", {
    args: ["diff", "node-2"],
    journal: { enrollment: enrolled },
    agents: { "node-2": { getStatus: () => driftedNode } },
  }));

Deno.test("CLI-51: diff of a node without drift", () =>
  assertGolden("diff_none", {
    args: ["diff", "node-1"],
    journal: { enrollment: enrolled },
    agents: { "node-1": { getStatus: () => node() } },
  }));

Deno.test("diff falls back to the last report when the agent is away", () =>
  assertGolden("diff_agent_away", {
    args: ["diff", "node-2"],
    journal: {
      enrollment: enrolled,
      config: {
        getNodeState: () => ({ nodeId: "node-2", configState: "Drifted", detail: driftedNode }),
      },
    },
    env: { PACT_AGENT_ENDPOINT: "https://127.0.0.1:1" },
  }));

Deno.test("CLI-51: diff --committed lists a node's deltas", () =>
  assertGolden("diff_committed", {
    args: ["diff", "node-1", "--committed"],
    journal: { fleet: { listDeltas: () => ({ deltas: [nodeDelta()] }) } },
  }));

Deno.test("CLI-51: diff --committed without deltas says so", () =>
  assertGolden("diff_committed_none", {
    args: ["diff", "node-1", "--committed"],
    journal: { fleet: { listDeltas: () => ({}) } },
  }));

Deno.test("diff --vcluster shows every drifted node", () =>
  assertGolden("diff_vcluster", {
    args: ["diff", "--vcluster", "ml"],
    journal: { fleet },
  }));

Deno.test("CLI-52: log shows who changed what, newest first", () =>
  assertGolden("log", {
    args: ["log", "-n5"],
    journal: {
      config: {
        async *listEntries() {
          yield nodeDelta();
          yield entry({
            sequence: 44n,
            entryType: config.EntryType.EXEC_LOG,
            message: JSON.stringify({ command: "uname", args: "-a", exit_code: 3, error: "" }),
            policyRef: "",
          });
          yield entry({
            sequence: 43n,
            entryType: config.EntryType.EMERGENCY_START,
            emergencyReason: "network outage",
            policyRef: "",
            message: "",
          });
          yield entry({
            sequence: 42n,
            entryType: config.EntryType.NODE_DECOMMISSIONED,
            scope: { scope: { case: "global", value: true } },
            message: "worn \u001b[31mout",
            policyRef: "",
          });
          yield entry();
        },
      },
    },
  }));

Deno.test("CLI-52: log without entries says so and exits 0", () =>
  assertGolden("log_empty", {
    args: ["log", "--scope", "node:node-1"],
    journal: { config: { async *listEntries() {} } },
  }));

Deno.test("CLI-52: log refuses a scope of another form", () =>
  assertGolden("log_bad_scope", { args: ["log", "--scope", "ml"], journal: {} }));

const report = create(capability.CapabilityReportSchema, {
  nodeId: "node-1",
  timestamp: ago(95),
  cpu: {
    architecture: capability.CpuArchitecture.X86_64,
    model: "EPYC 9654",
    physicalCores: 96,
    logicalCores: 192,
  },
  memory: {
    totalBytes: 512n << 30n,
    availableBytes: 480n << 30n,
    memoryType: capability.MemoryType.DDR5,
    numaNodes: 2,
  },
  gpus: [0, 1, 2, 3].map((index) => ({
    index,
    model: "A100",
    health: index === 3 ? capability.GpuHealth.DEGRADED : capability.GpuHealth.HEALTHY,
  })),
  networkInterfaces: [{
    name: "hsn0",
    fabric: capability.NetworkFabric.SLINGSHOT,
    state: capability.InterfaceOperState.UP,
    speedMbps: 200_000n,
    ipv4: "10.0.0.1",
  }],
  storage: {
    nodeType: capability.StorageNodeType.DISKLESS,
    mounts: [{ path: "/", source: "overlay", totalBytes: 8n << 30n, availableBytes: 7n << 30n }],
  },
  software: { loadedModules: ["nfs", "nvidia"], services: [{ name: "chronyd", state: "running" }] },
  supervisor: { backend: "Pact", servicesDeclared: 3, servicesRunning: 3, servicesFailed: 0 },
  unavailable: ["kernel: /proc/sys is read-only in the rootless profile"],
});

Deno.test("CLI-53: cap shows what the agent reports", () =>
  assertGolden("cap", {
    args: ["cap", "node-1"],
    journal: { enrollment: enrolled },
    agents: { "node-1": { getCapability: () => report } },
  }));

Deno.test("CLI-53: cap falls back to the journal and says how old the report is", () =>
  assertGolden("cap_fallback", {
    args: ["cap", "node-1"],
    journal: { enrollment: enrolled, fleet: { getCapability: () => report } },
    env: { PACT_AGENT_ENDPOINT: "https://127.0.0.1:1" },
  }));

Deno.test("CLI-39: whoami shows what the token says and asks nobody", () =>
  assertGolden("whoami", { args: ["whoami"] }));

Deno.test("CLI-38: config show masks the token", () =>
  assertGolden("config_show", { args: ["config", "show"] }));

Deno.test("CLI-38: config path", () => assertGolden("config_path", { args: ["config", "path"] }));

Deno.test("CLI-110: group list", () =>
  assertGolden("group_list", {
    args: ["group", "list"],
    journal: {
      fleet: {
        listVClusters: () => ({
          vclusters: [{
            vclusterId: "ml",
            nodeCount: 2,
            enforcementMode: "enforce",
            twoPersonApproval: true,
            overlayVersion: 4n,
            policyVersion: 2n,
          }],
        }),
      },
    },
  }));

Deno.test("CLI-115: node list", () =>
  assertGolden("node_list", {
    args: ["node", "list"],
    journal: {
      enrollment: {
        listNodes: () => ({
          nodes: [
            {
              nodeId: "node-1",
              enrollmentState: "Active",
              vclusterId: "ml",
              lastSeen: "2026-11-20T11:59:48Z",
              macAddress: "aa:bb:cc:dd:ee:01",
            },
            { nodeId: "node-2", enrollmentState: "Registered", macAddress: "aa:bb:cc:dd:ee:02" },
          ],
        }),
      },
    },
  }));

Deno.test("CLI-115: node inspect", () =>
  assertGolden("node_inspect", {
    args: ["node", "inspect", "node-1"],
    journal: {
      enrollment: {
        inspectNode: () => ({
          nodeId: "node-1",
          domainId: "site-a",
          enrollmentState: "Active",
          hardwareIdentity: {
            macAddress: "aa:bb:cc:dd:ee:01",
            bmcSerial: "B1",
            extra: { smbios_uuid: "4c4c4544-0000-2010-8020-80c04f202020" },
          },
          vclusterId: "ml",
          certSerial: "0a1b",
          certExpiresAt: "2026-11-23T12:00:00Z",
          lastSeen: "2026-11-20T11:59:48Z",
          enrolledAt: "2026-11-01T08:00:00Z",
          enrolledBy: "alice@example.org",
          activeSessions: 1,
        }),
      },
    },
  }));

Deno.test("CLI-110: group show prints nodes, overlay, emergencies and every policy setting", () =>
  assertGolden("group_show", {
    args: ["group", "show", "ml"],
    journal: {
      fleet: {
        ...fleet,
        listVClusters: () => ({ vclusters: [{ vclusterId: "ml", overlayVersion: 4n }] }),
        listEmergencies: () => ({ sessions: [{ id: "em-1" }] }),
      },
      policy: { getEffectivePolicy: refuse("NOT_FOUND", "policy for ml not found") },
    },
  }));
