import assert from "node:assert/strict";
import {
  decodeUevent,
  modeOfNode,
  moduleIndex,
  ModuleLoader,
} from "../../../../agent/hardware/mod.ts";
import { setUpDeviceNodes } from "../../../../agent/hardware/device_nodes.ts";
import { ShimError } from "../../../../ffi/mod.ts";
import { tempDir, withShim } from "../../../support/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

const TABLES = {
  aliases: "",
  dependencies: [
    "kernel/base.ko:",
    "kernel/left.ko: kernel/base.ko",
    "kernel/right.ko: kernel/base.ko",
    "kernel/there.ko:",
    "kernel/broken.ko:",
    "kernel/stuck.ko:",
    "kernel/idle.ko:",
  ].join("\n"),
  softDependencies: "",
  builtin: "",
  configuration: [],
  commandLine: [],
};

function loader(clock = new VirtualClock()) {
  const calls: string[] = [];
  const modules = {
    load: (path: string): Promise<void> => {
      calls.push(path);
      if (path.endsWith("there.ko")) return Promise.reject(ShimError.of("EEXIST", "finit_module"));
      if (path.endsWith("idle.ko")) return Promise.reject(ShimError.of("ENODEV", "finit_module"));
      if (path.endsWith("broken.ko")) {
        return Promise.reject(ShimError.of("ENOEXEC", "finit_module", path));
      }
      return path.endsWith("stuck.ko") ? new Promise(() => {}) : Promise.resolve();
    },
  };
  const index = moduleIndex(TABLES);
  return {
    calls,
    loader: new ModuleLoader({ modules, index, directory: "/lib/modules/6", clock }),
  };
}

Deno.test("CLD-1: what two modules need is loaded once, before both", async () => {
  const { calls, loader: modules } = loader();
  const report = await modules.load(["left", "right", "left"]);
  assert.equal(calls[0], "/lib/modules/6/kernel/base.ko");
  assert.deepEqual(calls.slice(1).sort(), [
    "/lib/modules/6/kernel/left.ko",
    "/lib/modules/6/kernel/right.ko",
  ]);
  assert.deepEqual([...report.loaded].sort(), ["base", "left", "right"]);
  assert.deepEqual((await modules.load(["left"])).loaded, []);
  assert.equal(calls.length, 3);
});

Deno.test("CLD-1: a module that is there is no news, a broken one is named and stops nobody", async () => {
  const { loader: modules } = loader();
  const report = await modules.load(["broken", "there", "left", "unknown", "idle"]);
  assert.deepEqual(report.unused, ["idle"]);
  assert.deepEqual([...report.loaded].sort(), ["base", "left"]);
  assert.deepEqual(report.failed.map(({ name }) => name).sort(), ["broken", "unknown"]);
  assert.match(report.failed.find(({ name }) => name === "broken")?.reason ?? "", /Exec format/);
});

Deno.test("CLD-1: a module that hangs is given up after 5 s", async () => {
  const clock = new VirtualClock();
  const { loader: modules } = loader(clock);
  const loading = modules.load(["stuck", "left"]);
  await clock.advanceAsync(5_000);
  const report = await loading;
  assert.deepEqual(report.failed, [{ name: "stuck", reason: "not loaded within 5 s" }]);
  assert.ok(report.loaded.includes("left"));
});

Deno.test("CLD-2: nodes get the access of their rule, others stay as the kernel made them", () => {
  assert.equal(modeOfNode("null"), 0o666);
  assert.equal(modeOfNode("kvm"), 0o660);
  assert.equal(modeOfNode("nvidia0"), 0o666);
  assert.equal(modeOfNode("dri/renderD128"), 0o666);
  assert.equal(modeOfNode("dri/card0"), undefined);
  assert.equal(modeOfNode("sda"), undefined);
});

Deno.test("CLD-2: links and permissions are set up, and again without complaint", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(`${dir.path}/null`, "", { mode: 0o600 });
  await Deno.writeTextFile(`${dir.path}/sda`, "", { mode: 0o600 });
  await withShim(({ files }) => {
    for (let times = 0; times < 2; times++) {
      assert.deepEqual(setUpDeviceNodes(files, dir.path), []);
    }
    assert.equal(files.stat(`${dir.path}/null`).mode & 0o7777, 0o666);
    assert.equal(files.stat(`${dir.path}/sda`).mode & 0o7777, 0o600);
    assert.equal(files.readlink(`${dir.path}/stderr`), "/proc/self/fd/2");
  });
});

Deno.test("a uevent of the kernel is understood, anything else is none", () => {
  const text = "add@/devices/pci0000:00/net/eth0\0ACTION=add\0INTERFACE=eth0\0MODALIAS=x:y=z\0";
  const event = decodeUevent(new TextEncoder().encode(text));
  assert.equal(event?.action, "add");
  assert.equal(event?.devicePath, "/devices/pci0000:00/net/eth0");
  assert.equal(event?.values.get("MODALIAS"), "x:y=z");
  assert.equal(decodeUevent(new TextEncoder().encode("libudev\0\xfe\xed")), undefined);
  assert.equal(decodeUevent(new Uint8Array()), undefined);
});
