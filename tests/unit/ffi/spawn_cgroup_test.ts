import assert from "node:assert/strict";
import { SpawnError } from "../../../ffi/mod.ts";
import { waitFor, withShim } from "../../support/mod.ts";
import { runToEnd, shell } from "./run_to_end.ts";

/** The root of a cgroup v2 tree in which this process may make groups, or why there is none. */
function findCgroupRoot(): { path: string } | { reason: string } {
  const mount = Deno.readTextFileSync("/proc/self/mounts").split("\n")
    .map((line) => line.split(" "))
    .find(([, , type]) => type === "cgroup2");
  const path = mount?.[1];
  if (path === undefined) return { reason: "no cgroup v2 mounted" };
  const probe = `${path}/pact-probe-${Deno.pid}`;
  try {
    Deno.mkdirSync(probe);
    Deno.removeSync(probe);
    return { path };
  } catch (error) {
    return {
      reason: `${path} is not writable: ${error instanceof Error ? error.name : "unknown"}`,
    };
  }
}

const root = findCgroupRoot();
const ignore = "reason" in root;
const because = "reason" in root ? ` (ignored: ${root.reason})` : "";

/** A cgroup for the length of a test. */
function temporaryCgroup() {
  assert.ok("path" in root);
  const path = `${root.path}/pact-test-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
  Deno.mkdirSync(path);
  return { path, [Symbol.dispose]: () => Deno.removeSync(path) };
}

for (const withoutClone3 of [false, true]) {
  const how = withoutClone3 ? "moves itself before exec where clone3 is missing" : "is born in it";
  Deno.test({
    name: `CG-23: a program asked into a cgroup ${how}${because}`,
    ignore,
    async fn() {
      await withShim(async (shim) => {
        using cgroup = temporaryCgroup();
        const script = "grep '^0::' /proc/self/cgroup";
        const { stdout } = await runToEnd(
          shim,
          shell(script, { cgroup: cgroup.path, withoutClone3 }),
        );
        assert.equal(
          stdout.trimEnd().endsWith(cgroup.path.slice(cgroup.path.lastIndexOf("/"))),
          true,
        );
        const child = shim.processes.spawn({
          executable: "/bin/true",
          cgroup: cgroup.path,
          withoutClone3,
        });
        assert.equal(child.placement, withoutClone3 ? "moved" : "clone");
        const pump = shim.startEvents();
        await pump.exitOf(child);
        await pump.close();
        child.close();
      });
    },
  });
}

Deno.test("CG-23: without a cgroup the placement says none", async () => {
  await withShim(async (shim) => {
    const child = shim.processes.spawn({ executable: "/bin/true" });
    assert.equal(child.placement, "none");
    const pump = shim.startEvents();
    await pump.exitOf(child);
    await pump.close();
    child.close();
  });
});

Deno.test("SUP-22: a directory that is no cgroup starts nothing, with and without clone3", async () => {
  await withShim((shim) => {
    for (const withoutClone3 of [false, true]) {
      const spawn = () =>
        shim.processes.spawn({ executable: "/bin/true", cgroup: "/usr", withoutClone3 });
      assert.throws(spawn, (error: unknown) => {
        assert.ok(error instanceof SpawnError);
        assert.equal(error.step, "cgroup");
        return true;
      });
    }
  });
});

Deno.test({
  name: `a program that cannot get as far as exec is given up after the bound and killed${because}`,
  ignore,
  async fn() {
    await withShim(async (shim) => {
      using cgroup = temporaryCgroup();
      // Born in a frozen cgroup the child cannot run a single step.
      shim.files.writeExisting(`${cgroup.path}/cgroup.freeze`, "1");
      const spawn = () =>
        shim.processes.spawn({ executable: "/bin/true", cgroup: cgroup.path, execTimeoutMs: 100 });
      const startMs = performance.now();
      assert.throws(spawn, (error: unknown) => {
        assert.ok(error instanceof SpawnError);
        assert.equal(error.message, "timeout /bin/true: Connection timed out");
        return true;
      });
      // Without a bound of its own it is 5 s.
      assert.ok(performance.now() - startMs < 4_500);
      await waitFor(
        () => shim.files.readText(`${cgroup.path}/cgroup.procs`, { maxBytes: 100 }) === "",
        { what: "the cgroup to be empty" },
      );
    });
  },
});
