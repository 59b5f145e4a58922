import assert from "node:assert/strict";
import { hostname, uptime } from "node:os";
import { isShimError } from "../../../ffi/mod.ts";
import { withShim } from "../../support/mod.ts";

Deno.test("names, ids and time since boot are those of the system", async () => {
  await withShim((shim) => {
    const { system } = shim;
    assert.equal(system.names().system, "Linux");
    assert.equal(system.names().hostname, hostname());
    assert.equal(system.names().machine, Deno.build.arch);
    assert.equal(system.ids().pid, Deno.pid);
    assert.equal(system.ids().parentPid, Deno.ppid);
    assert.equal(system.ids().effectiveUid, Deno.uid());
    assert.equal(system.ids().gid, Deno.gid());
    assert.ok(Math.abs(system.bootTimeMs() - uptime() * 1000) < 5000);
  });
});

Deno.test("a shim opened for development refuses to take the node down", async () => {
  await withShim(async (shim) => {
    await assert.rejects(
      shim.system.reboot("restart"),
      (error: unknown) => isShimError(error, "EPERM"),
    );
  });
});

Deno.test("SUP-20: users and groups resolve to ids, unknown ones to null", async () => {
  await withShim(async ({ users }) => {
    const root = await users.user("root");
    assert.ok(root !== null);
    assert.deepEqual([root.uid, root.gid], [0, 0]);
    assert.ok(root.groups.includes(0));
    assert.equal(await users.group("root"), 0);
    assert.equal(await users.user("no-such-user-here"), null);
    assert.equal(await users.group("no-such-group-here"), null);
  });
});

Deno.test("the usage of a file system adds up, and a missing path is named", async () => {
  await withShim(async ({ mounts }) => {
    const usage = await mounts.usage("/");
    assert.ok(usage.totalBytes > 0n);
    assert.ok(usage.availableBytes <= usage.freeBytes && usage.freeBytes <= usage.totalBytes);
    await assert.rejects(mounts.usage("/no/such"), /statfs \/no\/such: No such file or directory/);
    await assert.rejects(mounts.unmount("/no/such"), /umount \/no\/such: /);
    const request = { source: "none", target: "/no/such", type: "tmpfs" };
    await assert.rejects(mounts.mount(request), /mount \/no\/such: /);
  });
});
