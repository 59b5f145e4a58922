import assert from "node:assert/strict";
import {
  AuditSinkError,
  CgroupError,
  type ContractError,
  IdentityError,
  MountError,
  NamespaceError,
  PathError,
  ReadinessError,
} from "../../../contracts/mod.ts";

const r = { reason: "R" };
const MESSAGES: readonly [rule: string, ContractError<{ kind: string }>, message: string][] = [
  ["CG", new CgroupError({ kind: "CreationFailed", ...r }), "cgroup creation failed: R"],
  ["CG", new CgroupError({ kind: "KillFailed", path: "P", ...r }), "cgroup.kill failed for P: R"],
  ["CG", new CgroupError({ kind: "NotFound", path: "P" }), "cgroup path not found: P"],
  [
    "CG",
    new CgroupError({ kind: "PermissionDenied", path: "P", owner: "Workload" }),
    "permission denied: P owned by Workload",
  ],
  ["CG", new CgroupError({ kind: "Io", cause: "C" }), "cgroup I/O error: C"],
  [
    "NS-3",
    new NamespaceError({ kind: "SocketUnavailable", ...r }),
    "handoff socket unavailable: R",
  ],
  ["NS-3", new NamespaceError({ kind: "CreationFailed", ...r }), "namespace creation failed: R"],
  [
    "NS-3",
    new NamespaceError({ kind: "AllocationNotFound", allocationId: "A" }),
    "allocation not found: A",
  ],
  ["NS-3", new NamespaceError({ kind: "FdPassing", cause: "C" }), "FD passing failed: C"],
  ["MT-8", new MountError({ kind: "MountFailed", imagePath: "I", ...r }), "mount failed for I: R"],
  [
    "MT-8",
    new MountError({ kind: "UnmountFailed", mountPoint: "M", ...r }),
    "unmount failed for M: R",
  ],
  [
    "MT-8",
    new MountError({ kind: "RefcountInconsistency", imagePath: "I", detail: "D" }),
    "refcount inconsistency for I: D",
  ],
  ["MT-8", new MountError({ kind: "Io", cause: "C" }), "mount I/O error: C"],
  [
    "MT-7",
    new MountError({ kind: "PermissionDenied" }),
    "force unmount requires emergency mode",
  ],
  ["RDY-1", new ReadinessError({ kind: "BootFailed", ...r }), "boot failed: R"],
  ["RDY-1", new ReadinessError({ kind: "Timeout" }), "timeout waiting for readiness"],
  ["AS-1", new AuditSinkError({ kind: "SinkUnavailable", ...r }), "audit sink unavailable: R"],
  ["AS-1", new AuditSinkError({ kind: "FlushFailed", ...r }), "audit flush failed: R"],
  [
    "IDN-11",
    new IdentityError({ kind: "SpireUnavailable", ...r }),
    "SPIRE agent unavailable: R",
  ],
  ["IDN-11", new IdentityError({ kind: "CsrSigningFailed", ...r }), "CSR signing failed: R"],
  [
    "IDN-11",
    new IdentityError({ kind: "BootstrapNotFound", path: "P" }),
    "bootstrap identity not found: P",
  ],
  ["IDN-11", new IdentityError({ kind: "Expired" }), "identity expired"],
  ["IDN-11", new IdentityError({ kind: "RotationFailed", ...r }), "rotation failed: R"],
  [
    "IDN-11",
    new IdentityError({ kind: "NoProviderAvailable" }),
    "no identity provider available",
  ],
  ["IDN-11", new IdentityError({ kind: "Io", cause: "C" }), "identity I/O error: C"],
  ["PATH-21", new PathError({ kind: "UnsafePath", path: "P" }), "unsafe path: P"],
  ["PATH-22", new PathError({ kind: "InUse", path: "P" }), "P is in use"],
];

for (const [rule, error, message] of MESSAGES) {
  Deno.test(`${rule}, NC-5: ${error.name} ${error.kind} says "${message}"`, () => {
    assert.ok(error instanceof Error);
    assert.equal(error.message, message);
    assert.equal(error.kind, error.fault.kind);
  });
}
