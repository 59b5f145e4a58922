import assert from "node:assert/strict";
import { parseMountTable } from "../../../../agent/mounts/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { inNetworkNamespace } from "../../../support/network/mod.ts";
import { declare, Node } from "../../../unit/agent/window/convergence_scene.ts";

const DATA = "/mnt/data";
const SCRATCH = "/mnt/scratch";

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  assert.ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** A node that has converged with a file system at /mnt/data that nobody declared. */
async function node(options: Parameters<typeof Node.create>[0] = {}): Promise<Node> {
  const created = await Node.create({ hasMounts: true, ...options });
  for (const path of [DATA, SCRATCH]) await Deno.mkdir(created.root + path, { recursive: true });
  await mount(created, DATA, "nosuid,size=1m,mode=0750");
  await created.convergence.setDeclared(declare({ sequence: 5n }));
  return created;
}

async function mount(it: Node, path: string, options: string, source = "data"): Promise<void> {
  await run("mount", "-t", "tmpfs", "-o", options, source, it.root + path);
}

async function unmountAll(it: Node): Promise<void> {
  const places = parseMountTable(await Deno.readTextFile("/proc/self/mountinfo"))
    .map(({ mountPoint }) => mountPoint).filter((at) => at.startsWith(it.root));
  for (const place of places.reverse()) await run("umount", place);
}

/** Options of what is mounted there last, those of its file system too. */
async function optionsAt(it: Node, path: string): Promise<readonly string[] | undefined> {
  const table = parseMountTable(await Deno.readTextFile("/proc/self/mountinfo"));
  const line = table.findLast(({ mountPoint }) => mountPoint === it.root + path);
  return line && `${line.options},${line.superOptions}`.split(",");
}

async function withNode(
  test: (it: Node) => Promise<void>,
  options: Parameters<typeof Node.create>[0] = {},
): Promise<void> {
  await using it = await node(options);
  try {
    await test(it);
  } finally {
    await unmountAll(it);
  }
}

inNetworkNamespace(import.meta.url, () => {
  Deno.test("OBS-9: an undeclared mount that comes, goes or is remounted is drift, until it is undone", () =>
    withNode(async (it) => {
      await it.pass(60);
      assert.deepEqual(it.names, []);
      await mount(it, SCRATCH, "size=1m");
      await run("mount", "-o", "remount,noexec", it.root + DATA);
      await it.pass(6);
      const { items, nodeState } = it.convergence.status();
      assert.deepEqual(items.map(({ key, action, source }) => [key, action, source]), [
        [DATA, "Modify", "baseline"],
        [SCRATCH, "Add", "baseline"],
      ]);
      assert.equal(nodeState, "Drifted");
      await run("umount", it.root + SCRATCH);
      await run("umount", it.root + DATA);
      await it.convergence.scan();
      assert.deepEqual(it.convergence.status().items.map(({ key, action }) => [key, action]), [
        [DATA, "Remove"],
      ]);
      await mount(it, DATA, "nosuid,size=1m,mode=0750");
      await it.convergence.scan();
      assert.equal(it.convergence.status().nodeState, "Committed");
    }));

  Deno.test("OBS-9, RBK-1: a rollback unmounts what came, mounts what went and remounts what changed", () =>
    withNode(async (it) => {
      await mount(it, SCRATCH, "size=1m");
      await run("mount", "-o", "remount,ro,suid", it.root + DATA);
      await it.convergence.rollback();
      assert.deepEqual(it.names, []);
      assert.equal(await optionsAt(it, SCRATCH), undefined);
      const options = await optionsAt(it, DATA) ?? [];
      assert.ok(options.includes("nosuid") && !options.includes("ro"), options.join());

      await run("umount", it.root + DATA);
      await it.pass(901);
      assert.deepEqual(it.names, []);
      const again = await optionsAt(it, DATA) ?? [];
      for (const option of ["nosuid", "size=1024k", "mode=750"]) {
        assert.ok(again.includes(option), `${option} in ${again}`);
      }
    }));

  Deno.test("OBS-9, RBK-1: what was mounted over something else is taken off again", () =>
    withNode(async (it) => {
      await mount(it, DATA, "size=2m", "other");
      await it.convergence.scan();
      assert.deepEqual(it.names, [`mounts:${DATA}`]);
      assert.deepEqual((await it.convergence.rollback()).incomplete, []);
      assert.ok((await optionsAt(it, DATA))?.includes("size=1024k"));
    }));

  Deno.test("RBK-3, RBK-4: a mount in use is not taken away, and its users are named", () =>
    withNode(async (it) => {
      await mount(it, SCRATCH, "size=1m");
      const cwd = it.root + SCRATCH;
      const user = new Deno.Command("sleep", { args: ["60"], cwd }).spawn();
      try {
        await waitFor(async () => await Deno.readLink(`/proc/${user.pid}/cwd`) === cwd, {
          what: "the user",
        });
        await assert.rejects(it.convergence.rollback(), {
          code: "ACTIVE_CONSUMERS",
          blockedBy: [`mounts:${SCRATCH}: pid ${user.pid} (sleep) by uid 0`],
        });
      } finally {
        user.kill();
        await user.status;
      }
      await it.convergence.rollback();
      assert.equal(await optionsAt(it, SCRATCH), undefined);
    }));

  Deno.test("OBS-9, WIN-6: a committed mount is declared, and comes again where it is missing", () =>
    withNode(async (it) => {
      await mount(it, SCRATCH, "size=1m,noexec");
      await it.convergence.scan();
      const { id, delta } = await it.convergence.prepareCommit();
      assert.equal(delta.mounts[0]?.declared?.fsType, "tmpfs");
      await it.convergence.confirmCommit(id, 6n);
      assert.deepEqual(it.names, []);
      await run("umount", it.root + SCRATCH);
      await it.convergence.scan();
      assert.deepEqual(it.convergence.status().items.map(({ source }) => source), ["declared"]);
      await it.convergence.rollback();
      assert.ok((await optionsAt(it, SCRATCH))?.includes("noexec"));
    }));

  Deno.test("OBS-9, WIN-3: a committed unmount is as it shall be from then on", () =>
    withNode(async (it) => {
      await run("umount", it.root + DATA);
      await it.convergence.scan();
      const { id } = await it.convergence.prepareCommit();
      await it.convergence.confirmCommit(id, 6n);
      await it.pass(60);
      assert.deepEqual(it.names, []);
      await mount(it, DATA, "size=1m");
      await it.convergence.scan();
      assert.deepEqual(it.convergence.status().items.map(({ action }) => action), ["Add"]);
    }));

  Deno.test("OBS-9, BLK-3: mounts of containers, pinned namespaces and what is blacklisted are no drift", () =>
    withNode(async (it) => {
      for (
        const path of ["/run/netns", "/var/lib/docker/overlay2/a/merged", "/run/user/7", "/tmp/x"]
      ) {
        await Deno.mkdir(it.root + path, { recursive: true });
        await mount(it, path, "size=1m");
      }
      await Deno.writeTextFile(`${it.root}/mnt/ns`, "");
      await run("mount", "--bind", "/proc/self/ns/net", `${it.root}/mnt/ns`);
      await it.pass(6);
      assert.deepEqual(it.names, []);
    }));

  Deno.test("OBS-9: what services mount as they start is taken as it is; what had drifted before stays", async () => {
    let isOrdinary = false;
    await withNode(async (it) => {
      await mount(it, SCRATCH, "size=1m");
      await it.convergence.scan();
      isOrdinary = true;
      await Deno.mkdir(`${it.root}/srv/export`, { recursive: true });
      await mount(it, "/srv/export", "size=1m");
      await it.convergence.scan();
      isOrdinary = false;
      await it.convergence.scan();
      assert.deepEqual(it.names, [`mounts:${SCRATCH}`]);
      await run("umount", `${it.root}/srv/export`);
      await it.convergence.scan();
      assert.deepEqual(it.names, [`mounts:${SCRATCH}`, "mounts:/srv/export"]);
    }, { isOrdinary: () => isOrdinary });
  });

  Deno.test("OBS-9, INI-31: a mount made while no agent ran is drift; after a reboot the image counts", () =>
    withNode(async (it) => {
      await it.convergence.close();
      await mount(it, SCRATCH, "size=1m");
      await it.start().setDeclared(declare({ sequence: 5n }));
      assert.deepEqual(it.names, [`mounts:${SCRATCH}`]);
      await it.convergence.close();
      it.bootId = "boot-2";
      await it.start().setDeclared(declare({ sequence: 5n }));
      assert.deepEqual(it.names, []);
    }));
}, ["mount", "umount"]);
