import assert from "node:assert/strict";
import {
  allocationScopePath,
  CgroupError,
  cgroupErrorFromErrno,
  cgroupHandleFromJson,
  cgroupHandleToJson,
  isPactSlice,
  killFailed,
  PACT_GPU,
  scopeInUse,
  scopeNameAfterZombies,
  scopePath,
} from "../../../../contracts/mod.ts";

Deno.test("demand 4, CG-11: a scope's path is relative to the cgroup root, whichever way the parent is given", () => {
  const path = "pact.slice/gpu.slice/nvidia-persistenced.scope";
  assert.equal(scopePath(PACT_GPU, "nvidia-persistenced"), path);
  assert.equal(scopePath("/sys/fs/cgroup/pact.slice/gpu.slice", "nvidia-persistenced"), path);
  assert.equal(scopePath("/n1/pact.slice", "a", "/n1"), "pact.slice/a.scope");
});

Deno.test("CG-21: a parent outside both slices is unknown", () => {
  for (const parent of ["system.slice", "pact.slice-evil", "", "pact.slice/..", "/etc"]) {
    assert.throws(() => scopePath(parent, "a"), {
      message: `cgroup creation failed: unknown slice: ${parent}`,
    });
  }
});

Deno.test("CG-21, NC-8: a scope name outside the grammar is refused before it reaches a path", () => {
  for (const name of ["", "a/b", "..", "a..b", ".hidden", "a b", "x".repeat(129)]) {
    assert.throws(() => scopePath("pact.slice", name), CgroupError);
  }
});

Deno.test("CG-21: only the five slices of pact are parents without being looked up", () => {
  assert.equal(isPactSlice("pact.slice/audit.slice"), true);
  assert.equal(isPactSlice("pact.slice/other.slice"), false);
  assert.equal(isPactSlice("workload.slice"), false);
});

Deno.test("CG-22: zombies make the name NAME.1, NAME.2; a populated scope is in use", () => {
  assert.deepEqual([0, 1, 2].map((n) => scopeNameAfterZombies("chronyd", n)), [
    "chronyd",
    "chronyd.1",
    "chronyd.2",
  ]);
  assert.equal(
    scopeInUse("chronyd", 3).message,
    "cgroup creation failed: scope chronyd already in use (3 processes)",
  );
});

Deno.test("CG-25: processes that survive are listed, at most twenty", () => {
  const survivors = Array.from({ length: 25 }, (_, i) => ({ pid: i + 1, state: "D", comm: "io" }));
  const error = killFailed("pact.slice/a.scope", survivors.slice(0, 2));
  assert.equal(
    error.message,
    "cgroup.kill failed for pact.slice/a.scope: processes still alive: 1(D,io),2(D,io)",
  );
  assert.equal(killFailed("p", survivors).message.split(",").length, 40);
});

Deno.test("CG-30: an errno becomes the kind of its row", () => {
  const kinds = ["ENOENT", "EACCES", "EPERM", "EROFS", "ENOSPC", "EMFILE", "EIO"]
    .map((errno) => cgroupErrorFromErrno(errno, "pact.slice/x").message);
  assert.deepEqual(kinds, [
    "cgroup path not found: pact.slice/x",
    "cgroup I/O error: EACCES: pact.slice/x",
    "cgroup I/O error: EPERM: pact.slice/x",
    "cgroup I/O error: EROFS: pact.slice/x",
    "cgroup creation failed: ENOSPC: pact.slice/x",
    "cgroup creation failed: EMFILE: pact.slice/x",
    "cgroup I/O error: EIO: pact.slice/x",
  ]);
});

Deno.test("CG-40: an allocation's scope is named after it, and only a lawful id has one", () => {
  assert.equal(allocationScopePath("42"), "workload.slice/alloc-42.scope");
  assert.throws(() => allocationScopePath("../x"), { message: 'invalid allocation id: "../x"' });
});

Deno.test("ACC-N3: a handle is its path in JSON", () => {
  const handle = { path: "pact.slice/a.scope" };
  assert.deepEqual(cgroupHandleToJson(handle), handle);
  assert.deepEqual(cgroupHandleFromJson({ ...handle, more: 1 }), handle);
});
