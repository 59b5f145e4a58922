import { type AuditEvent, auditEvent, type AuditOutcome } from "../../contracts/mod.ts";
import type { NodePlace } from "./environment.ts";
import type { ReportAction } from "./service_state.ts";
import type { ServiceReport } from "./notices.ts";

/** The action of contracts.md 7.2 and its outcome, for everything that is reported. */
const AUDITED: Readonly<Record<ReportAction, readonly [action: string, outcome: AuditOutcome]>> = {
  start: ["service.start", "Success"],
  start_failed: ["service.start", "Failure"],
  stop: ["service.stop", "Success"],
  restart: ["service.restart", "Success"],
  crash: ["service.crash", "Failure"],
  oom: ["service.oom", "Failure"],
  health_failed: ["service.health_failed", "Failure"],
  kill_failed: ["cgroup.kill_failed", "Failure"],
};

/** The audit event of a report; `source` is who noticed, where that was not the supervisor (SYD-5). */
export function serviceAuditEvent(
  { name, action, by, detail, atMs }: ServiceReport,
  { nodeId, vclusterId }: NodePlace,
  id: string,
  source?: "systemd",
): AuditEvent {
  const [audited, outcome] = AUDITED[action];
  return auditEvent({
    id,
    nowUsec: BigInt(Math.round(atMs)) * 1000n,
    principal: by,
    action: audited,
    scope: { nodeId, vclusterId: vclusterId === "" ? null : vclusterId, allocationId: null },
    outcome,
    source: "PactAgent",
    detail: `service ${name}: ${detail}`,
    metadata: source === undefined ? { service: name } : { service: name, source },
  });
}
