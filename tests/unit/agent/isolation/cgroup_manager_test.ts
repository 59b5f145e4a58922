import assert from "node:assert/strict";
import {
  createCgroupManager,
  createProcessTable,
  type LinuxCgroups,
} from "../../../../agent/isolation/mod.ts";
import { createHousekeeping, zombieTexts } from "../../../../agent/isolation/housekeeping.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { DEFAULT_LIMITS, PACT_GPU, PACT_INFRA } from "../../../../contracts/mod.ts";
import type { Shim } from "../../../../ffi/mod.ts";
import { tempDir, withShim } from "../../../support/mod.ts";
import { ImitatedCgroups } from "./imitated_cgroups.ts";

interface Rig {
  readonly shim: Shim;
  readonly root: string;
  readonly tree: ImitatedCgroups;
  readonly cgroups: LinuxCgroups;
}

async function onImitation(test: (rig: Rig) => Promise<void>): Promise<void> {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const tree = new ImitatedCgroups(shim.files, dir.path);
    const cgroups = createCgroupManager({
      tree,
      root: dir.path,
      processes: createProcessTable(shim.files, shim.processes),
      clock: systemClock,
      destroyLimitMs: 60,
    });
    await cgroups.createHierarchy();
    await test({ shim, root: dir.path, tree, cgroups });
  });
}

const read = (path: string) => Deno.readTextFile(path);

Deno.test("CG-20: the hierarchy has every slice, with controllers enabled from the top down", async () => {
  await onImitation(async ({ root, cgroups, tree }) => {
    for (const slice of ["pact.slice", PACT_GPU, PACT_INFRA, "workload.slice"]) {
      assert.equal((await Deno.stat(`${root}/${slice}`)).isDirectory, true);
      assert.ok(tree.written.includes(`${root}/${slice}/cgroup.subtree_control +memory`));
    }
    await cgroups.createHierarchy();
  });
});

Deno.test("CG-11, CG-21: a scope lies under its slice and carries its limits", async () => {
  await onImitation(async ({ root, cgroups }) => {
    const handle = await cgroups.createScope(PACT_GPU, "nvidia-persistenced", {
      ...DEFAULT_LIMITS,
      memoryMaxBytes: 128n * 1024n * 1024n,
      cpuWeight: 200,
      pidsMax: 64,
    });
    assert.equal(handle.path, "pact.slice/gpu.slice/nvidia-persistenced.scope");
    const directory = cgroups.directoryOf(handle);
    assert.equal(directory, `${root}/${handle.path}`);
    assert.equal(await read(`${directory}/memory.max`), "134217728");
    assert.equal(await read(`${directory}/cpu.weight`), "200");
    assert.equal(await read(`${directory}/pids.max`), "64");
    assert.equal(await read(`${directory}/memory.oom.group`), "1");
    const metrics = await cgroups.readMetrics(directory);
    assert.equal(metrics.memoryMaxBytes, 134217728n);
    assert.equal(metrics.cpuUsageUsec, 1500n);
  });
});

Deno.test("CG-22, CG-27: io.max limits every disk by its number, and is lifted where no limit is declared", async () => {
  await onImitation(async ({ tree, cgroups, shim }) => {
    const handle = await cgroups.createScope(PACT_INFRA, "chronyd", {
      ...DEFAULT_LIMITS,
      ioMaxBytesPerSecond: 1_048_576n,
    });
    const disks = shim.files.list("/sys/block").map(({ name }) => name)
      .filter((name) => !/^(loop|ram|zram)/.test(name));
    const written = () =>
      tree.written.filter((text) => text.includes("/io.max ")).map((text) =>
        text.split("/io.max ")[1]
      );
    assert.equal(written().length, disks.length);
    for (const line of written()) assert.match(line ?? "", /^\d+:\d+ rbps=1048576 wbps=1048576$/);
    tree.written.length = 0;
    cgroups.setLimits(handle, DEFAULT_LIMITS);
    for (const line of written()) assert.match(line ?? "", /^\d+:\d+ rbps=max wbps=max$/);
    assert.equal(
      written().length,
      Math.min(1, disks.length),
      "the file holds the last disk's line",
    );
  });
});

Deno.test("CG-12, CG-21: bad limits, names and slices are refused before anything is created", async () => {
  await onImitation(async ({ cgroups }) => {
    await assert.rejects(
      cgroups.createScope(PACT_INFRA, "a", { ...DEFAULT_LIMITS, cpuWeight: 0 }),
      { message: "cgroup creation failed: invalid limit cpu_weight=0" },
    );
    await assert.rejects(cgroups.createScope("pact.slice/none.slice", "a", DEFAULT_LIMITS), {
      message: "cgroup creation failed: unknown slice: pact.slice/none.slice",
    });
    await assert.rejects(cgroups.createScope(PACT_INFRA, "../a", DEFAULT_LIMITS), {
      kind: "CreationFailed",
    });
  });
});

Deno.test("RI5: a scope whose limits cannot be written is taken away again", async () => {
  await onImitation(async ({ root, cgroups, tree }) => {
    tree.broken.add("cpu.weight");
    await assert.rejects(cgroups.createScope(PACT_INFRA, "a", DEFAULT_LIMITS), { kind: "Io" });
    await assert.rejects(Deno.stat(`${root}/${PACT_INFRA}/a.scope`), Deno.errors.NotFound);
  });
});

Deno.test("CG-22: an empty scope is reused with fresh limits, a populated one is refused", async () => {
  await onImitation(async ({ cgroups, tree }) => {
    const first = await cgroups.createScope(PACT_INFRA, "a", { ...DEFAULT_LIMITS, pidsMax: 5 });
    const again = await cgroups.createScope(PACT_INFRA, "a", DEFAULT_LIMITS);
    assert.equal(again.path, first.path);
    assert.equal(await read(`${cgroups.directoryOf(again)}/pids.max`), "max");
    tree.fill(cgroups.directoryOf(again), 4711, 4712);
    await assert.rejects(cgroups.createScope(PACT_INFRA, "a", DEFAULT_LIMITS), {
      message: "cgroup creation failed: scope a already in use (2 processes)",
    });
  });
});

Deno.test("CG-24, CG-25: what survives the kill is named, and its scope's name is left alone", async () => {
  await onImitation(async ({ cgroups, tree }) => {
    const handle = await cgroups.createScope(PACT_INFRA, "a", DEFAULT_LIMITS);
    const directory = cgroups.directoryOf(handle);
    tree.fill(directory, Deno.pid);
    tree.unkillable.add(directory);
    const survivor = new RegExp(`processes still alive: ${Deno.pid}\\([A-Z],`);
    await assert.rejects(cgroups.destroyScope(handle), { kind: "KillFailed", message: survivor });
    const next = await cgroups.createScope(PACT_INFRA, "a", DEFAULT_LIMITS);
    assert.equal(next.path, "pact.slice/infra.slice/a.1.scope");
    await cgroups.destroyScope(next);
    assert.equal(await cgroups.isScopeEmpty(next), true, "destroyed counts as empty");
  });
});

Deno.test("CG-3: no path leads a write out of pact.slice", async () => {
  await onImitation(({ cgroups }) => {
    const denied = (path: string) => () => cgroups.setLimits({ path }, DEFAULT_LIMITS);
    assert.throws(denied("workload.slice"), { kind: "PermissionDenied" });
    assert.throws(denied("pact.slice/../workload.slice"), { kind: "NotFound" });
    assert.throws(() => cgroups.killAll({ path: "workload.slice" }), { kind: "PermissionDenied" });
    return Promise.resolve();
  });
});

Deno.test("CG-29: a host without the unified hierarchy is told so", async () => {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const cgroups = createCgroupManager({
      tree: shim.files,
      root: dir.path,
      processes: createProcessTable(shim.files, shim.processes),
      clock: systemClock,
    });
    await assert.rejects(cgroups.createHierarchy(), {
      message: "cgroup creation failed: cgroup v2 unified hierarchy required",
    });
  });
});

Deno.test("ISO-3, ISO-5: management goes before workload, and sessions have their share", async () => {
  await onImitation(async ({ root }) => {
    assert.equal(await read(`${root}/pact.slice/cpu.weight`), "1000");
    const sessions = `${root}/pact.slice/session.slice`;
    assert.equal(await read(`${sessions}/cpu.weight`), "100");
    assert.equal(await read(`${sessions}/pids.max`), "4096");
    assert.ok(Number(await read(`${sessions}/memory.max`)) >= 512 * 1024 * 1024);
    assert.equal(await read(`${root}/workload.slice/cpu.weight`), "100");
  });
});

Deno.test("CG-28: a process in a slice itself is moved to the strays, and said so", async () => {
  await onImitation(({ root, cgroups, shim, tree }) => {
    const processes = createProcessTable(shim.files, shim.processes);
    const housekeeping = createHousekeeping(cgroups, processes);
    assert.deepEqual(housekeeping.moveStrays(), []);
    tree.fill(`${root}/${PACT_GPU}`, Deno.pid);
    const comm = processes.find(Deno.pid)?.comm;
    assert.deepEqual(housekeeping.moveStrays(), [{ pid: Deno.pid, comm, slice: PACT_GPU }]);
    assert.ok(tree.written.includes(`${root}/pact.slice/strays.scope/cgroup.procs ${Deno.pid}`));
    return Promise.resolve();
  });
});

Deno.test("ISO-1: the agent has a scope and memory of its own", async () => {
  await onImitation(({ root, cgroups, shim, tree }) => {
    const processes = createProcessTable(shim.files, shim.processes);
    createHousekeeping(cgroups, processes).placeAgent(4711);
    assert.deepEqual(tree.written.slice(-2), [
      `${root}/pact.slice/agent.scope/memory.min 67108864`,
      `${root}/pact.slice/agent.scope/cgroup.procs 4711`,
    ]);
    return Promise.resolve();
  });
});

Deno.test("CG-25, ISO-7: a zombie is shown with its processes, tried again, and gone once it is empty", async () => {
  await onImitation(async ({ root, cgroups, shim, tree }) => {
    const processes = createProcessTable(shim.files, shim.processes);
    const handle = await cgroups.createScope(PACT_INFRA, "stuck", DEFAULT_LIMITS);
    const directory = `${root}/${handle.path}`;
    tree.fill(directory, Deno.pid);
    tree.unkillable.add(directory);
    await assert.rejects(() => cgroups.destroyScope(handle), /processes still alive/);
    const [text] = zombieTexts(cgroups, processes);
    assert.equal(text?.what, `end of scope ${handle.path}`);
    assert.match(text?.reason ?? "", new RegExp(`processes still alive: ${Deno.pid}\\(`));
    const housekeeping = createHousekeeping(cgroups, processes);
    housekeeping.retryZombies();
    assert.equal(cgroups.zombies().length, 1);
    tree.unkillable.clear();
    housekeeping.retryZombies();
    assert.deepEqual(cgroups.zombies(), []);
    await assert.rejects(() => Deno.stat(directory), Deno.errors.NotFound);
  });
});
