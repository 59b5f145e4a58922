import { z } from "zod";
import type { journal } from "../../api/mod.ts";
import { DRIFT_CATEGORIES } from "../../common/model/mod.ts";
import { countOf, instantText, oneLine } from "./text.ts";

/** A node's state as structured output. */
export const NodeStateSchema = z.object({
  node_id: z.string(),
  vcluster_id: z.string().nullable(),
  state: z.string().describe("COMMITTED, DRIFTED, CONVERGING, EMERGENCY or OBSERVE_ONLY"),
  enrollment_state: z.string().nullable(),
  live: z.boolean(),
  drift: z.record(z.string(), z.number()).describe("magnitude by dimension, and total"),
  services: z.object({
    declared: z.number().int(),
    running: z.number().int(),
    failed: z.number().int(),
  }).nullable(),
  gpus: z.object({
    total: z.number().int(),
    healthy: z.number().int(),
    degraded: z.number().int(),
  }),
  window_deadline: z.string().nullable().describe("when the open commit window closes"),
  emergency_session: z.string().nullable(),
  last_seen: z.string().nullable(),
  warnings: z.array(z.string()),
});

/** A node's state as structured output. */
export type NodeState = z.infer<typeof NodeStateSchema>;

/** What the journal says of a node, with the warnings that concern it. */
export function nodeStateOf(
  detail: journal.NodeStateDetail,
  warnings: readonly journal.HomogeneityWarning[],
): NodeState {
  const { supervisor, drift } = detail;
  return {
    node_id: oneLine(detail.nodeId),
    vcluster_id: oneLine(detail.vclusterId) || null,
    state: stateWord(detail.configState),
    enrollment_state: oneLine(detail.enrollmentState) || null,
    live: detail.live,
    drift: drift === undefined ? {} : {
      ...Object.fromEntries(
        DRIFT_CATEGORIES.filter((category) => drift[category] > 0)
          .map((category) => [category, rounded(drift[category])]),
      ),
      total: rounded(drift.total),
    },
    services: supervisor === undefined ? null : {
      declared: supervisor.servicesDeclared,
      running: supervisor.servicesRunning,
      failed: supervisor.servicesFailed,
    },
    gpus: {
      total: detail.gpusTotal,
      healthy: detail.gpusHealthy,
      degraded: detail.gpusDegraded,
    },
    window_deadline: instantText(detail.windowDeadline) ?? null,
    emergency_session: oneLine(detail.emergencySession) || null,
    last_seen: instantText(detail.lastSeen) ?? null,
    warnings: warnings.filter(({ nodeId }) => nodeId === detail.nodeId).map(warningText),
  };
}

/** A state as text spells it: `ObserveOnly` is `OBSERVE_ONLY`. */
export function stateWord(state: string): string {
  return oneLine(state).replaceAll(/(?<=[a-z])[A-Z]/g, "_$&").toUpperCase() || "UNKNOWN";
}

/** The state of one node, a fact a line (CLI-50). */
export function nodeStateText(node: NodeState, detail: journal.NodeStateDetail): string {
  const { services, gpus } = node;
  const gigabytes = (bytes: bigint) => (countOf(bytes) / 1024 ** 3).toFixed(1);
  return [
    `Node: ${node.node_id}  vCluster: ${node.vcluster_id ?? "(none)"}  State: ${node.state}`,
    services &&
    `Supervisor: ${services.running}/${services.declared} running, ${services.failed} failed`,
    detail.memoryTotal > 0n &&
    `Memory: ${gigabytes(detail.memoryAvailable)} GB / ${
      gigabytes(detail.memoryTotal)
    } GB available`,
    gpus.total > 0 &&
    `GPUs: ${gpus.total} total (${gpus.healthy} healthy, ${gpus.degraded} degraded)`,
    driftText(node) !== "" && `Drift: ${driftText(node)}`,
    node.window_deadline && `Commit window open until ${node.window_deadline}`,
    node.emergency_session && `Emergency: session ${node.emergency_session}`,
    `Last seen: ${node.last_seen ?? "never"}${node.live ? "" : " (not connected now)"}`,
    ...node.warnings.map((warning) => `Warning: ${warning}`),
  ].filter((line) => typeof line === "string" && line !== "").join("\n");
}

/** Headings of {@link nodeStateRow}. */
export const NODE_STATE_HEADINGS = [
  "NODE",
  "VCLUSTER",
  "STATE",
  "DRIFT",
  "SERVICES",
  "GPUS",
  "LAST SEEN",
  "NOTES",
] as const;

/** A node's row in a table of the fleet. */
export function nodeStateRow(node: NodeState): string[] {
  const { services, gpus } = node;
  const failed = services !== null && services.failed > 0 ? ` (${services.failed} failed)` : "";
  return [
    node.node_id,
    node.vcluster_id ?? "-",
    node.state,
    driftText(node) || "-",
    services === null ? "-" : `${services.running}/${services.declared}${failed}`,
    gpus.total === 0 ? "-" : `${gpus.healthy}/${gpus.total}`,
    node.last_seen ?? "never",
    [
      ...(node.live ? [] : ["not connected"]),
      ...(node.window_deadline === null ? [] : [`window until ${node.window_deadline}`]),
      ...(node.emergency_session === null ? [] : ["emergency"]),
      ...node.warnings,
    ].join("; "),
  ];
}

/** The drifted dimensions with their values: `kernel(1.0), mounts(2.0)`. */
function driftText({ drift }: NodeState): string {
  return Object.entries(drift).filter(([category]) => category !== "total")
    .map(([category, value]) => `${category}(${value.toFixed(1)})`).join(", ");
}

function warningText({ keys, expired }: journal.HomogeneityWarning): string {
  return expired
    ? "holds an expired delta: clean it up"
    : `diverges from its vCluster in ${oneLine(keys.join(", "))}: promote or revert`;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
