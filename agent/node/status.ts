import { create } from "@bufbuild/protobuf";
import { capability, journal, timestampFromMs } from "../../api/mod.ts";
import { driftMagnitude, driftVector } from "../drift/mod.ts";
import type { Unavailable } from "../isolation/mod.ts";
import type { SupervisorStatus } from "../supervisor/mod.ts";
import type { ConvergenceStatus } from "../window/mod.ts";

/** What a status is made of. */
export interface StatusFacts {
  readonly nodeId: string;
  readonly vclusterId: string;
  readonly nowMs: number;
  readonly convergence: ConvergenceStatus;
  readonly supervisor: SupervisorStatus;
  readonly backend: string;
  readonly unavailable: readonly string[];
  readonly activeSessions: number;
}

/** The node's state as it reports and shows it (DRIFT-7, SUP-10). */
export function nodeStatus(facts: StatusFacts): journal.NodeStateDetail {
  const { convergence } = facts;
  const remaining = convergence.remainingSeconds;
  return create(journal.NodeStateDetailSchema, {
    nodeId: facts.nodeId,
    vclusterId: facts.vclusterId,
    configState: convergence.nodeState,
    drift: driftMagnitude(convergence.magnitude),
    driftItems: driftVector(convergence.items),
    supervisor: supervisorSummary(facts.supervisor, facts.backend),
    ...(remaining === undefined
      ? {}
      : { windowDeadline: timestampFromMs(facts.nowMs + remaining * 1000) }),
    lastSeen: timestampFromMs(facts.nowMs),
    overlayVersion: convergence.overlayVersion,
    appliedSequence: convergence.sequence,
    live: true,
    activeSessions: facts.activeSessions,
    unavailable: [...facts.unavailable],
  });
}

/** The supervisor's counts. */
export function supervisorSummary(
  status: SupervisorStatus,
  backend: string,
): capability.SupervisorStatus {
  return create(capability.SupervisorStatusSchema, {
    backend,
    servicesDeclared: status.declared,
    servicesRunning: status.running,
    servicesFailed: status.failed,
  });
}

/** Everything this node cannot do, one text each, none twice (CTX-5). */
export function unavailableTexts(
  lists: readonly Unavailable[],
  convergence: ConvergenceStatus,
): string[] {
  const texts = [
    ...lists.map(({ what, reason }) => `${what}: ${reason}`),
    ...convergence.unavailable.map(({ name, reason }) => `${name}: ${reason}`),
    ...convergence.failures.map(({ name, reason }) => `${name} not applied: ${reason}`),
  ];
  return [...new Set(texts)];
}
