import assert from "node:assert/strict";
import type { LoadedModule } from "../../../../agent/drift/mod.ts";
import { modulesWatch } from "../../../../agent/undeclared/mod.ts";
import { declare, Node, POLICY } from "../window/convergence_scene.ts";

/** The modules of a kernel, as far as one cannot be had to load and unload at will. */
class Kernel {
  readonly modules = new Map<string, { holders: string[]; uses: number; devices: string[] }>();
  readonly byHand = new Set<string>();

  add(name: string, { holders = [] as string[], uses = 0, devices = [] as string[] } = {}): void {
    this.modules.set(name, { holders, uses, devices });
  }

  loaded(): LoadedModule[] {
    return [...this.modules].map(([name, { holders, uses }]) => {
      const present = holders.filter((holder) => this.modules.has(holder));
      return { name, holders: present, references: uses + present.length };
    });
  }

  load(name: string): Promise<string | undefined> {
    this.add(name);
    return Promise.resolve(undefined);
  }

  unload(name: string): string | undefined {
    const found = this.loaded().find((module) => module.name === name);
    if (found !== undefined && found.references > 0) return "in use";
    this.modules.delete(name);
    return undefined;
  }

  devicesOf(name: string): readonly string[] {
    return this.modules.get(name)?.devices ?? [];
  }

  onDemand(): ReadonlySet<string> {
    return new Set(["xfs", "tcp_diag"]);
  }
}

/** A node that has converged with two modules loaded. */
async function node(
  options: Parameters<typeof Node.create>[0] = {},
): Promise<{ it: Node; kernel: Kernel } & AsyncDisposable> {
  const kernel = new Kernel();
  kernel.add("sunrpc", { holders: ["nfs"] });
  kernel.add("nfs");
  const isByHand = (name: string) => kernel.byHand.has(name);
  const it = await Node.create({
    watches: [modulesWatch({ modules: kernel, isByHand })],
    ...options,
  });
  await it.convergence.setDeclared(declare({ sequence: 5n }));
  return { it, kernel, [Symbol.asyncDispose]: () => it[Symbol.asyncDispose]() };
}

Deno.test("OBS-9: an undeclared module that is loaded or unloaded is drift, until that is undone", async () => {
  await using scene = await node();
  const { it, kernel } = scene;
  await it.pass(60);
  assert.deepEqual(it.names, []);
  kernel.add("rootkit");
  kernel.unload("nfs");
  await it.pass(6);
  const { items } = it.convergence.status();
  assert.deepEqual(items.map(({ key, action, source }) => [key, action, source]), [
    ["module:nfs", "Remove", "baseline"],
    ["module:rootkit", "Add", "baseline"],
  ]);
  kernel.unload("rootkit");
  kernel.add("nfs");
  await it.convergence.scan();
  assert.equal(it.convergence.status().nodeState, "Committed");
});

Deno.test("OBS-9: what the kernel loads on demand, for a device or for another module, is no drift", async () => {
  await using scene = await node();
  const { it, kernel } = scene;
  kernel.add("tcp_diag");
  kernel.add("inet_diag", { holders: ["tcp_diag"] });
  kernel.add("mlx5_core", { devices: ["0000:01:00.0"] });
  kernel.add("mlxfw", { holders: ["mlx5_core"] });
  await it.pass(6);
  assert.deepEqual(it.names, []);
});

Deno.test("OBS-9: a module that somebody's command loaded is drift, though the kernel might have", async () => {
  await using scene = await node();
  const { it, kernel } = scene;
  kernel.add("xfs");
  kernel.byHand.add("kernel:module:xfs");
  await it.convergence.scan();
  assert.deepEqual(it.names, ["kernel:module:xfs"]);
  kernel.byHand.clear();
  await it.pass(60);
  assert.deepEqual(it.names, ["kernel:module:xfs"]);
});

Deno.test("OBS-9, RBK-1: a rollback unloads what came, whatever needs what, and loads what went", async () => {
  await using scene = await node();
  const { it, kernel } = scene;
  kernel.add("aaa_base", { holders: ["zzz_user"] });
  kernel.add("zzz_user");
  kernel.unload("nfs");
  const { incomplete } = await it.convergence.rollback();
  assert.deepEqual(incomplete, []);
  assert.deepEqual([...kernel.modules.keys()].sort(), ["nfs", "sunrpc"]);
  assert.deepEqual(it.names, []);
});

Deno.test("RBK-3: a module in use, and one that has come to drive a device, are not taken away", async () => {
  await using scene = await node();
  const { it, kernel } = scene;
  kernel.add("busy", { uses: 2 });
  kernel.add("driver");
  kernel.byHand.add("kernel:module:driver");
  await it.convergence.scan();
  kernel.add("driver", { devices: ["0000:02:00.0"] });
  await assert.rejects(it.convergence.rollback(), {
    code: "ACTIVE_CONSUMERS",
    blockedBy: ["kernel:module:busy: in use 2 times", "kernel:module:driver: drives 0000:02:00.0"],
  });
  assert.ok(kernel.modules.has("busy") && kernel.modules.has("driver"));
});

Deno.test("OBS-9, WIN-3: a committed unload is as it shall be from then on", async () => {
  await using scene = await node();
  const { it, kernel } = scene;
  kernel.unload("nfs");
  await it.convergence.scan();
  const { id, delta } = await it.convergence.prepareCommit();
  assert.deepEqual(delta.kernel.map(({ key }) => key), ["module:nfs"]);
  await it.convergence.confirmCommit(id, 6n);
  await it.pass(60);
  assert.deepEqual(it.names, []);
});

Deno.test("OBS-9, WIN-6: a commit of a new module declares it as loaded", async () => {
  await using scene = await node();
  const { it, kernel } = scene;
  kernel.add("rootkit");
  await it.convergence.scan();
  const { id, delta } = await it.convergence.prepareCommit();
  assert.deepEqual(delta.kernel.map(({ key, declaredValue }) => [key, declaredValue]), [
    ["module:rootkit", "loaded"],
  ]);
  await it.convergence.confirmCommit(id, 6n);
  await it.convergence.scan();
  assert.deepEqual(it.names, []);
});

Deno.test("BLK-3, OBS-9: a module under a pattern below sysctl/ is no drift", async () => {
  const policy = { ...POLICY, blacklist: ["sysctl/module:vendor_*"] };
  await using scene = await node({ policy });
  const { it, kernel } = scene;
  kernel.add("vendor_profiler");
  await it.convergence.scan();
  assert.deepEqual(it.names, []);
});
