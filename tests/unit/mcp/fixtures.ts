import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { capability, config, journal } from "../../../api/mod.ts";
import { PactError } from "../../../common/errors/mod.ts";

/** An instant that golden files can name. */
export const someTime = timestampFromMs(Date.UTC(2026, 0, 2, 3, 4, 5));

/** A node as the journal sees it. */
export function nodeState(
  nodeId: string,
  changes: Omit<MessageInitShape<typeof journal.NodeStateDetailSchema>, "$typeName"> = {},
): journal.NodeStateDetail {
  return create(journal.NodeStateDetailSchema, {
    nodeId,
    vclusterId: "ml",
    configState: "Committed",
    enrollmentState: "Active",
    live: true,
    lastSeen: someTime,
    supervisor: { backend: "pact", servicesDeclared: 3, servicesRunning: 3, servicesFailed: 0 },
    memoryTotal: 512n << 30n,
    memoryAvailable: 480n << 30n,
    ...changes,
  });
}

/** A node that drifted, with a window open. */
export const drifted = nodeState("node-2", {
  configState: "Drifted",
  live: false,
  gpusTotal: 4,
  gpusHealthy: 3,
  gpusDegraded: 1,
  supervisor: { backend: "pact", servicesDeclared: 3, servicesRunning: 2, servicesFailed: 1 },
  drift: { kernel: 1, mounts: 2, total: 2.45 },
  driftItems: {
    kernel: [{
      key: "vm.swappiness",
      action: config.DeltaAction.MODIFY,
      declaredValue: "10",
      actualValue: "60",
    }],
    services: [{
      name: "chronyd",
      action: config.DeltaAction.REMOVE,
      declaredState: "running",
    }],
  },
  windowDeadline: timestampFromMs(Date.UTC(2026, 0, 2, 3, 19, 5)),
});

/** A log entry. */
export function logEntry(
  changes: Omit<MessageInitShape<typeof config.ConfigEntrySchema>, "$typeName"> = {},
): config.ConfigEntry {
  return create(config.ConfigEntrySchema, {
    sequence: 41n,
    timestamp: someTime,
    entryType: config.EntryType.COMMIT,
    scope: { scope: { case: "vclusterId", value: "ml" } },
    author: { principal: "alice@example.org", principalType: "Human", role: "pact-ops-ml" },
    message: "Tune huge pages",
    policyRef: "apply:ml.toml",
    ...changes,
  });
}

/** A report of a node with GPUs of the given health. */
export function report(
  nodeId: string,
  gpus: readonly capability.GpuHealth[],
): capability.CapabilityReport {
  return create(capability.CapabilityReportSchema, {
    nodeId,
    gpus: gpus.map((health, index) => ({
      index,
      vendor: capability.GpuVendor.NVIDIA,
      model: "A100",
      health,
    })),
    cpu: { architecture: capability.CpuArchitecture.X86_64, physicalCores: 64 },
    networkInterfaces: [{
      name: "hsn0",
      fabric: capability.NetworkFabric.SLINGSHOT,
      state: capability.InterfaceOperState.UP,
    }],
    software: { services: [{ name: "slurmd", state: "Running" }] },
  });
}

/** A journal that knows these nodes. */
export function journalOf(...nodes: journal.NodeStateDetail[]) {
  const find = (nodeId: string) => {
    const detail = nodes.find((node) => node.nodeId === nodeId);
    if (detail === undefined) throw new PactError("NOT_FOUND", `node ${nodeId} not found`);
    return detail;
  };
  return {
    config: {
      getNodeState: ({ nodeId }: journal.GetNodeStateRequest) => {
        const detail = find(nodeId);
        return { nodeId, configState: detail.configState, detail };
      },
    },
    fleet: {
      listNodeStates: ({ vclusterId }: journal.ListNodeStatesRequest) => ({
        nodes: nodes.filter((node) => vclusterId === "" || node.vclusterId === vclusterId),
        nextPageToken: "",
        warnings: [],
      }),
    },
  };
}

/** Answers a call with a refusal. */
export function refuse(
  code: ConstructorParameters<typeof PactError>[0],
  message: string,
  trailers: Readonly<Record<string, string>> = {},
): () => never {
  return () => {
    throw new PactError(code, message, { trailers });
  };
}
