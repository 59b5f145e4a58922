/**
 * The life of one shared mount (MT-4, MT-5): a pure machine, one instance per image file.
 *
 * | state        | event                 | next         | effects                               |
 * |--------------|-----------------------|--------------|---------------------------------------|
 * | Unmounted    | acquire               | Mounting     | mount                                 |
 * | Mounting     | acquire               | Mounting     | (joins the waiters)                   |
 * | Mounting     | release by a waiter   | Mounting     | reject that waiter                    |
 * | Mounting     | mounted               | Mounted      | audit, grant to each waiter           |
 * | Mounting     | mounted, none waiting | HoldForCache | start the hold timer                  |
 * | Mounting     | mountFailed           | Unmounted    | remove the directory, reject waiters  |
 * | Mounted      | acquire, new          | Mounted      | grant                                 |
 * | Mounted      | acquire, same         | Mounted      | grant                                 |
 * | Mounted      | release, others left  | Mounted      |                                       |
 * | Mounted      | release, last         | HoldForCache | start the hold timer, audit           |
 * | HoldForCache | acquire               | Mounted      | cancel the timer, grant               |
 * | HoldForCache | holdExpired           | Unmounting   | unmount                               |
 * | Unmounting   | acquire               | Unmounting   | (joins the waiters)                   |
 * | Unmounting   | unmounted             | Unmounted    | remove the directory                  |
 * | Unmounting   | unmounted, waiters    | Mounting     | mount                                 |
 * | Unmounting   | unmountBusy           | HoldForCache | warn, start the hold timer            |
 * | Unmounting   | unmountBusy, waiters  | Mounted      | warn, grant to each waiter            |
 * | any mounted  | forceUnmount          | Unmounted    | audit, cancel the timer, force        |
 *
 * The shell performs the effects of one image in order, one after the other, and reports how
 * each mount and unmount ended. An event that no longer fits its state (a timer that fired
 * late, a result that came after a forced unmount) changes nothing.
 */
import { MountError } from "./error.ts";
import type { MountHandle } from "./handle.ts";

/** References and waiters are sets of allocation ids, each id at most once. */
export type MountState =
  | { readonly name: "Unmounted" }
  | { readonly name: "Mounting"; readonly waiters: readonly string[] }
  | { readonly name: "Mounted"; readonly holders: readonly string[] }
  | { readonly name: "HoldForCache"; readonly expiresAtMs: number }
  | { readonly name: "Unmounting"; readonly waiters: readonly string[] };

export type MountEvent =
  | { readonly type: "acquire"; readonly allocationId: string }
  | { readonly type: "release"; readonly allocationId: string }
  | { readonly type: "mounted" }
  | { readonly type: "mountFailed"; readonly reason: string }
  | { readonly type: "holdExpired" }
  | { readonly type: "unmounted" }
  /** `holders` names what keeps the mount busy, for the log. */
  | { readonly type: "unmountBusy"; readonly holders: string }
  | { readonly type: "forceUnmount"; readonly emergency: boolean };

export type MountAction =
  | "mount.acquire"
  | "mount.release"
  | "mount.force_unmount"
  | "mount.refcount_corrected";

export type MountEffect =
  /** Check the image, make the directory, attach a loop device, mount `ro,nosuid,nodev`. */
  | { readonly type: "mount" }
  /** Bind the mount into the allocation's namespace if it is not there, and answer. */
  | { readonly type: "grant"; readonly allocationId: string }
  /** Answer the allocation with this error. */
  | { readonly type: "reject"; readonly allocationId: string; readonly error: MountError }
  /** The event itself is refused; answer whoever sent it. */
  | { readonly type: "refuse"; readonly error: MountError }
  /** Replaces a timer that is already running. */
  | { readonly type: "startHoldTimer"; readonly delayMs: number }
  | { readonly type: "cancelHoldTimer" }
  | { readonly type: "unmount" }
  /** Unmount now; detach lazily if it is busy. */
  | { readonly type: "forceUnmount" }
  | { readonly type: "removeDirectory" }
  | { readonly type: "warn"; readonly error: MountError }
  /** Must be accepted by the audit sink before the effects after it (AS-6). */
  | {
    readonly type: "audit";
    readonly action: MountAction;
    readonly allocationIds: readonly string[];
    readonly detail: string;
  };

export interface MountStep {
  readonly state: MountState;
  readonly effects: readonly MountEffect[];
}

/** What the machine needs to know about its image. */
export interface MountContext {
  readonly handle: MountHandle;
  readonly holdTimeMs: number;
}

/** Allocations that may hold or wait for one image at once. */
export const MAX_MOUNT_REFERENCES = 4096;

export const UNMOUNTED: MountState = { name: "Unmounted" };

/** MT-5: references to the mount, one for each allocation that was granted it. */
export function mountCount(state: MountState): number {
  return state.name === "Mounted" ? state.holders.length : 0;
}

/** Advances one mount by one event at time `nowMs`. */
export function stepMount(
  state: MountState,
  event: MountEvent,
  nowMs: number,
  context: MountContext,
): MountStep {
  switch (event.type) {
    case "acquire":
      return acquire(state, event.allocationId, context);
    case "release":
      return release(state, event.allocationId, nowMs, context);
    case "mounted":
      if (state.name !== "Mounting") return same(state);
      if (state.waiters.length === 0) return hold(nowMs, context);
      return to({ name: "Mounted", holders: state.waiters }, [
        audit("mount.acquire", state.waiters, context),
        ...state.waiters.map(grant),
      ]);
    case "mountFailed":
      if (state.name !== "Mounting") return same(state);
      return to(UNMOUNTED, [
        { type: "removeDirectory" },
        ...state.waiters.map((waiter) => reject(waiter, event.reason, context)),
      ]);
    case "holdExpired":
      if (state.name !== "HoldForCache" || nowMs < state.expiresAtMs) return same(state);
      return to({ name: "Unmounting", waiters: [] }, [{ type: "unmount" }]);
    case "unmounted":
      if (state.name !== "Unmounting") return same(state);
      return state.waiters.length === 0
        ? to(UNMOUNTED, [{ type: "removeDirectory" }])
        : to({ name: "Mounting", waiters: state.waiters }, [{ type: "mount" }]);
    case "unmountBusy":
      return unmountBusy(state, event.holders, nowMs, context);
    case "forceUnmount":
      return forceUnmount(state, event.emergency, context);
  }
}

function acquire(state: MountState, allocationId: string, context: MountContext): MountStep {
  const present = referencesOf(state);
  if (!present.includes(allocationId) && present.length >= MAX_MOUNT_REFERENCES) {
    return to(state, [reject(allocationId, "too many references", context)]);
  }
  switch (state.name) {
    case "Unmounted":
      return to({ name: "Mounting", waiters: [allocationId] }, [{ type: "mount" }]);
    case "Mounting":
    case "Unmounting":
      return same({ ...state, waiters: withMember(state.waiters, allocationId) });
    case "Mounted":
      return to({ ...state, holders: withMember(state.holders, allocationId) }, [
        grant(allocationId),
      ]);
    case "HoldForCache":
      return to({ name: "Mounted", holders: [allocationId] }, [
        { type: "cancelHoldTimer" },
        grant(allocationId),
      ]);
  }
}

function release(
  state: MountState,
  allocationId: string,
  nowMs: number,
  context: MountContext,
): MountStep {
  if (!referencesOf(state).includes(allocationId)) {
    const detail = `release without acquire by ${allocationId}`;
    const { imagePath } = context.handle;
    return refuse(state, new MountError({ kind: "RefcountInconsistency", imagePath, detail }));
  }
  switch (state.name) {
    case "Mounting":
    case "Unmounting":
      return to({ ...state, waiters: without(state.waiters, allocationId) }, [
        reject(allocationId, "released before it was mounted", context),
      ]);
    case "Mounted": {
      const holders = without(state.holders, allocationId);
      if (holders.length > 0) return same({ ...state, holders });
      const held = hold(nowMs, context);
      return to(held.state, [...held.effects, audit("mount.release", [allocationId], context)]);
    }
    case "Unmounted":
    case "HoldForCache":
      return same(state);
  }
}

function unmountBusy(
  state: MountState,
  holders: string,
  nowMs: number,
  context: MountContext,
): MountStep {
  if (state.name !== "Unmounting") return same(state);
  const { mountPoint } = context.handle;
  const error = new MountError({ kind: "UnmountFailed", mountPoint, reason: `busy: ${holders}` });
  if (state.waiters.length > 0) {
    return to({ name: "Mounted", holders: state.waiters }, [
      { type: "warn", error },
      ...state.waiters.map(grant),
    ]);
  }
  const held = hold(nowMs, context);
  return to(held.state, [{ type: "warn", error }, ...held.effects]);
}

function forceUnmount(state: MountState, emergency: boolean, context: MountContext): MountStep {
  if (!emergency) return refuse(state, new MountError({ kind: "PermissionDenied" }));
  if (state.name === "Unmounted" || state.name === "Mounting") {
    const { mountPoint } = context.handle;
    return refuse(
      state,
      new MountError({ kind: "UnmountFailed", mountPoint, reason: "not mounted" }),
    );
  }
  const waiters = state.name === "Unmounting" ? state.waiters : [];
  return to(UNMOUNTED, [
    audit("mount.force_unmount", referencesOf(state), context),
    { type: "cancelHoldTimer" },
    { type: "forceUnmount" },
    { type: "removeDirectory" },
    ...waiters.map((waiter) => reject(waiter, "unmounted by force", context)),
  ]);
}

function referencesOf(state: MountState): readonly string[] {
  switch (state.name) {
    case "Mounting":
    case "Unmounting":
      return state.waiters;
    case "Mounted":
      return state.holders;
    case "Unmounted":
    case "HoldForCache":
      return [];
  }
}

function hold(nowMs: number, context: MountContext): MountStep {
  return to({ name: "HoldForCache", expiresAtMs: nowMs + context.holdTimeMs }, [
    { type: "startHoldTimer", delayMs: context.holdTimeMs },
  ]);
}

function withMember(members: readonly string[], id: string): readonly string[] {
  return members.includes(id) ? members : [...members, id];
}

function without(members: readonly string[], id: string): readonly string[] {
  return members.filter((member) => member !== id);
}

function grant(allocationId: string): MountEffect {
  return { type: "grant", allocationId };
}

function reject(allocationId: string, reason: string, context: MountContext): MountEffect {
  const { imagePath } = context.handle;
  return {
    type: "reject",
    allocationId,
    error: new MountError({ kind: "MountFailed", imagePath, reason }),
  };
}

function refuse(state: MountState, error: MountError): MountStep {
  return to(state, [{ type: "refuse", error }]);
}

function audit(
  action: MountAction,
  allocationIds: readonly string[],
  context: MountContext,
): MountEffect {
  const { imagePath, mountPoint } = context.handle;
  return { type: "audit", action, allocationIds, detail: `${imagePath} at ${mountPoint}` };
}

function same(state: MountState): MountStep {
  return { state, effects: [] };
}

function to(state: MountState, effects: readonly MountEffect[]): MountStep {
  return { state, effects };
}
