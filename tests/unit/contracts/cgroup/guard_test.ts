import assert from "node:assert/strict";
import fc from "fast-check";
import {
  assertWritable,
  CgroupError,
  type CgroupWrite,
  type EmergencyOverride,
  OWNER_ROOT,
  SLICE_OWNERS,
  type SliceOwner,
  type WriteRequest,
} from "../../../../contracts/mod.ts";

function refusal(path: string, caller: SliceOwner, request?: WriteRequest): string {
  let message = "not refused";
  assert.throws(() => assertWritable(path, caller, request), (error) => {
    assert.ok(error instanceof CgroupError);
    assert.equal(error.kind, "PermissionDenied");
    message = error.message;
    return true;
  });
  return message;
}

Deno.test("demand 4, CG-3: each owner writes below its own root, by relative or absolute path", () => {
  assert.equal(assertWritable("pact.slice", "Pact"), "pact.slice");
  assert.equal(assertWritable("/sys/fs/cgroup/pact.slice/a.scope", "Pact"), "pact.slice/a.scope");
  assert.equal(
    assertWritable("/n1/cg/workload.slice/x", "Workload", { cgroupRoot: "/n1/cg" }),
    "workload.slice/x",
  );
});

const REFUSED: readonly [path: string, caller: SliceOwner, owner: string][] = [
  ["workload.slice/alloc-1.scope", "Pact", "Workload"],
  ["pact.slice/gpu.slice", "Workload", "Pact"],
  ["pact.slice-evil", "Pact", "none"],
  ["pact.slice-evil/x", "Workload", "none"],
  ["workload.slice-extra", "Workload", "none"],
  ["system.slice", "Pact", "none"],
  ["", "Pact", "none"],
  ["/sys/fs/cgroup", "Pact", "none"],
  ["/elsewhere/pact.slice", "Pact", "none"],
  ["pact.slice/../workload.slice", "Pact", "Pact"],
  ["pact.slice//x", "Pact", "Pact"],
  ["pact.slice/", "Pact", "Pact"],
  ["pact.slice/./x", "Pact", "Pact"],
  ["pact.slice/x\0", "Pact", "Pact"],
];

for (const [path, caller, owner] of REFUSED) {
  Deno.test(`demand 4, CG-3, CG-4: ${caller} may not write ${JSON.stringify(path)}`, () => {
    assert.equal(refusal(path, caller), `permission denied: ${path} owned by ${owner}`);
  });
}

Deno.test("demand 4, CG-4: Pact may make the empty workload.slice and enable its controllers, nothing below", () => {
  for (const write of ["CreateDirectory", "EnableControllers"] as const) {
    assert.equal(assertWritable("workload.slice", "Pact", { write }), "workload.slice");
    refusal("workload.slice/alloc-1.scope", "Pact", { write });
  }
  refusal("workload.slice", "Pact", { write: "Other" });
});

Deno.test("CG-42: Workload may make the missing pact.slice, and write nothing in it", () => {
  assert.equal(
    assertWritable("pact.slice", "Workload", { write: "CreateDirectory" }),
    "pact.slice",
  );
  refusal("pact.slice", "Workload", { write: "EnableControllers" });
  refusal("pact.slice/infra.slice", "Workload", { write: "CreateDirectory" });
});

Deno.test("CG-20: controllers of the cgroup root may be enabled, and nothing else written there", () => {
  assert.equal(assertWritable("/sys/fs/cgroup", "Pact", { write: "EnableControllers" }), "");
  refusal("/sys/fs/cgroup", "Pact", { write: "Kill" });
});

const OVERRIDE: EmergencyOverride = {
  emergencySession: "em-1",
  principal: "ops@example.org",
  reason: "runaway job",
  acceptedEvent: { action: "emergency.freeze", principal: { identity: "ops@example.org" } },
};
const JOB = "workload.slice/alloc-1.scope";

Deno.test("CG-5: an override whose event was accepted unlocks exactly the write it was for", () => {
  assert.equal(assertWritable(JOB, "Pact", { write: "Freeze", override: OVERRIDE }), JOB);
  refusal(JOB, "Pact", { write: "Kill", override: OVERRIDE });
  const acceptedEvent = { action: "emergency.kill", principal: { identity: "ops@example.org" } };
  assert.equal(
    assertWritable(JOB, "Pact", { write: "Kill", override: { ...OVERRIDE, acceptedEvent } }),
    JOB,
  );
});

Deno.test("CG-5: without its accepted event, or with another's, an override unlocks nothing", () => {
  const event = { action: "emergency.freeze", principal: { identity: "someone else" } };
  const overrides = [
    { ...OVERRIDE, acceptedEvent: null },
    { ...OVERRIDE, acceptedEvent: event },
    { ...OVERRIDE, emergencySession: "" },
    { ...OVERRIDE, reason: "" },
    null,
  ];
  for (const override of overrides) refusal(JOB, "Pact", { write: "Freeze", override });
});

Deno.test("CG-5: an override unlocks no other write, no other slice and no other caller", () => {
  for (const write of ["Other", "CreateDirectory", "EnableControllers"] as const) {
    refusal(JOB, "Pact", { write, override: OVERRIDE });
  }
  refusal("system.slice/x", "Pact", { write: "Freeze", override: OVERRIDE });
  refusal("pact.slice/a.scope", "Workload", { write: "Freeze", override: OVERRIDE });
});

Deno.test("ACC-N1: no path whose first segment is not the caller's root is ever writable", () => {
  const segment = fc.oneof(
    fc.constantFrom(
      "pact.slice",
      "workload.slice",
      "pact.slice-evil",
      "..",
      ".",
      "",
      "a\0",
      "a.scope",
    ),
    fc.string({ maxLength: 12 }),
  );
  const path = fc.tuple(
    fc.constantFrom("", "/", "/sys/fs/cgroup/"),
    fc.array(segment, { maxLength: 5 }),
  )
    .map(([prefix, segments]) => prefix + segments.join("/"));
  const writes: readonly CgroupWrite[] = ["Freeze", "Kill", "Other"];
  fc.assert(
    fc.property(
      path,
      fc.constantFrom(...SLICE_OWNERS),
      fc.constantFrom(...writes),
      (p, caller, write) => {
        try {
          const accepted = assertWritable(p, caller, { write });
          const segments = accepted.split("/");
          assert.equal(segments[0], OWNER_ROOT[caller]);
          assert.ok(segments.every((part) => part !== "" && part !== "." && part !== ".."));
          assert.ok(!accepted.includes("\0"));
        } catch (error) {
          if (!(error instanceof CgroupError)) throw error;
        }
      },
    ),
    { numRuns: 2000 },
  );
});
