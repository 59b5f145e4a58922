import { config } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  auditEvent,
  type AuditOutcome,
  type AuditPrincipal,
  type AuditSink,
  nodeVclusterScope,
  systemPrincipal,
} from "../../contracts/mod.ts";
import { type DriftItem, itemName, stateDelta } from "../drift/mod.ts";
import { type Author, type EntryContent, type EntryWriter, nodeEntry } from "../entries/mod.ts";
import type { SupervisorNotice } from "../supervisor/mod.ts";
import type { ConvergenceEvent } from "../window/mod.ts";

/** What turning events into records needs. */
export interface EventContext {
  readonly writer: EntryWriter;
  readonly audit: AuditSink;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newUuid: () => string;
  place(): { readonly nodeId: string; readonly vclusterId: string };
  /** Something changed that status and reports show. */
  changed(): void;
}

/** What happens to the node's state, as entries, audit events and log lines (NAU-1). */
export function onConvergenceEvent(context: EventContext, event: ConvergenceEvent): void {
  const { log } = context;
  switch (event.kind) {
    case "driftDetected":
      log.warn("drift detected", { items: causes(event.items), magnitude: event.magnitude.total });
      append(context, {
        entryType: config.EntryType.DRIFT_DETECTED,
        stateDelta: stateDelta(event.items),
        message: `drift: ${causes(event.items) || "none left"}`,
      });
      audit(context, "config.drift_detected", causes(event.items));
      break;
    case "windowOpened":
    case "deadlineMoved":
      log.info("commit window open", { remaining_s: event.remainingSeconds });
      break;
    case "windowClosed":
      log.info("commit window closed", { reason: event.reason });
      break;
    case "committed":
      audit(context, "config.commit", names(event.items));
      break;
    case "rolledBack":
      onRolledBack(context, event);
      break;
    case "rollbackBlocked":
      log.error("rollback blocked by consumers", { by: event.blockedBy.join("; ") });
      audit(context, "config.rollback_blocked", event.blockedBy.join("; "));
      break;
    case "autoConverged":
      append(context, {
        entryType: config.EntryType.AUTO_CONVERGE,
        stateDelta: stateDelta(event.items),
        message: `reverted: ${causes(event.items)}`,
      });
      break;
    case "applied":
      for (const { name, reason } of event.result.failed) {
        log.error("not applied", { item: name, reason });
      }
      log.info("configuration applied", { changed: event.result.applied.length });
      break;
    case "alert":
      log.warn(event.text);
      break;
    case "stateChanged":
      log.info("node state", { state: event.nodeState });
  }
  context.changed();
}

/** Contact with the journal was lost or found again (PRT-1). */
export function onContactChange(
  context: EventContext,
  change: "lost" | "found",
  reason: string,
): void {
  if (change === "lost") {
    context.log.warn("degraded authorization mode: journal unreachable", { reason });
  } else context.log.info("journal reachable again");
  audit(context, "audit.degraded", change === "lost" ? `journal unreachable: ${reason}` : "over");
  context.changed();
}

/** What was done without contact is not wanted now: it stays on record and as drift (PRT-8). */
export function onReplayRejected(context: EventContext, reason: string): void {
  audit(context, "auth.denied", `replay rejected: ${reason}`);
}

/** An automatic rollback is the agent's own entry; a person's has one already (RBK-1). */
function onRolledBack(
  context: EventContext,
  { result, automatic }: Extract<ConvergenceEvent, { kind: "rolledBack" }>,
): void {
  const what = names(result.items);
  context.log.warn("rolled back", { items: what, automatic });
  audit(context, "config.rollback", what);
  if (!automatic) return;
  const left = result.incomplete.map(({ name }) => name).join(", ");
  append(context, {
    entryType: config.EntryType.ROLLBACK,
    policyRef: "auto-rollback:window-expired",
    message: `commit window expired, rolled back: ${what}${
      left === "" ? "" : `; incomplete: ${left}`
    }`,
  });
}

const LIFECYCLE: Readonly<Record<string, string>> = {
  start: "ServiceStart",
  stop: "ServiceStop",
  restart: "ServiceRestart",
  crash: "ServiceCrash",
};

/** What happens to services: an entry for what the log shows, a report for the rest (SUP-8). */
export function onSupervisorNotice(context: EventContext, notice: SupervisorNotice): void {
  context.changed();
  if (notice.kind !== "report") return;
  const { name, action, by, detail } = notice;
  context.log.info(`service ${action}`, { service: name, by: by.identity, detail });
  const word = LIFECYCLE[action];
  if (word === undefined) return;
  append(context, {
    entryType: config.EntryType.SERVICE_LIFECYCLE,
    message: detail === "" ? `${word} ${name}` : `${word} ${name}: ${detail}`,
  }, authorOf(by));
}

/** A person who asked is the author; what the supervisor did by itself is the agent's. */
function authorOf({ identity, principalType, role }: AuditPrincipal): Author | undefined {
  return principalType === "System" ? undefined : { principal: identity, principalType, role };
}

function append(context: EventContext, content: EntryContent, author?: Author): void {
  const { nodeId } = context.place();
  const message = content.message?.slice(0, 4096) ?? "";
  const entry = nodeEntry(nodeId, context.clock.nowMs(), author, { ...content, message });
  context.writer.write({ entry }).catch((error: unknown) =>
    context.log.error("entry refused by the journal", { message, error: String(error) })
  );
}

function audit(context: EventContext, action: string, detail: string): void {
  auditOf(context, action, detail, systemPrincipal("pact-agent"));
}

/** Puts what somebody did, or was not allowed to do, on the node's record. */
export function auditOf(
  context: EventContext,
  action: string,
  detail: string,
  principal: AuditPrincipal,
  outcome: AuditOutcome = "Success",
  allocationId: string | null = null,
): void {
  const { nodeId, vclusterId } = context.place();
  const scope = nodeVclusterScope(nodeId, vclusterId);
  context.audit.emit(auditEvent({
    id: context.newUuid(),
    nowUsec: BigInt(Math.round(context.clock.nowMs())) * 1000n,
    principal,
    action,
    scope: { ...scope, allocationId },
    outcome,
    source: "PactAgent",
    detail,
  }));
}

/** The author of an entry as audit events name people. */
export function principalOf({ principal, principalType, role }: Author): AuditPrincipal {
  const isKnown = principalType === "Human" || principalType === "Agent";
  return { identity: principal, principalType: isKnown ? principalType : "Service", role };
}

function names(items: readonly DriftItem[]): string {
  return items.map(itemName).join(", ");
}

/** The items, each with who gave the command and which process did it, as far as known (OBS-11). */
function causes(items: readonly DriftItem[]): string {
  return items.map((item) => {
    const { attribution, cause } = item;
    const who = [attribution?.actor, cause].filter((text) => text !== undefined).join(", ");
    return who === "" ? itemName(item) : `${itemName(item)} by ${who}`;
  }).join(", ");
}
