import assert from "node:assert/strict";
import {
  ALL_SLICES,
  PACT_AUDIT,
  PACT_GPU,
  PACT_INFRA,
  PACT_NETWORK,
  PACT_ROOT,
  type SliceOwner,
  sliceOwner,
  WANTED_CONTROLLERS,
  WORKLOAD_ROOT,
} from "../../../../contracts/mod.ts";

const OWNERS: readonly [path: string, owner: SliceOwner | null][] = [
  [PACT_ROOT, "Pact"],
  [PACT_INFRA, "Pact"],
  [PACT_NETWORK, "Pact"],
  [PACT_GPU, "Pact"],
  [PACT_AUDIT, "Pact"],
  [WORKLOAD_ROOT, "Workload"],
  ["pact.slice/infra.slice/chronyd.scope", "Pact"],
  ["workload.slice/alloc-42/task-1.scope", "Workload"],
  ["workload.slice-extra", "Workload"],
  ["pact.slice-evil", "Pact"],
  ["not-pact.slice/foo", null],
  ["system.slice", null],
  ["/sys/fs/cgroup", null],
  ["", null],
];

for (const [path, owner] of OWNERS) {
  Deno.test(`demand 4, CG-2: "${path}" is owned by ${owner ?? "none"}`, () => {
    assert.equal(sliceOwner(path), owner);
  });
}

Deno.test("the slices have the names of section 3.1, parents before children", () => {
  assert.deepEqual(ALL_SLICES, [
    "pact.slice",
    "pact.slice/infra.slice",
    "pact.slice/network.slice",
    "pact.slice/gpu.slice",
    "pact.slice/audit.slice",
    "workload.slice",
  ]);
});

Deno.test("CG-20: memory, cpu, io and pids are the controllers wanted", () => {
  assert.deepEqual(WANTED_CONTROLLERS, ["memory", "cpu", "io", "pids"]);
});
