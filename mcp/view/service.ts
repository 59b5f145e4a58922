import { z } from "zod";
import type { capability } from "../../api/mod.ts";
import { countOf, oneLine } from "./text.ts";

/** A supervised service as structured output. */
export const ServiceSchema = z.object({
  name: z.string(),
  state: z.string(),
  pid: z.number().int().nullable(),
  uptime_seconds: z.number(),
  restart_count: z.number().int(),
});

/** A supervised service. */
export type Service = z.infer<typeof ServiceSchema>;

/** A service as its agent reports it. */
export function serviceOf(status: capability.ServiceStatus): Service {
  return {
    name: oneLine(status.name),
    state: oneLine(status.state),
    pid: status.pid === 0 ? null : status.pid,
    uptime_seconds: countOf(status.uptimeSeconds),
    restart_count: status.restartCount,
  };
}

/** A service's row behind its node's name. */
export function serviceRow(node: string, service: Service): string[] {
  return [
    node,
    service.name,
    service.state,
    service.pid === null ? "-" : String(service.pid),
    service.pid === null ? "-" : `${service.uptime_seconds}s`,
    String(service.restart_count),
  ];
}

/** Headings of {@link serviceRow}. */
export const SERVICE_HEADINGS = [
  "NODE",
  "SERVICE",
  "STATE",
  "PID",
  "UPTIME",
  "RESTARTS",
] as const;
