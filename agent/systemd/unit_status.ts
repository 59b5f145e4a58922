/**
 * What `systemctl show` says of units, and what it means for a service (SYD-4). Pure.
 *
 * @module
 */
import { signalName } from "../../ffi/mod.ts";
import type { ServiceStatus } from "../supervisor/mod.ts";
import { serviceOfUnit } from "./unit_file.ts";

/** The properties that are asked for. */
export const PROPERTIES = [
  "Id",
  "ActiveState",
  "SubState",
  "Result",
  "MainPID",
  "NRestarts",
  "ActiveEnterTimestampMonotonic",
  "ExecMainCode",
  "ExecMainStatus",
  "StatusText",
] as const;

/** One unit as systemd sees it. */
export interface UnitStatus {
  readonly service: string;
  readonly state: ServiceStatus["state"];
  /** Why; empty when there is nothing to say. */
  readonly reason: string;
  readonly pid: number;
  readonly restarts: number;
  /** Microseconds of CLOCK_MONOTONIC; 0 when it was never active. */
  readonly activeSinceUsec: number;
  readonly statusText: string;
}

/** waitid(2)'s si_code of an exit, and of an end by a signal with and without a core file. */
const CLD_EXITED = 1;

/** The units of a `systemctl show` of several: blocks of NAME=VALUE with blank lines between. */
export function readUnitStatuses(output: string): readonly UnitStatus[] {
  const statuses: UnitStatus[] = [];
  for (const block of output.split(/\n{2,}/)) {
    const values = new Map<string, string>();
    for (const line of block.split("\n")) {
      const at = line.indexOf("=");
      if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
    }
    const service = serviceOfUnit(values.get("Id") ?? "");
    if (service !== null) statuses.push(unitStatus(service, values));
  }
  return statuses;
}

function unitStatus(service: string, values: ReadonlyMap<string, string>): UnitStatus {
  const number = (name: string) => Number(values.get(name)) || 0;
  const state = stateOf(values.get("ActiveState") ?? "", values.get("SubState") ?? "");
  return {
    service,
    state,
    reason: reasonOf(state, values),
    pid: number("MainPID"),
    restarts: number("NRestarts"),
    activeSinceUsec: number("ActiveEnterTimestampMonotonic"),
    statusText: (values.get("StatusText") ?? "").slice(0, 256),
  };
}

function stateOf(active: string, sub: string): ServiceStatus["state"] {
  switch (active) {
    case "active":
    case "reloading":
    case "refreshing":
      return "Running";
    case "activating":
      return sub.startsWith("auto-restart") ? "Restarting" : "Starting";
    case "deactivating":
      return "Stopping";
    case "failed":
      return "Failed";
    default:
      return "Stopped";
  }
}

function reasonOf(state: ServiceStatus["state"], values: ReadonlyMap<string, string>): string {
  const result = values.get("Result") ?? "";
  const status = Number(values.get("ExecMainStatus")) || 0;
  const code = Number(values.get("ExecMainCode")) || 0;
  if (state === "Starting" || state === "Running" || state === "Stopping") return "";
  if (result === "oom-kill") return "killed by OOM";
  if (result === "exec-condition" || result === "resources") return `not started: ${result}`;
  if (result === "timeout") return "killed after its time";
  if (result === "watchdog") return "no WATCHDOG=1 in time";
  if (code === 0) return result === "success" ? "" : result;
  // 203 and its neighbours are systemd's own, before the program ran (systemd.exec(5)).
  if (code === CLD_EXITED && status === 203) return "program cannot be executed (203/EXEC)";
  if (code === CLD_EXITED && status === 217) return "user unknown (217/USER)";
  return code === CLD_EXITED ? `exited with code ${status}` : `killed by ${signalName(status)}`;
}
