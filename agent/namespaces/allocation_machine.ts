/**
 * The life of an allocation's namespaces after they were handed over (NS-22, WLI-3): a pure machine,
 * one instance per allocation.
 *
 * | state             | event                     | next     | effects                                |
 * |-------------------|---------------------------|----------|----------------------------------------|
 * | Live, unused      | scopePopulated            | Live     | cancel the unused timer, audit         |
 * | Live, unused      | unusedExpired             | Cleaning | clean up                               |
 * | Live, in use      | scopeEmptied              | Cleaning | clean up                               |
 * | Live, in use      | endAsked                  | Live     | (deferred until the scope is empty)    |
 * | Live, not in use  | endAsked                  | Cleaning | clean up                               |
 * | Live              | holderDied                | as endAsked | audit, tell consumers               |
 * | Cleaning          | cleaned                   | Gone     | audit, tell consumers, forget          |
 * | Cleaning          | cleanupFailed             | Cleaning | warn, try again later                  |
 *
 * What no longer fits its state changes nothing.
 */
import { UNUSED_CLEANUP_MS } from "../../contracts/mod.ts";

export type AllocationState =
  | {
    readonly name: "Live";
    /** Processes run in the allocation's scope. */
    readonly isInUse: boolean;
    /** They once did. */
    readonly wasUsed: boolean;
    readonly isTold: boolean;
  }
  | {
    readonly name: "Cleaning";
    readonly why: string;
    readonly wasUsed: boolean;
    readonly isTold: boolean;
  }
  | { readonly name: "Gone" };

export type AllocationEvent =
  | { readonly type: "scopePopulated" }
  /** Nothing runs in the scope any more, or its directory has vanished. */
  | { readonly type: "scopeEmptied" }
  /** allocation_ended or release_namespaces came. */
  | { readonly type: "endAsked" }
  | { readonly type: "unusedExpired" }
  | { readonly type: "holderDied" }
  | { readonly type: "cleaned" }
  | { readonly type: "cleanupFailed"; readonly reason: string };

export type AllocationEffect =
  | { readonly type: "startUnusedTimer"; readonly delayMs: number }
  | { readonly type: "cancelUnusedTimer" }
  /** Release mounts, remove pins, end the holder. */
  | { readonly type: "cleanUp" }
  | { readonly type: "retryCleanup"; readonly delayMs: number }
  /** allocation_ended to every connected consumer. */
  | { readonly type: "tellEnded" }
  | { readonly type: "forget" }
  | { readonly type: "warn"; readonly reason: string }
  | {
    readonly type: "audit";
    readonly action:
      | "namespace.handoff_failed"
      | "namespace.cleanup"
      | "workload.allocation_start"
      | "workload.allocation_end";
    readonly isFailure: boolean;
    readonly detail: string;
  };

export interface AllocationStep {
  readonly state: AllocationState;
  readonly effects: readonly AllocationEffect[];
}

/** How long to wait after a cleanup that failed. */
export const CLEANUP_RETRY_MS = 5_000;

/** The first state, and what to do for it. @param wasUsed known from a former agent */
export function beginAllocation(wasUsed: boolean): AllocationStep {
  return {
    state: { name: "Live", isInUse: wasUsed, wasUsed, isTold: false },
    effects: wasUsed ? [] : [{ type: "startUnusedTimer", delayMs: UNUSED_CLEANUP_MS }],
  };
}

/** Advances one allocation by one event. */
export function stepAllocation(state: AllocationState, event: AllocationEvent): AllocationStep {
  if (state.name === "Gone") return { state, effects: [] };
  if (state.name === "Cleaning") return stepCleaning(state, event);
  switch (event.type) {
    case "scopePopulated":
      return {
        state: { ...state, isInUse: true, wasUsed: true },
        effects: state.wasUsed ? [] : [
          { type: "cancelUnusedTimer" },
          audit("workload.allocation_start", "first process in its scope"),
        ],
      };
    case "scopeEmptied":
      return state.isInUse ? clean(state, "its scope is empty") : { state, effects: [] };
    case "endAsked":
      return state.isInUse ? { state, effects: [] } : clean(state, "its end was announced");
    case "unusedExpired":
      return state.wasUsed ? { state, effects: [] } : clean(state, "its scope was never used");
    case "holderDied":
      return holderDied(state);
    case "cleaned":
    case "cleanupFailed":
      return { state, effects: [] };
  }
}

type Live = Extract<AllocationState, { name: "Live" }>;
type Cleaning = Extract<AllocationState, { name: "Cleaning" }>;

function stepCleaning(state: Cleaning, event: AllocationEvent): AllocationStep {
  if (event.type === "cleanupFailed") {
    return {
      state,
      effects: [
        { type: "warn", reason: event.reason },
        { type: "retryCleanup", delayMs: CLEANUP_RETRY_MS },
      ],
    };
  }
  if (event.type !== "cleaned") return { state, effects: [] };
  return {
    state: { name: "Gone" },
    effects: [
      audit("namespace.cleanup", state.why),
      ...(state.wasUsed ? [audit("workload.allocation_end", "")] : []),
      ...(state.isTold ? [] : [{ type: "tellEnded" } as const]),
      { type: "forget" },
    ],
  };
}

function clean({ wasUsed, isTold }: Live, why: string): AllocationStep {
  return {
    state: { name: "Cleaning", why, wasUsed, isTold },
    effects: [{ type: "cancelUnusedTimer" }, { type: "cleanUp" }],
  };
}

/** With the first process of its PID namespace all others in it have ended too. */
function holderDied(state: Live): AllocationStep {
  const told: Live = { ...state, isTold: true };
  const next = state.isInUse ? { state: told, effects: [] } : clean(told, "its holder died");
  return {
    state: next.state,
    effects: [
      {
        ...audit("namespace.handoff_failed", "the holder of its PID namespace died"),
        isFailure: true,
      },
      ...(state.isTold ? [] : [{ type: "tellEnded" } as const]),
      ...next.effects,
    ],
  };
}

type Audit = Extract<AllocationEffect, { type: "audit" }>;

function audit(action: Audit["action"], detail: string): Audit {
  return { type: "audit", action, isFailure: false, detail };
}
