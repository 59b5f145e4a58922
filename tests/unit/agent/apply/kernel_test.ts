import assert from "node:assert/strict";
import { kernelDimension, normaliseSysctl, sysctlPath } from "../../../../agent/apply/mod.ts";
import type { Target } from "../../../../agent/drift/mod.ts";
import { ShimError } from "../../../../ffi/mod.ts";
import { tempDir, withShim } from "../../../support/mod.ts";

const declared = (text: string): Target => ({ state: "present", value: { kind: "text", text } });

Deno.test("APL-4: a kernel parameter is written below the root prefix and read back", async () => {
  await using dir = await tempDir();
  await Deno.mkdir(`${dir.path}/proc/sys/vm`, { recursive: true });
  await Deno.writeTextFile(`${dir.path}/proc/sys/vm/swappiness`, "60000\n");
  await withShim(async (shim) => {
    const kernel = kernelDimension({ files: shim.files, root: dir.path });
    const targets = new Map([["vm.swappiness", declared("10")]]);
    const differences = async () =>
      await kernel.diff(targets, await kernel.observe(targets.keys()));
    assert.deepEqual((await differences()).map(({ action }) => action), ["Modify"]);
    assert.deepEqual(await kernel.apply([{ key: "vm.swappiness", target: declared("10") }]), [
      { key: "vm.swappiness", result: "done" },
    ]);
    assert.equal(await Deno.readTextFile(`${dir.path}/proc/sys/vm/swappiness`), "10\n");
    assert.deepEqual(await differences(), []);
    await Deno.writeTextFile(`${dir.path}/proc/sys/vm/swappiness`, "\t10 \n");
    assert.deepEqual(await differences(), []);
  });
});

Deno.test("CTX-5: below a prefix without a tree nothing reaches the kernel of the machine", async () => {
  await using dir = await tempDir();
  await withShim(async (shim) => {
    const kernel = kernelDimension({ files: shim.files, root: dir.path });
    assert.equal(kernel.availability().available, false);
    const [outcome] = await kernel.apply([{ key: "vm.swappiness", target: declared("10") }]);
    assert.deepEqual(outcome, {
      key: "vm.swappiness",
      result: "unavailable",
      reason: "no kernel parameters below the root prefix",
    });
  });
});

Deno.test("CTX-5: a parameter that may not be written is unavailable, not drift and not pretended", async () => {
  await using dir = await tempDir();
  await Deno.mkdir(`${dir.path}/proc/sys/vm`, { recursive: true });
  await Deno.writeTextFile(`${dir.path}/proc/sys/vm/swappiness`, "60\n");
  await withShim(async (shim) => {
    const kernel = kernelDimension({
      files: {
        ...shim.files,
        writeExisting: (path) => {
          throw ShimError.of("EACCES", "write", path);
        },
      },
      root: dir.path,
    });
    const [outcome] = await kernel.apply([{ key: "vm.swappiness", target: declared("10") }]);
    assert.equal(outcome?.result, "unavailable");
    assert.match(outcome?.result === "unavailable" ? outcome.reason : "", /^permission denied/);
    assert.equal(await Deno.readTextFile(`${dir.path}/proc/sys/vm/swappiness`), "60\n");
    const unknown = await kernel.observe(["vm.no_such", "module:nvidia"]);
    assert.deepEqual(
      [...unknown.values()].map((seen) => seen.state === "unavailable" && seen.reason),
      [
        "this kernel has no such parameter",
        "kernel modules are not managed in this profile",
      ],
    );
  });
});

Deno.test("APL-4: names that leave the tree and a core pattern with a pipe are refused", async () => {
  for (const key of ["..", "vm..swappiness", "vm/../../x", "/vm/x", "vm", "vm.a b", "vm.", ""]) {
    assert.equal(sysctlPath(key).ok, false, key);
  }
  assert.deepEqual(sysctlPath("net.ipv4.conf.eth0/100.rp_filter"), {
    ok: true,
    path: "net/ipv4/conf/eth0.100/rp_filter",
  });
  assert.deepEqual(sysctlPath("net/ipv4/ip_forward"), { ok: true, path: "net/ipv4/ip_forward" });
  assert.equal(normaliseSysctl("4096\t16384   4194304\n"), "4096 16384 4194304");
  await using dir = await tempDir();
  await Deno.mkdir(`${dir.path}/proc/sys/kernel`, { recursive: true });
  await Deno.writeTextFile(`${dir.path}/proc/sys/kernel/core_pattern`, "core\n");
  await withShim(async (shim) => {
    const kernel = kernelDimension({ files: shim.files, root: dir.path });
    for (const key of ["kernel.core_pattern", "kernel/core_pattern"]) {
      const [outcome] = await kernel.apply([{ key, target: declared("|/bin/sh") }]);
      assert.equal(outcome?.result, "unavailable", key);
    }
    assert.equal(await Deno.readTextFile(`${dir.path}/proc/sys/kernel/core_pattern`), "core\n");
  });
});

Deno.test("APL-4: a declared module is loaded once, looked at, and stays when nobody declares it", async () => {
  const loads: string[] = [];
  const there = new Set<string>();
  const modules = {
    isLoaded: (name: string) => there.has(name),
    load: (name: string) => {
      loads.push(name);
      if (name === "broken") return Promise.resolve("finit_module: Exec format error");
      if (name !== "liar") there.add(name);
      return Promise.resolve(undefined);
    },
  };
  await withShim(async (shim) => {
    const kernel = kernelDimension({ files: shim.files, root: "/", modules });
    const nfs = { key: "module:nfs", target: declared("loaded") };
    const targets = new Map([[nfs.key, nfs.target]]);
    const differences = async () =>
      await kernel.diff(targets, await kernel.observe(targets.keys()));
    assert.deepEqual((await differences()).map(({ action }) => action), ["Remove"]);
    for (let times = 0; times < 2; times++) {
      assert.deepEqual(await kernel.apply([nfs]), [{ key: "module:nfs", result: "done" }]);
    }
    assert.deepEqual(await differences(), []);
    await kernel.release([{ key: nfs.key, original: undefined }]);
    assert.ok(there.has("nfs"));
    const outcomes = await kernel.apply(
      ["broken", "liar", "../x"].map((name) => ({
        key: `module:${name}`,
        target: declared("loaded"),
      })),
    );
    assert.deepEqual(outcomes.map(({ result }) => result), ["failed", "failed", "unavailable"]);
    assert.deepEqual(loads, ["nfs", "broken", "liar"]);
  });
});

Deno.test("CTX-5: without the right to load modules they are unavailable", async () => {
  await withShim(async (shim) => {
    const kernel = kernelDimension({ files: shim.files, root: "/" });
    const [outcome] = await kernel.apply([{ key: "module:nfs", target: declared("loaded") }]);
    assert.equal(outcome?.result, "unavailable");
  });
});
