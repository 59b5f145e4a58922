import assert from "node:assert/strict";
import { MS, type Shim } from "../../../ffi/mod.ts";
import { needing, tempDir, withShim } from "../../support/mod.ts";

/** Whether this process may mount, tried on a directory of its own. */
async function mayMount(): Promise<boolean> {
  if (Deno.uid() !== 0) return false;
  const status = await Deno.readTextFile("/proc/self/status");
  const effective = BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(status)?.[1] ?? "0"}`);
  const sysAdmin = 1n << 21n;
  return (effective & sysAdmin) !== 0n;
}

const allowed = await mayMount();

function optionsOf(shim: Shim, target: string): string | undefined {
  const mounts = shim.files.readText("/proc/self/mounts", { maxBytes: 1 << 20 });
  return mounts.split("\n").map((line) => line.split(" ")).find(([, at]) => at === target)?.[3];
}

Deno.test({
  ...needing(
    allowed,
    "the right to mount",
    "a file system is mounted with its flags and data, and unmounted",
  ),
  async fn() {
    await withShim(async (shim) => {
      await using dir = await tempDir();
      await shim.mounts.mount({
        source: "pact-test",
        target: dir.path,
        type: "tmpfs",
        flags: MS.noSuid | MS.noDev | MS.noExec,
        data: "size=1m,mode=0750",
      });
      try {
        const options = optionsOf(shim, dir.path) ?? "";
        for (const option of ["nosuid", "nodev", "noexec", "size=1024k", "mode=750"]) {
          assert.ok(options.split(",").includes(option), `${option} in ${options}`);
        }
        assert.equal((await shim.mounts.usage(dir.path)).totalBytes, 1n << 20n);
      } finally {
        await shim.mounts.unmount(dir.path);
      }
      assert.equal(optionsOf(shim, dir.path), undefined);
    });
  },
});
