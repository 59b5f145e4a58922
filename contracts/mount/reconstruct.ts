/**
 * The mount table after an agent restart (MT-6), computed from what the node shows: no running
 * allocation is disturbed, and computing it a second time changes nothing.
 */
import type { MountHandle } from "./handle.ts";
import { type MountEffect, type MountState, UNMOUNTED } from "./machine.ts";

/** One row of the agent's crash-safe table; `expiresAtMs` is set while the mount is held. */
export interface RecordedMount {
  readonly handle: MountHandle;
  readonly holders: readonly string[];
  readonly expiresAtMs: number | null;
}

export interface MountFacts {
  /** squashfs mounts below UENV_MOUNT_BASE, their loop devices resolved to image files. */
  readonly observed: readonly MountHandle[];
  /** Allocations whose scope is populated or whose pins exist. */
  readonly liveAllocations: ReadonlySet<string>;
  readonly recorded: readonly RecordedMount[];
  readonly holdTimeMs: number;
  readonly nowMs: number;
}

/** One mount as it must be now, and what the shell has to do for it. */
export interface ReconstructedMount {
  readonly handle: MountHandle;
  readonly state: MountState;
  readonly effects: readonly MountEffect[];
}

/** The mounts that exist or must exist, by mount point; see {@linkcode MountFacts}. */
export function reconstructMounts(facts: MountFacts): readonly ReconstructedMount[] {
  const observed = new Map(facts.observed.map((handle) => [handle.mountPoint, handle]));
  const recorded = new Map(facts.recorded.map((record) => [record.handle.mountPoint, record]));
  const mountPoints = [...new Set([...observed.keys(), ...recorded.keys()])].sort();
  return mountPoints.flatMap((mountPoint) => {
    const seen = observed.get(mountPoint);
    const record = recorded.get(mountPoint);
    const handle = seen ?? record?.handle;
    return handle ? [reconstructOne(handle, seen !== undefined, record, facts)] : [];
  });
}

/** The row to persist for a state; `null` when there is nothing to remember. */
export function recordMount(handle: MountHandle, state: MountState): RecordedMount | null {
  switch (state.name) {
    case "Mounted":
      return { handle, holders: state.holders, expiresAtMs: null };
    case "HoldForCache":
      return { handle, holders: [], expiresAtMs: state.expiresAtMs };
    case "Mounting":
      return { handle, holders: state.waiters, expiresAtMs: null };
    case "Unmounting":
    case "Unmounted":
      return null;
  }
}

function reconstructOne(
  handle: MountHandle,
  isMounted: boolean,
  record: RecordedMount | undefined,
  facts: MountFacts,
): ReconstructedMount {
  const before = record?.holders ?? [];
  const holders = before.filter((id) => facts.liveAllocations.has(id));
  const corrected = holders.length === before.length
    ? []
    : [correction(handle, `count ${before.length} to ${holders.length}`, holders)];
  if (isMounted && holders.length > 0) {
    return { handle, state: { name: "Mounted", holders }, effects: corrected };
  }
  if (isMounted) return held(handle, record, corrected, facts);
  if (holders.length > 0) {
    const vanished = correction(handle, `vanished with ${holders.length} references`, holders);
    const effects: MountEffect[] = [...corrected, vanished, { type: "mount" }];
    return { handle, state: { name: "Mounting", waiters: holders }, effects };
  }
  return { handle, state: UNMOUNTED, effects: [...corrected, { type: "removeDirectory" }] };
}

/** A mount nobody owns: the hold it already had goes on, otherwise one begins now. */
function held(
  handle: MountHandle,
  record: RecordedMount | undefined,
  corrected: readonly MountEffect[],
  facts: MountFacts,
): ReconstructedMount {
  const known = record?.expiresAtMs ?? null;
  const expiresAtMs = known ?? facts.nowMs + facts.holdTimeMs;
  const state: MountState = { name: "HoldForCache", expiresAtMs };
  const delayMs = Math.max(0, Math.min(expiresAtMs - facts.nowMs, facts.holdTimeMs));
  const unknown = record === undefined
    ? [correction(handle, "mounted without an owner", [])]
    : corrected;
  return { handle, state, effects: [...unknown, { type: "startHoldTimer", delayMs }] };
}

function correction(
  handle: MountHandle,
  detail: string,
  allocationIds: readonly string[],
): MountEffect {
  return {
    type: "audit",
    action: "mount.refcount_corrected",
    allocationIds,
    detail: `${handle.imagePath} at ${handle.mountPoint}: ${detail}`,
  };
}
