/**
 * Which certificates are refused, and the end of connections under one that is from now on (CRT-6).
 * It owns the timers of those to come and ends with `close`.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { RpcServer } from "../../common/rpc_server/mod.ts";
import type { Replica } from "../replica/mod.ts";

/** How long a revoked connection stays, for its streams to end with the reason. */
const GRACE_MS = 1_000;
const TOGETHER_MS = 500;

/** Revocations as the state has them. */
export interface Revocations {
  isRevoked(serialHex: string): boolean;
  /** Ends connections of `rpc` as their certificates are revoked, until the returned call. */
  follow(rpc: Pick<RpcServer, "disconnect">): () => void;
}

/** The revocations of the replicated registry. */
export function createRevocations(
  replica: Pick<Replica, "state" | "onApplied">,
  clock: Clock,
): Revocations {
  const isRevoked = (serialHex: string) => {
    const revocation = replica.state.get("revoked_serials", serialHex);
    if (revocation === undefined) return false;
    const { effective_from } = revocation;
    return effective_from === undefined || Date.parse(effective_from) <= clock.nowMs();
  };
  return { isRevoked, follow: (rpc) => followRevocations(replica, clock, rpc, isRevoked) };
}

function followRevocations(
  replica: Pick<Replica, "state" | "onApplied">,
  clock: Clock,
  rpc: Pick<RpcServer, "disconnect">,
  isRevoked: (serialHex: string) => boolean,
): () => void {
  const nodeTimers = new Set<TimerHandle>();
  const dues = new Map<number, { readonly serials: Set<string>; readonly timer: TimerHandle }>();
  /** Those of one second are looked for together: a fleet may come for new certificates at once. */
  const endSoon = (serial: string, effectiveFrom: string | undefined) => {
    const nowMs = clock.nowMs();
    const fromMs = Math.max(nowMs, effectiveFrom === undefined ? 0 : Date.parse(effectiveFrom));
    const due = Math.ceil((fromMs + GRACE_MS) / TOGETHER_MS) * TOGETHER_MS;
    const known = dues.get(due);
    if (known !== undefined) return void known.serials.add(serial);
    const serials = new Set([serial]);
    const timer = clock.setTimer(due - nowMs, () => {
      dues.delete(due);
      rpc.disconnect(({ certificate }) =>
        certificate !== undefined && serials.has(certificate.serialHex) &&
        isRevoked(certificate.serialHex)
      );
    });
    dues.set(due, { serials, timer });
  };
  /** An SVID has no serial that anybody here knows of before it comes: it ends with its node. */
  const endSvidsSoon = (nodeId: string) => {
    const timer = clock.setTimer(GRACE_MS, () => {
      nodeTimers.delete(timer);
      if (replica.state.get("enrollments", nodeId)?.state !== "Revoked") return;
      rpc.disconnect(({ certificate }) =>
        certificate?.svid !== undefined && certificate.kind === "agent" &&
        certificate.nodeId === nodeId
      );
    });
    nodeTimers.add(timer);
  };
  const endAllSoon = () => {
    for (const [serial, { effective_from }] of replica.state.list("revoked_serials")) {
      endSoon(serial, effective_from);
    }
  };
  // Revocations of before the start may take effect after it.
  endAllSoon();
  const stop = replica.onApplied(({ writes, restored }) => {
    // A snapshot does not say what it changed.
    if (restored) endAllSoon();
    for (const [nodeId, record] of writes.enrollments) {
      if (record?.state === "Revoked") endSvidsSoon(nodeId);
    }
    for (const [serial, revocation] of writes.revoked_serials) {
      if (revocation !== undefined) endSoon(serial, revocation.effective_from);
    }
  });
  return () => {
    stop();
    for (const { timer } of dues.values()) clock.clearTimer(timer);
    for (const timer of nodeTimers) clock.clearTimer(timer);
  };
}
