import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { journal } from "../../api/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import { DRIFT_CATEGORIES } from "../../common/model/mod.ts";
import {
  agoText,
  type Cell,
  type Column,
  durationText,
  printable,
  stateTone,
} from "../output/mod.ts";
import { instantJson } from "./json.ts";

type NodeStateDetail = journal.NodeStateDetail;

/** Columns of the fleet's table (CLI-50). */
export const NODE_COLUMNS: readonly Column[] = [
  { heading: "NODE" },
  { heading: "VCLUSTER" },
  { heading: "STATE" },
  { heading: "ENROLLMENT" },
  { heading: "DRIFT" },
  { heading: "SERVICES" },
  { heading: "GPUS" },
  { heading: "LAST SEEN" },
  { heading: "NOTES" },
];

/** A state as text output spells it: `ObserveOnly` is `OBSERVE_ONLY`. */
export function stateWord(state: string): string {
  return state === ""
    ? "UNKNOWN"
    : printable(state).replaceAll(/(?<=[a-z])[A-Z]/g, "_$&").toUpperCase();
}

/** A node's row of the fleet's table. */
export function nodeRow(
  node: NodeStateDetail,
  warnings: readonly journal.HomogeneityWarning[],
  nowMs: number,
): Cell[] {
  const state = stateWord(node.configState);
  const enrollment = printable(node.enrollmentState) || "-";
  const seenMs = node.lastSeen && timestampMs(node.lastSeen);
  return [
    printable(node.nodeId),
    printable(node.vclusterId) || "-",
    { text: state, tone: stateTone(state) },
    { text: enrollment, tone: stateTone(enrollment) },
    driftTotal(node),
    servicesText(node),
    node.gpusTotal === 0 ? "-" : `${node.gpusHealthy}/${node.gpusTotal}`,
    agoText(seenMs, nowMs),
    nodeNotes(node, warnings, nowMs).join(", "),
  ];
}

function driftTotal({ drift }: NodeStateDetail): string {
  return drift === undefined || drift.total === 0 ? "-" : drift.total.toFixed(2);
}

function servicesText({ supervisor }: NodeStateDetail): string {
  if (supervisor === undefined) return "-";
  const { servicesRunning, servicesDeclared, servicesFailed } = supervisor;
  const failed = servicesFailed > 0 ? ` (${servicesFailed} failed)` : "";
  return `${servicesRunning}/${servicesDeclared}${failed}`;
}

function nodeNotes(
  node: NodeStateDetail,
  warnings: readonly journal.HomogeneityWarning[],
  nowMs: number,
): string[] {
  const notes: string[] = [];
  if (!node.live) notes.push("not live");
  const window = windowSeconds(node, nowMs);
  if (window !== undefined) notes.push(`window ${durationText(window)}`);
  if (node.emergencySession !== "") notes.push("emergency");
  for (const warning of warnings) {
    if (warning.nodeId !== node.nodeId) continue;
    notes.push(warning.expired ? "expired delta" : "diverges");
  }
  return notes;
}

/** Seconds left in the commit window; undefined when none is open. */
export function windowSeconds(node: NodeStateDetail, nowMs: number): number | undefined {
  if (node.windowDeadline === undefined) return undefined;
  const left = (timestampMs(node.windowDeadline) - nowMs) / 1000;
  return left > 0 ? left : undefined;
}

/** The drifted dimensions with their values, such as `kernel(1.0), mounts(2.0)`. */
export function driftText({ drift }: NodeStateDetail): string {
  if (drift === undefined) return "";
  return DRIFT_CATEGORIES.filter((category) => drift[category] > 0)
    .map((category) => `${category}(${smallNumber(drift[category])})`).join(", ");
}

/** At least one decimal, so that `1.0` does not read as a count; two where one would lie. */
function smallNumber(value: number): string {
  const [one, two] = [value.toFixed(1), value.toFixed(2)];
  return two.endsWith("0") ? one : two;
}

/** A node's state as JSON. */
export function nodeStateJson(node: NodeStateDetail): { [key: string]: JsonValue | undefined } {
  const { drift, supervisor } = node;
  return {
    node_id: node.nodeId,
    vcluster_id: node.vclusterId || null,
    state: stateWord(node.configState),
    enrollment_state: node.enrollmentState || null,
    live: node.live,
    drift: drift === undefined ? null : {
      ...Object.fromEntries(DRIFT_CATEGORIES.map((category) => [category, drift[category]])),
      total: drift.total,
    },
    services: supervisor === undefined ? null : {
      backend: supervisor.backend,
      declared: supervisor.servicesDeclared,
      running: supervisor.servicesRunning,
      failed: supervisor.servicesFailed,
    },
    gpus: { total: node.gpusTotal, healthy: node.gpusHealthy, degraded: node.gpusDegraded },
    memory: {
      total_bytes: Number(node.memoryTotal),
      available_bytes: Number(node.memoryAvailable),
    },
    window_deadline: instantJson(node.windowDeadline),
    last_seen: instantJson(node.lastSeen),
    emergency_session: node.emergencySession || null,
    overlay_version: Number(node.overlayVersion),
    applied_sequence: Number(node.appliedSequence),
    active_sessions: node.activeSessions,
    unavailable: [...node.unavailable],
  };
}
