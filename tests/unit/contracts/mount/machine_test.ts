import assert from "node:assert/strict";
import {
  type MountContext,
  mountCount,
  type MountEffect,
  type MountEvent,
  type MountState,
  stepMount,
  UNMOUNTED,
} from "../../../../contracts/mod.ts";

const CONTEXT: MountContext = {
  handle: { imagePath: "/i/a.sqfs", mountPoint: "/run/pact/uenv/a" },
  holdTimeMs: 60_000,
};
const NOW = 1_000_000;

const acquire = (allocationId: string): MountEvent => ({ type: "acquire", allocationId });
const release = (allocationId: string): MountEvent => ({ type: "release", allocationId });
const mounting = (...waiters: string[]): MountState => ({ name: "Mounting", waiters });
const mounted = (...holders: string[]): MountState => ({ name: "Mounted", holders });
const unmounting = (...waiters: string[]): MountState => ({ name: "Unmounting", waiters });
const held: MountState = { name: "HoldForCache", expiresAtMs: NOW + 60_000 };
const expired: MountState = { name: "HoldForCache", expiresAtMs: NOW };
const force: MountEvent = { type: "forceUnmount", emergency: true };

/** An effect in one word or two. */
function brief(effect: MountEffect): string {
  switch (effect.type) {
    case "grant":
      return `grant ${effect.allocationId}`;
    case "reject":
      return `reject ${effect.allocationId}: ${effect.error.message}`;
    case "refuse":
    case "warn":
      return `${effect.type}: ${effect.error.message}`;
    case "startHoldTimer":
      return `startHoldTimer ${effect.delayMs}`;
    case "audit":
      return `audit ${effect.action} ${effect.allocationIds.join("+")}`;
    default:
      return effect.type;
  }
}

const FAILED = "mount failed for /i/a.sqfs";

const TABLE: readonly [MountState, MountEvent, MountState, string[]][] = [
  [UNMOUNTED, acquire("A"), mounting("A"), ["mount"]],
  [mounting("A"), acquire("B"), mounting("A", "B"), []],
  [mounting("A"), acquire("A"), mounting("A"), []],
  [mounting("A"), { type: "mounted" }, mounted("A"), ["audit mount.acquire A", "grant A"]],
  [
    mounting("A", "B"),
    { type: "mounted" },
    mounted("A", "B"),
    ["audit mount.acquire A+B", "grant A", "grant B"],
  ],
  [mounting(), { type: "mounted" }, held, ["startHoldTimer 60000"]],
  [
    mounting("A", "B"),
    { type: "mountFailed", reason: "EIO" },
    UNMOUNTED,
    ["removeDirectory", `reject A: ${FAILED}: EIO`, `reject B: ${FAILED}: EIO`],
  ],
  [
    mounting("A", "B"),
    release("A"),
    mounting("B"),
    [`reject A: ${FAILED}: released before it was mounted`],
  ],
  [mounted("A"), acquire("B"), mounted("A", "B"), ["grant B"]],
  [mounted("A"), acquire("A"), mounted("A"), ["grant A"]],
  [mounted("A", "B"), release("A"), mounted("B"), []],
  [mounted("A"), release("A"), held, ["startHoldTimer 60000", "audit mount.release A"]],
  [held, acquire("B"), mounted("B"), ["cancelHoldTimer", "grant B"]],
  [held, { type: "holdExpired" }, held, []],
  [expired, { type: "holdExpired" }, unmounting(), ["unmount"]],
  [unmounting(), { type: "unmounted" }, UNMOUNTED, ["removeDirectory"]],
  [unmounting(), acquire("A"), unmounting("A"), []],
  [unmounting("A"), { type: "unmounted" }, mounting("A"), ["mount"]],
  [
    unmounting(),
    { type: "unmountBusy", holders: "7(bash)" },
    held,
    ["warn: unmount failed for /run/pact/uenv/a: busy: 7(bash)", "startHoldTimer 60000"],
  ],
  [
    unmounting("A"),
    { type: "unmountBusy", holders: "7(bash)" },
    mounted("A"),
    ["warn: unmount failed for /run/pact/uenv/a: busy: 7(bash)", "grant A"],
  ],
  [
    mounted("A", "B"),
    force,
    UNMOUNTED,
    ["audit mount.force_unmount A+B", "cancelHoldTimer", "forceUnmount", "removeDirectory"],
  ],
  [
    held,
    force,
    UNMOUNTED,
    ["audit mount.force_unmount ", "cancelHoldTimer", "forceUnmount", "removeDirectory"],
  ],
  [
    unmounting("A"),
    force,
    UNMOUNTED,
    [
      "audit mount.force_unmount A",
      "cancelHoldTimer",
      "forceUnmount",
      "removeDirectory",
      `reject A: ${FAILED}: unmounted by force`,
    ],
  ],
  [UNMOUNTED, force, UNMOUNTED, ["refuse: unmount failed for /run/pact/uenv/a: not mounted"]],
  [UNMOUNTED, { type: "unmounted" }, UNMOUNTED, []],
  [mounted("A"), { type: "holdExpired" }, mounted("A"), []],
  [mounted("A"), { type: "mountFailed", reason: "late" }, mounted("A"), []],
];

for (const [before, event, after, effects] of TABLE) {
  const who = "allocationId" in event ? ` by ${event.allocationId}` : "";
  const title = `${JSON.stringify(before)} on ${event.type}${who} becomes ${after.name}`;
  Deno.test(`MT-4: ${title}`, () => {
    const step = stepMount(before, event, NOW, CONTEXT);
    assert.deepEqual(step.state, after);
    assert.deepEqual(step.effects.map(brief), effects);
  });
}

Deno.test("MT-5: a release without a reference is told, and changes nothing in any state", () => {
  for (const state of [UNMOUNTED, mounting("A"), mounted("A"), held, unmounting("A")]) {
    const step = stepMount(state, release("X"), NOW, CONTEXT);
    assert.deepEqual(step.state, state);
    assert.deepEqual(step.effects.map(brief), [
      "refuse: refcount inconsistency for /i/a.sqfs: release without acquire by X",
    ]);
  }
});

Deno.test("MT-7: force_unmount outside an emergency is refused in every state", () => {
  for (const state of [UNMOUNTED, mounting("A"), mounted("A"), held, unmounting()]) {
    const step = stepMount(state, { type: "forceUnmount", emergency: false }, NOW, CONTEXT);
    assert.deepEqual(step.state, state);
    assert.deepEqual(step.effects.map(brief), ["refuse: force unmount requires emergency mode"]);
  }
});

Deno.test("MT-5: the count is that of distinct allocations", () => {
  assert.deepEqual([UNMOUNTED, mounting("A"), mounted("A", "B"), held].map(mountCount), [
    0,
    0,
    2,
    0,
  ]);
});
