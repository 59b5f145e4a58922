import assert from "node:assert/strict";
import { mountRequest, remountRequests } from "../../../../agent/apply/mount_requests.ts";
import { MS } from "../../../../ffi/mod.ts";

const SCRATCH = {
  kind: "mount",
  fsType: "xfs",
  source: "/dev/nvme0n1p1",
  options: "nosuid,relatime,seclabel,inode64",
  readOnly: false,
} as const;

Deno.test("APL-4: a mount is asked for by flags, and the rest goes to its file system", () => {
  assert.deepEqual(mountRequest("/scratch", SCRATCH), {
    request: {
      source: "/dev/nvme0n1p1",
      target: "/scratch",
      type: "xfs",
      flags: MS.noSuid | MS.relatime,
      data: "inode64",
    },
  });
  const declared = { ...SCRATCH, options: "ro,nofail,x-pact.critical" };
  const asked = mountRequest("/scratch", declared);
  assert.ok("request" in asked);
  assert.equal(asked.request.flags, MS.readOnly | MS.strictAtime);
  assert.equal(asked.request.data, "");
});

Deno.test("APL-4: what the kernel cannot mount by itself is refused with the reason", () => {
  const refusal = (change: Partial<typeof SCRATCH> | Record<string, string>) => {
    const asked = mountRequest("/scratch", { ...SCRATCH, ...change });
    return "refusal" in asked ? asked.refusal : undefined;
  };
  for (const fsType of ["nfs", "lustre", "fuse.sshfs", "overlay", ""]) {
    assert.match(refusal({ fsType }) ?? "", /are not mounted by this version/);
  }
  assert.match(refusal({ source: "UUID=3f-1" }) ?? "", /name the device itself/);
  assert.match(refusal({ source: "/dev/sda1[/home]" }) ?? "", /a part of a file system/);
});

Deno.test("RBK-1: a remount changes this mount first, and its file system only where that was not enough", () => {
  const own = { source: "none", target: "/scratch", type: "" };
  const flags = MS.remount | MS.noSuid | MS.relatime;
  assert.deepEqual(remountRequests("/scratch", SCRATCH), [
    { ...own, flags: flags | MS.bind },
    { source: SCRATCH.source, target: "/scratch", type: "xfs", flags },
  ]);
  assert.deepEqual(remountRequests("/scratch", { ...SCRATCH, source: "/dev/sda1[/a]" }), [
    { ...own, flags: flags | MS.bind },
  ]);
});
