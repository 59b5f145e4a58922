import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { config, journal } from "../../../api/mod.ts";
import { PactError } from "../../../common/errors/mod.ts";
import { TEST_NOW } from "./memory_host.ts";

/** Fields of a message in plain form. */
type Fields<Schema extends DescMessage> = Exclude<MessageInitShape<Schema>, { $typeName: string }>;

/** `seconds` before (or, negative, after) the tests' now. */
export function ago(seconds: number) {
  return timestampFromMs(TEST_NOW - seconds * 1000);
}

/** A node's state. */
export function node(
  init: Fields<typeof journal.NodeStateDetailSchema> = {},
): journal.NodeStateDetail {
  return create(journal.NodeStateDetailSchema, {
    nodeId: "node-1",
    vclusterId: "ml",
    configState: "Committed",
    enrollmentState: "Active",
    live: true,
    lastSeen: ago(12),
    supervisor: { backend: "Pact", servicesDeclared: 3, servicesRunning: 3, servicesFailed: 0 },
    memoryTotal: 512n << 30n,
    memoryAvailable: 480n << 30n,
    overlayVersion: 4n,
    appliedSequence: 41n,
    ...init,
  });
}

/** A drifted node with an open window and an emergency. */
export const driftedNode = node({
  nodeId: "node-2",
  configState: "Emergency",
  lastSeen: ago(3700),
  live: false,
  gpusTotal: 4,
  gpusHealthy: 3,
  gpusDegraded: 1,
  supervisor: { backend: "Pact", servicesDeclared: 3, servicesRunning: 2, servicesFailed: 1 },
  drift: { kernel: 1, mounts: 2, files: 0.15, total: 2.45 },
  driftItems: {
    kernel: [{
      key: "vm.swappiness",
      action: config.DeltaAction.MODIFY,
      declaredValue: "60",
      actualValue: "10",
    }],
    mounts: [{
      path: "/scratch",
      action: config.DeltaAction.ADD,
      declared: { fsType: "nfs", source: "storage:/s", options: "rw" },
    }],
    services: [{
      name: "chronyd",
      action: config.DeltaAction.REMOVE,
      actualState: "running",
    }],
  },
  windowDeadline: ago(-702),
  emergencySession: "em-1",
});

/** A log entry. */
export function entry(
  init: Fields<typeof config.ConfigEntrySchema> = {},
): config.ConfigEntry {
  return create(config.ConfigEntrySchema, {
    sequence: 41n,
    timestamp: ago(600),
    entryType: config.EntryType.COMMIT,
    scope: { scope: { case: "vclusterId", value: "ml" } },
    author: {
      principal: "alice@example.org",
      principalType: "Human",
      role: "pact-platform-admin",
    },
    message: "Tune huge pages",
    policyRef: "apply:ml.toml",
    ...init,
  });
}

/** A node's committed delta of one kernel value, with a TTL. */
export function nodeDelta(sequence = 44n, ageSeconds = 600): config.ConfigEntry {
  return entry({
    sequence,
    timestamp: ago(ageSeconds),
    scope: { scope: { case: "nodeId", value: "node-1" } },
    message: "Try more swap",
    policyRef: "",
    ttl: { seconds: 7200n, nanos: 0 },
    stateDelta: {
      kernel: [{
        key: "vm.swappiness",
        action: config.DeltaAction.MODIFY,
        declaredValue: "60",
        actualValue: "10",
      }],
    },
  });
}

/** Answers a call with an error of the given code. */
export function refuse(
  code: ConstructorParameters<typeof PactError>[0],
  message: string,
  trailers: Readonly<Record<string, string>> = {},
): () => never {
  return () => {
    throw new PactError(code, message, { trailers });
  };
}

/** The answer of a journal that knows the node. */
export const enrolled = {
  inspectNode: ({ nodeId }: { nodeId: string }) => ({ nodeId, enrollmentState: "Active" }),
};
