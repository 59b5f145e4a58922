import type { QuorumAdmin } from "../membership/mod.ts";
import type { RunningEngine } from "../policy/mod.ts";
import type { ReplicaStatus } from "../replica/mod.ts";

/** How long a member may be without a leader before that is an outage rather than an election. */
const LEADERLESS_LIMIT_MS = 10_000;

/** Entries a member may have left to apply and still be as good as the others for booting nodes. */
const READY_MAX_LAG = 1_000n;

/** What health is judged by. */
export interface HealthFacts {
  readonly replica: ReplicaStatus;
  readonly quorum: Pick<QuorumAdmin, "view" | "leaderlessMs">;
  /** Absent where roles alone decide, and until it is open. */
  readonly policyEngine?: Pick<RunningEngine, "kind" | "isUp"> | undefined;
}

/** An answer of the health listener. */
export interface HealthAnswer {
  readonly httpStatus: 200 | 503;
  readonly body: Readonly<Record<string, string | number | boolean | null>>;
}

/** What `/health` answers (journal.md 14.1); undefined facts: the member still recovers. */
export function healthOf(facts: HealthFacts | undefined, version: string): HealthAnswer {
  if (facts === undefined) {
    const body = { status: "starting", reason: "the log and the state are being read", version };
    return { httpStatus: 503, body };
  }
  const { replica: { log, ...replica }, quorum } = facts;
  const { members } = quorum.view();
  const isInitialized = members.length > 0;
  const reason = reasonAgainst(facts, isInitialized, members.some(({ isSelf }) => isSelf));
  const body = {
    status: reason === undefined ? "healthy" : "degraded",
    role: isInitialized ? log.role : "uninitialized",
    entries: replica.nextSequence,
    leader_id: log.leaderId === undefined ? null : Number(log.leaderId),
    term: Number(log.term),
    last_applied: Number(replica.appliedIndex),
    version,
    log: log.engine,
    ...engineBody(facts.policyEngine),
    ...(log.storeBytes === undefined ? {} : { log_bytes: log.storeBytes }),
    ...(reason === undefined ? {} : { reason }),
  };
  return { httpStatus: reason === undefined ? 200 : 503, body };
}

/** An engine that is down leaves the member healthy: the degraded table decides (OPA-12). */
function engineBody(engine: HealthFacts["policyEngine"]): Record<string, string> {
  const state = engine?.isUp() === true ? "ok" : "down";
  return {
    policy_engine: engine?.kind ?? "rbac",
    opa: engine?.kind === "opa" ? state : "disabled",
    ...(engine?.kind === "embedded" ? { embedded: state } : {}),
  };
}

function reasonAgainst(
  { replica, quorum }: HealthFacts,
  isInitialized: boolean,
  isMember: boolean,
): string | undefined {
  const { log, health } = replica;
  if (log.failure !== undefined) return log.failure;
  if (health !== "ok") return replica.reason ?? health;
  if (!isInitialized) {
    return "this member waits for a leader to tell it the membership (JRN-55)";
  }
  if (!isMember) return "this member was removed from the quorum: stop it";
  const leaderlessMs = quorum.leaderlessMs();
  if (log.leaderId === undefined && leaderlessMs > LEADERLESS_LIMIT_MS) {
    const why = log.trouble === undefined ? "" : `: ${log.trouble}`;
    return `no leader known for ${Math.floor(leaderlessMs / 1000)} s${why}`;
  }
  return log.trouble;
}

/** What `/ready` answers: whether nodes may boot from this member, with a quorum or without. */
export function readinessOf(facts: HealthFacts | undefined): HealthAnswer {
  const reason = reasonNotReady(facts);
  return reason === undefined
    ? { httpStatus: 200, body: { ready: true } }
    : { httpStatus: 503, body: { ready: false, reason } };
}

function reasonNotReady(facts: HealthFacts | undefined): string | undefined {
  if (facts === undefined) return "starting";
  const { health, reason, log: { commitIndex }, appliedIndex } = facts.replica;
  if (health === "failed") return reason ?? "failed";
  if (!facts.quorum.view().members.some(({ isSelf }) => isSelf)) return "not a member";
  const lag = commitIndex - appliedIndex;
  return lag > READY_MAX_LAG ? `${lag} entries are still to be applied` : undefined;
}
