import type { capability } from "../../api/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import { type Cell, type Column, durationText, printable, stateTone } from "../output/mod.ts";

/** Columns of a node's services (CLI-92). */
export const SERVICE_COLUMNS: readonly Column[] = [
  { heading: "SERVICE", width: 25 },
  { heading: "STATE", width: 12 },
  { heading: "PID" },
  { heading: "UPTIME" },
  { heading: "RESTARTS" },
];

/** A service's row; a failed one stands out in capitals. */
export function serviceRow(service: capability.ServiceStatus): Cell[] {
  const state = printable(service.state);
  const shown = state.toLowerCase() === "failed" ? "FAILED" : state;
  return [
    printable(service.name),
    { text: shown, tone: stateTone(shown) ?? stateTone(shown.toLowerCase()) },
    service.pid === 0 ? "-" : String(service.pid),
    service.pid === 0 ? "-" : durationText(Number(service.uptimeSeconds)),
    String(service.restartCount),
  ];
}

/** A service as JSON. */
export function serviceJson(service: capability.ServiceStatus): JsonValue {
  return {
    name: service.name,
    state: service.state,
    pid: service.pid === 0 ? null : service.pid,
    uptime_seconds: Number(service.uptimeSeconds),
    restart_count: service.restartCount,
  };
}
