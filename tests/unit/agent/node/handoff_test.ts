import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { openIsolation } from "../../../../agent/isolation/mod.ts";
import { Handoff } from "../../../../agent/node/mod.ts";
import { agentport } from "../../../../api/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import { type NodePaths, nodePaths } from "../../../../contracts/mod.ts";
import { buildNamespaces } from "../../../../ffi/build/mod.ts";
import { needing, openTestShim, tempDir, waitFor } from "../../../support/mod.ts";
import { removeCgroups } from "../isolation/real_cgroups.ts";
import { IMAGE } from "../mounts/image.ts";
import { buildClient, CGROUP_ROOT, Consumer } from "../namespaces/handoff_rig.ts";

interface Scene {
  readonly paths: NodePaths;
  readonly audited: string[];
  connect(): Promise<Consumer>;
  /** Mounts below the base, on the node. */
  mounted(): Promise<string[]>;
  restart(): Promise<void>;
}

/** The whole of a node's handoff, on a real cgroup hierarchy. */
function nodeTest(name: string, test: (scene: Scene) => Promise<void>) {
  const isMet = CGROUP_ROOT !== undefined;
  Deno.test({ ...needing(isMet, "root with a cgroup2 hierarchy", name), fn: () => scene(test) });
}

async function scene(test: (scene: Scene) => Promise<void>): Promise<void> {
  const cgroupRoot = CGROUP_ROOT;
  assert.ok(cgroupRoot !== undefined);
  await using dir = await tempDir();
  await Deno.mkdir(cgroupRoot);
  const paths = { ...nodePaths(dir.path), cgroupRoot };
  const images = dir.file("images");
  for (const directory of [paths.state, paths.uenvMountBase, images]) {
    await Deno.mkdir(directory, { recursive: true });
  }
  for (const name of ["pytorch-2.5", "other"]) {
    await Deno.writeFile(`${images}/${name}.sqfs`, IMAGE);
  }
  await buildNamespaces();
  const client = await buildClient(dir.path);
  const shim = await openTestShim();
  const events = shim.startEvents();
  const isolation = await openIsolation({ shim, clock: systemClock, cgroupRoot });
  const audited: string[] = [];
  const open = async () => {
    const handoff = await Handoff.open({
      shim,
      events,
      clock: systemClock,
      log: silentLogger,
      config: create(agentport.AgentConfigSchema, { imageRoots: [images], mountHoldSeconds: 0 }),
      paths,
      // Consumers of a test are no services.
      isolation: { ...isolation, unavailable: [{ what: "cgroup scopes", reason: "test" }] },
      audit: (action) => audited.push(action),
      auditFirst: () => Promise.resolve(),
      isEmergency: () => false,
    });
    handoff.follow({ name: "Ready", nodeId: "n1", since: "2026-11-21T10:00:00Z" });
    return handoff;
  };
  let handoff = await open();
  try {
    await test({
      paths,
      audited,
      connect: () => Consumer.connect(paths.handoffSocket, client),
      mounted: async () =>
        (await Deno.readTextFile("/proc/self/mounts")).split("\n")
          .map((line) => line.split(" ")[1] ?? "")
          .filter((at) => at.startsWith(`${paths.uenvMountBase}/`)),
      restart: async () => {
        await handoff.close();
        handoff = await open();
      },
    });
  } finally {
    for (const { allocationId } of handoff.provider.list()) handoff.provider.end(allocationId);
    await waitFor(
      () => handoff.provider.list().length === 0 && handoff.mounts.list().length === 0,
      {
        what: "the end of allocations and mounts",
        timeoutMs: 10_000,
      },
    ).finally(async () => {
      await handoff.close();
      await events.close();
      await shim.mounts.unmount(paths.namespacePins, 2).catch(() => {});
      shim.close();
      removeCgroups(cgroupRoot);
    });
  }
}

nodeTest(
  "NS-20: an image that was asked for is in the mount namespace, those of others are not",
  async ({ paths, connect, mounted }) => {
    await using consumer = await connect();
    await consumer.namespaces("a1", ["Mount"], { uenv_image: "other.sqfs" });
    const answer = await consumer.namespaces("a2", ["Pid", "Mount"], {
      uenv_image: "pytorch-2.5.sqfs",
    });
    const place = `${paths.uenvMountBase}/pytorch-2.5`;
    assert.equal(answer.body.text("uenv_mount_path"), place);
    assert.deepEqual((await mounted()).sort(), [`${paths.uenvMountBase}/other`, place]);
    await consumer.say(`enter ${place}`);
    assert.match(await consumer.line(), / in hello$/);
    await consumer.say(`enter ${paths.uenvMountBase}/other`);
    assert.match(await consumer.line(), / in$/);
  },
);

nodeTest(
  "MT-4: an image acquired later shows up in the allocation's namespace, and goes with its release",
  async ({ paths, connect, mounted, audited }) => {
    await using consumer = await connect();
    await consumer.namespaces("a1", ["Mount"]);
    const reference = { allocation_id: "a1", image_path: "pytorch-2.5.sqfs" };
    const place = `${paths.uenvMountBase}/pytorch-2.5`;
    for (let round = 0; round < 2; round++) {
      const mount = await consumer.ask("acquire_mount", reference);
      assert.equal(mount.body.text("mount_point"), place);
    }
    await consumer.namespaces("a1", ["Mount"]);
    await consumer.say(`enter ${place}`);
    assert.match(await consumer.line(), / in hello$/);
    const state = await consumer.ask("list", {});
    assert.deepEqual(state.body.value("mounts"), [
      { image_path: "pytorch-2.5.sqfs", mount_point: place, count: 1 },
    ]);
    assert.equal((await consumer.ask("release_mount", reference)).kind, "ack");
    const again = await consumer.ask("release_mount", reference);
    assert.equal(again.body.text("kind"), "RefcountInconsistency");
    await waitFor(async () => (await mounted()).length === 0, { what: "the unmount" });
    await consumer.namespaces("a1", ["Mount"]);
    await consumer.say(`enter ${place}`);
    assert.match(await consumer.line(), / in$/);
    assert.deepEqual(audited, ["namespace.handoff", "mount.acquire", "mount.release"]);
  },
);

nodeTest(
  "NS-22, WI2: the end of an allocation gives its images back",
  async ({ connect, mounted }) => {
    await using consumer = await connect();
    await consumer.namespaces("a1", ["Mount"], { uenv_image: "pytorch-2.5.sqfs" });
    await consumer.ask("allocation_ended", { allocation_id: "a1" });
    await waitFor(async () => (await mounted()).length === 0, { what: "the unmount" });
  },
);

nodeTest(
  "WLI-6: after a restart of the agent namespaces and counts are what they were",
  async ({ connect, restart, mounted }) => {
    {
      await using consumer = await connect();
      await consumer.namespaces("a1", ["Net", "Mount"], { uenv_image: "pytorch-2.5.sqfs" });
    }
    await restart();
    await using consumer = await connect();
    const state = await consumer.ask("list", {});
    assert.equal(state.body.list("mounts", 9).length, 1);
    assert.match(JSON.stringify(state.body.value("mounts")), /"count":1/);
    const again = await consumer.namespaces("a1", ["Net", "Mount"], {
      uenv_image: "pytorch-2.5.sqfs",
    });
    assert.equal(again.kind, "namespaces");
    assert.equal((await mounted()).length, 1);
  },
);
