import assert from "node:assert/strict";
import {
  type MountFacts,
  reconstructMounts,
  type RecordedMount,
} from "../../../../contracts/mod.ts";

const HANDLE = { imagePath: "/i/a.sqfs", mountPoint: "/run/pact/uenv/a" };
const NOW = 5_000;

function reconstruct(change: Partial<MountFacts>) {
  const facts: MountFacts = {
    observed: [HANDLE],
    liveAllocations: new Set(["A", "B"]),
    recorded: [],
    holdTimeMs: 60_000,
    nowMs: NOW,
    ...change,
  };
  return reconstructMounts(facts).map(({ state, effects }) => ({
    state,
    effects: effects.map((effect) =>
      effect.type === "audit" ? `${effect.action}: ${effect.detail.split(": ")[1]}` : effect.type
    ),
  }));
}

const record = (holders: string[], expiresAtMs: number | null = null): RecordedMount[] => [
  { handle: HANDLE, holders, expiresAtMs },
];

Deno.test("MT-6: a mount whose allocations all live is taken over without a touch", () => {
  assert.deepEqual(reconstruct({ recorded: record(["A", "B"]) }), [
    { state: { name: "Mounted", holders: ["A", "B"] }, effects: [] },
  ]);
});

Deno.test("MT-6: allocations that ended meanwhile are taken out of the count, with an audit event", () => {
  assert.deepEqual(reconstruct({ recorded: record(["A", "X", "Y"]) }), [
    {
      state: { name: "Mounted", holders: ["A"] },
      effects: ["mount.refcount_corrected: count 3 to 1"],
    },
  ]);
});

Deno.test("MT-6: a mount without an owner starts the hold timer", () => {
  assert.deepEqual(reconstruct({}), [
    {
      state: { name: "HoldForCache", expiresAtMs: NOW + 60_000 },
      effects: ["mount.refcount_corrected: mounted without an owner", "startHoldTimer"],
    },
  ]);
});

Deno.test("MT-6: a hold that had begun goes on to its end", () => {
  assert.deepEqual(reconstruct({ recorded: record([], NOW + 10) }), [
    { state: { name: "HoldForCache", expiresAtMs: NOW + 10 }, effects: ["startHoldTimer"] },
  ]);
});

Deno.test("MT-6: a mount that vanished while its allocation lives is mounted again", () => {
  assert.deepEqual(reconstruct({ observed: [], recorded: record(["A"]) }), [
    {
      state: { name: "Mounting", waiters: ["A"] },
      effects: ["mount.refcount_corrected: vanished with 1 references", "mount"],
    },
  ]);
});

Deno.test("MT-6: a mount that vanished with its allocations leaves only a directory to remove", () => {
  assert.deepEqual(reconstruct({ observed: [], recorded: record(["X"]) }), [
    {
      state: { name: "Unmounted" },
      effects: ["mount.refcount_corrected: count 1 to 0", "removeDirectory"],
    },
  ]);
});
