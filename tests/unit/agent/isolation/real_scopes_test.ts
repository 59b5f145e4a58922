import assert from "node:assert/strict";
import {
  createProcessTable,
  type Isolation,
  openIsolation,
  type ProcessTable,
} from "../../../../agent/isolation/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { DEFAULT_LIMITS, PACT_INFRA } from "../../../../contracts/mod.ts";
import type { Shim } from "../../../../ffi/mod.ts";
import { needing, waitFor, withShim } from "../../../support/mod.ts";
import { removeCgroups, WRITABLE_CGROUP2, writableCgroup2 } from "./real_cgroups.ts";

interface Rig {
  readonly shim: Shim;
  readonly isolation: Isolation;
  readonly processes: ProcessTable;
}

const CGROUP_ROOT = writableCgroup2();

async function onSessions(test: (rig: Rig) => Promise<void>): Promise<void> {
  await withShim(async (shim) => {
    const isolation = await openIsolation({ shim, clock: systemClock, cgroupRoot: "/nowhere" });
    const processes = createProcessTable(shim.files, shim.processes);
    await test({ shim, isolation, processes });
  });
}

async function onCgroups(root: string, test: (rig: Rig) => Promise<void>): Promise<void> {
  Deno.mkdirSync(root);
  try {
    await withShim(async (shim) => {
      const isolation = await openIsolation({ shim, clock: systemClock, cgroupRoot: root });
      const processes = createProcessTable(shim.files, shim.processes);
      await test({ shim, isolation, processes });
    });
  } finally {
    removeCgroups(root);
  }
}

/** Starts a shell script in a scope and returns once it has printed its descendants' pids. */
async function startIn({ shim, isolation }: Rig, script: string) {
  const scope = await isolation.open(PACT_INFRA, "victim", DEFAULT_LIMITS);
  const file = Deno.makeTempFileSync();
  const main = shim.processes.spawn({
    executable: "/bin/sh",
    arguments: ["-c", script],
    environment: { OUT: file },
    ...(scope.cgroupDirectory === null ? {} : { cgroup: scope.cgroupDirectory }),
  });
  scope.hold(main.pid);
  const pids = await waitFor(() => {
    const lines = Deno.readTextFileSync(file).split("\n").filter((line) => line !== "");
    return lines.at(-1) === "ready" ? lines.slice(0, -1).map(Number) : undefined;
  }, { what: "the script to be ready" });
  Deno.removeSync(file);
  return { scope, main, pids };
}

const FAMILY = `
  trap '' TERM
  sleep 1000 & echo $! >> $OUT
  (trap '' TERM; sleep 1000 & echo $! >> $OUT; kill -STOP $!; wait) &
  ( (sleep 1000 & echo $! >> $OUT) & )
  sleep 0.2; echo ready >> $OUT; wait`;

async function endsTheFamily(rig: Rig, mainFirst: boolean): Promise<void> {
  const { scope, main, pids } = await startIn(rig, FAMILY);
  assert.equal(pids.length, 3);
  assert.equal(scope.contains(pids[0] ?? 0), true);
  assert.equal(scope.contains(Deno.pid), false);
  if (mainFirst) {
    main.signal("SIGKILL");
    await waitFor(() => !main.isAlive(), { what: "the main process to end" });
    scope.sweep();
  }
  await scope.clear();
  for (const pid of pids) {
    const left = rig.processes.find(pid);
    assert.ok(left === null || left.state === "Z", `${pid} is left in state ${left?.state}`);
  }
  await waitFor(() => main.exitStatus(), { what: "the main process to be reaped" });
  main.close();
}

Deno.test("ACC-N2: without cgroups a session's children, stopped ones and orphans end with it", async () => {
  await onSessions(async (rig) => {
    await endsTheFamily(rig, true);
    await endsTheFamily(rig, false);
  });
});

Deno.test("CTX-5: without cgroups what is missing is listed with its reason", async () => {
  await onSessions(({ isolation }) => {
    const reason = "cgroup creation failed: cgroup v2 unified hierarchy required";
    assert.deepEqual(isolation.unavailable.slice(0, 2), [
      { what: "cgroup scopes", reason },
      { what: "resource limits", reason },
    ]);
    return Promise.resolve();
  });
});

Deno.test({
  ...needing(
    CGROUP_ROOT !== undefined,
    WRITABLE_CGROUP2,
    "ACC-N2: a cgroup's children, stopped ones, orphans and new sessions end with it",
  ),
  fn: async () => {
    await onCgroups(CGROUP_ROOT ?? "", async (rig) => {
      await endsTheFamily(rig, true);
      await endsTheFamily(rig, false);
      const { scope, main, pids } = await startIn(
        rig,
        `setsid sleep 1000 & sleep 0.2; pgrep -P $$ sleep >> $OUT; echo ready >> $OUT; wait`,
      );
      assert.ok(pids.length >= 1);
      await scope.clear();
      for (const pid of pids) assert.equal(rig.processes.find(pid)?.state ?? "Z", "Z");
      await waitFor(() => main.exitStatus(), { what: "the main process to be reaped" });
      main.close();
    });
  },
});

Deno.test({
  ...needing(
    CGROUP_ROOT !== undefined,
    WRITABLE_CGROUP2,
    "CG-20: controllers this host does not have are listed as unavailable limits",
  ),
  fn: async () => {
    const root = CGROUP_ROOT ?? "";
    await onCgroups(root, ({ isolation }) => {
      const available = Deno.readTextFileSync(`${root}/cgroup.controllers`).trim().split(" ");
      const missing = ["memory", "cpu", "io", "pids"].filter((name) => !available.includes(name));
      assert.deepEqual(
        isolation.unavailable.map(({ what }) => what),
        missing.map((name) => `${name} limits`),
      );
      return Promise.resolve();
    });
  },
});
