import assert from "node:assert/strict";
import { openKernelOomWatch } from "../../../../agent/workload/mod.ts";
import { ShimError } from "../../../../ffi/mod.ts";

Deno.test("OOM-3: kills of services and workload are theirs, any other is the node's", () => {
  const kills = { vmstat: 7, pact: 3, workload: 2 };
  const watch = openKernelOomWatch({
    readText: (path) => {
      if (path === "/proc/vmstat") return `nr_free_pages 1\noom_kill ${kills.vmstat}\n`;
      const slice = path.includes("/pact.slice/") ? kills.pact : kills.workload;
      return `low 0\noom 9\noom_kill ${slice}\noom_group_kill 1\n`;
    },
  }, "/sys/fs/cgroup");
  assert.equal(watch.look(), 0n);
  Object.assign(kills, { vmstat: 9, pact: 5 });
  assert.equal(watch.look(), 0n);
  Object.assign(kills, { vmstat: 13, workload: 4 });
  assert.equal(watch.look(), 0n, "told of before a second look agrees");
  assert.equal(watch.look(), 2n);
  assert.equal(watch.look(), 0n);
  // The slice was made anew, and counts from the beginning.
  Object.assign(kills, { workload: 0 });
  for (let look = 0; look < 3; look++) assert.equal(watch.look(), 0n);
  Object.assign(kills, { vmstat: 14, workload: 1 });
  for (let look = 0; look < 3; look++) assert.equal(watch.look(), 0n);
});

Deno.test("OOM-3: without cgroups every kill is the node's", () => {
  let vmstat = 0;
  const watch = openKernelOomWatch({
    readText: (path) => {
      if (path === "/proc/vmstat") return `oom_kill ${vmstat}\n`;
      throw ShimError.of("ENOENT", "read", path);
    },
  }, "/nowhere");
  vmstat = 1;
  assert.equal(watch.look(), 0n);
  assert.equal(watch.look(), 1n);
});
