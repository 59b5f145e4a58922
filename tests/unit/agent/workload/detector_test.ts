import assert from "node:assert/strict";
import { openControlFileWatcher } from "../../../../agent/isolation/mod.ts";
import { openWorkloadDetector } from "../../../../agent/workload/mod.ts";
import type { Shim } from "../../../../ffi/mod.ts";
import { needing, waitFor, withShim } from "../../../support/mod.ts";
import { removeCgroups, WRITABLE_CGROUP2, writableCgroup2 } from "../isolation/real_cgroups.ts";

const CGROUP_ROOT = writableCgroup2();

async function withDetector(
  shim: Shim,
  cgroupRoot: string,
  test: (rig: { readonly look: () => string; readonly changes: () => number }) => Promise<void>,
): Promise<void> {
  const events = shim.startEvents();
  const watcher = openControlFileWatcher(shim, events);
  let changes = 0;
  const detector = openWorkloadDetector({
    files: shim.files,
    watcher,
    cgroupRoot,
    onChange: () => changes++,
  });
  try {
    await test({ look: detector.look, changes: () => changes });
  } finally {
    detector.close();
    watcher.close();
    await events.close();
  }
}

Deno.test("CG-41: where there are no cgroups the workload state is unknown", async () => {
  await withShim(async (shim) => {
    await withDetector(shim, "/nowhere", ({ look }) => {
      assert.equal(look(), "unknown");
      return Promise.resolve();
    });
  });
});

Deno.test({
  ...needing(
    CGROUP_ROOT !== undefined,
    WRITABLE_CGROUP2,
    "CG-41, SUP-32: a process anywhere below workload.slice makes the node active, and its end idle",
  ),
  fn: async () => {
    const root = CGROUP_ROOT ?? "";
    Deno.mkdirSync(root);
    try {
      await withShim(async (shim) => {
        await withDetector(shim, root, async ({ look, changes }) => {
          assert.equal(look(), "idle");
          const scope = `${root}/workload.slice/alloc-42.scope/task.scope`;
          Deno.mkdirSync(scope, { recursive: true });
          assert.equal(look(), "idle");
          const process = shim.processes.spawn({
            executable: "/bin/sleep",
            arguments: ["1000"],
            cgroup: scope,
          });
          await waitFor(() => changes() > 0, { what: "the event of the first process" });
          assert.equal(look(), "active");
          const before = changes();
          process.signal("SIGKILL");
          await waitFor(() => process.exitStatus(), { what: "the process to end" });
          process.close();
          await waitFor(() => changes() > before, { what: "the event of the last process" });
          assert.equal(look(), "idle");
          // The slice itself comes and goes.
          removeCgroups(`${root}/workload.slice`);
          assert.equal(look(), "idle");
          Deno.mkdirSync(`${root}/workload.slice`);
          assert.equal(look(), "idle");
        });
      });
    } finally {
      removeCgroups(root);
    }
  },
});
