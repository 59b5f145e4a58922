import assert from "node:assert/strict";
import { isShimError, type ReapedProcess, type Shim, ShimError } from "../../../ffi/mod.ts";
import { waitFor, within, withShim } from "../../support/mod.ts";
import { assertNoNewDescriptors, openDescriptors, pipeText, shell } from "./run_to_end.ts";

/** The children of all threads of a process, ended ones included. */
function childrenOf(shim: Shim, pid: number): number[] {
  return shim.files.list(`/proc/${pid}/task`).flatMap(({ name }) => {
    try {
      const list = shim.files.readText(`/proc/${pid}/task/${name}/children`, { maxBytes: 1 << 20 });
      return list.split(" ").filter((text) => text !== "").map(Number);
    } catch (error) {
      if (isShimError(error, "ENOENT", "ESRCH")) return []; // the thread ended meanwhile
      throw error;
    }
  });
}

Deno.test("a signal reaches a process through its pidfd, and none after its end", async () => {
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const child = shim.processes.spawn({ executable: "/bin/sleep", arguments: ["60"] });
    assert.equal(child.exitStatus(), null);
    assert.equal(child.isAlive(), true);
    assert.equal(child.signal("SIGKILL"), true);
    const status = await within(pump.exitOf(child), { what: "the end of the child" });
    assert.equal(status.kind === "signaled" && status.signalName, "SIGKILL");
    assert.equal(child.signal("SIGTERM"), false);
    assert.equal(child.signalGroup("SIGTERM"), false);
    assert.equal(child.isAlive(), false);
    assert.deepEqual(child.exitStatus(), status, "the status stays readable");
    child.close();
    child.close();
    await pump.close();
  });
});

Deno.test("a group signal reaches the descendants that stayed in the session", async () => {
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const child = shim.processes.spawn(shell("sleep 60 & echo $!; wait", { stdout: "pipe" }));
    const output = pipeText(child.stdout);
    await waitFor(() => childrenOf(shim, child.pid)[0], { what: "the descendant" });
    assert.equal(child.signalGroup("SIGKILL"), true);
    await pump.exitOf(child);
    // The pipe closes only when the descendant is gone too.
    await within(output, { what: "the end of the descendant" });
    child.close();
    await pump.close();
  });
});

Deno.test("ACC-A3: fifty children at once are all noticed and all reaped", async () => {
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const before = openDescriptors();
    const children = Array.from(
      { length: 50 },
      (_, index) => shim.processes.spawn(shell(`exit ${index}`)),
    );
    const statuses = await Promise.all(children.map((child) => pump.exitOf(child)));
    assert.deepEqual(statuses, children.map((_, code) => ({ kind: "exited", code })));
    for (const child of children) child.close();
    await assertNoNewDescriptors(before);
    assert.deepEqual(shim.processes.supervisedPids(), []);
    await pump.close();
  });
});

Deno.test("INI-10: reaping orphans does not steal the status of a supervised child", async () => {
  await withShim(async (shim) => {
    shim.processes.becomeSubreaper();
    try {
      const pump = shim.startEvents();
      const supervised = shim.processes.spawn(shell("exit 7"));
      await waitFor(() => !supervised.isAlive(), { what: "the supervised child's end" });
      const parent = shim.processes.spawn(shell("sleep 0.05 & echo $!", { stdout: "pipe" }));
      const orphanPid = Number(await pipeText(parent.stdout));
      await pump.exitOf(parent);

      const reaped: ReapedProcess[] = [];
      await waitFor(() => {
        reaped.push(...shim.processes.reapOrphans());
        return reaped.length > 0;
      }, { what: "the orphan" });
      assert.deepEqual(reaped, [{ pid: orphanPid, status: { kind: "exited", code: 0 } }]);
      assert.deepEqual(supervised.exitStatus(), { kind: "exited", code: 7 });
      supervised.close();
      parent.close();
      await pump.close();
    } finally {
      shim.processes.becomeSubreaper(false);
    }
  });
});

Deno.test("INI-11: a burst of orphans is reaped after SIGCHLD, a supervised zombie in front of them", async () => {
  await withShim(async (shim) => {
    shim.processes.becomeSubreaper();
    const pump = shim.startEvents();
    let count = 0;
    const watch = pump.watchChildren(() => {
      count += shim.processes.reapOrphans().length;
    });
    try {
      const supervised = shim.processes.spawn(shell("exit 7"));
      // The orphans wait until their parent is gone: the end of its stdin.
      const script = "i=0; while [ $i -lt 200 ]; do read line <&3 & i=$((i+1)); done 3<&0";
      const burst = shim.processes.spawn(shell(script, { stdin: "pipe" }));
      await waitFor(() => burst.exitStatus() !== null, { what: "the end of the burst" });
      assert.equal(count, 0);
      shim.files.closeDescriptor(burst.stdin ?? -1);
      await waitFor(() => {
        const left = childrenOf(shim, Deno.pid);
        return left.length === 1 && left[0] === supervised.pid;
      }, { what: "all orphans to be reaped" });
      assert.deepEqual(supervised.exitStatus(), { kind: "exited", code: 7 });
      assert.equal(count, 200);
      supervised.close();
      burst.close();
    } finally {
      watch.close();
      await pump.close();
      shim.processes.becomeSubreaper(false);
    }
  });
});

Deno.test("an adopted process that is not a child ends with its status unknown", async () => {
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const parent = shim.processes.spawn(shell("sleep 60 & echo $!; wait", { stdout: "pipe" }));
    assert.ok(parent.stdout !== null);
    const pid = await waitFor(() => childrenOf(shim, parent.pid)[0], { what: "the grandchild" });
    const adopted = shim.processes.adopt(pid);
    assert.equal(adopted.exitStatus(), null);
    const ended = pump.exitOf(adopted);
    assert.equal(adopted.signal("SIGKILL"), true);
    assert.deepEqual(await within(ended, { what: "the end" }), { kind: "unknown" });
    parent.signalGroup("SIGKILL");
    await pump.exitOf(parent);
    shim.files.closeDescriptor(parent.stdout);
    adopted.close();
    parent.close();
    await pump.close();
  });
});

Deno.test("signals to pid 1 or less and to strangers are refused or answered with false", async () => {
  await withShim((shim) => {
    for (const pid of [1, 0, -1]) {
      assert.throws(
        () => shim.processes.kill(pid, "SIGTERM"),
        (error: unknown) => error instanceof ShimError && error.code === "EINVAL",
      );
    }
    assert.equal(shim.processes.kill(0x3fff_ffff, "SIGTERM"), false);
    assert.throws(
      () => shim.processes.adopt(0x3fff_ffff),
      (error: unknown) =>
        error instanceof ShimError && (error.code === "ESRCH" || error.code === "EINVAL"),
    );
  });
});
