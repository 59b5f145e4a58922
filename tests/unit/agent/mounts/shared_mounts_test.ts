import assert from "node:assert/strict";
import { createKernelMounts, SharedMounts } from "../../../../agent/mounts/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { createLogger } from "../../../../common/log/mod.ts";
import {
  MountError,
  NamespaceError,
  type NodePaths,
  nodePaths,
} from "../../../../contracts/mod.ts";
import type { Shim } from "../../../../ffi/mod.ts";
import { needingSysAdmin, tempDir, waitFor, withShim } from "../../../support/mod.ts";
import { IMAGE } from "./image.ts";

interface Audited {
  readonly action: string;
  readonly allocationIds: readonly string[];
}

interface Scene {
  readonly shim: Shim;
  readonly paths: NodePaths;
  readonly images: string;
  readonly audited: Audited[];
  readonly bound: string[];
  readonly logged: string[];
  readonly state: { emergency: boolean; canRecord: boolean };
  /** The first manager; `holdTimeMs` of the tuning applies to all. */
  readonly mounts: SharedMounts;
  /** Another agent after the first was killed. */
  another(active: readonly string[]): Promise<SharedMounts>;
  /** Mount points below the base, as the kernel has them. */
  mounted(): string[];
}

function mountTest(name: string, test: (scene: Scene) => Promise<void>, holdTimeMs = 60_000) {
  Deno.test({ ...needingSysAdmin(name), fn: () => scene(test, holdTimeMs) });
}

async function scene(test: (scene: Scene) => Promise<void>, holdTimeMs: number): Promise<void> {
  await using dir = await tempDir();
  const paths = nodePaths(`${dir.path}/node`);
  const images = dir.file("images");
  for (const directory of [paths.uenvMountBase, paths.state, images]) {
    await Deno.mkdir(directory, { recursive: true });
  }
  await Deno.writeFile(`${images}/pytorch-2.5.sqfs`, IMAGE);
  await withShim(async (shim) => {
    const audited: Audited[] = [];
    const bound: string[] = [];
    const logged: string[] = [];
    const log = createLogger({
      component: "test",
      level: "debug",
      format: "text",
      nowMs: systemClock.nowMs,
      write: (line) => logged.push(line),
    });
    const state = { emergency: false, canRecord: true };
    const open = () =>
      new SharedMounts({
        shim,
        kernel: createKernelMounts(shim),
        clock: systemClock,
        log,
        paths,
        imageRoots: [images],
        holdTimeMs,
        bootMs: () => shim.system.bootTimeMs(),
        bootId: "this boot",
        bindInto: (allocationId) => Promise.resolve(void bound.push(allocationId)),
        unbindFrom: (allocationId) => Promise.resolve(void bound.push(`-${allocationId}`)),
        audit: (action, allocationIds, _detail, isFirst) => {
          if (isFirst && !state.canRecord) return Promise.reject(new Error("audit unavailable"));
          audited.push({ action, allocationIds });
          return Promise.resolve();
        },
        isEmergency: () => state.emergency,
      });
    const all = [open()];
    const mounted = () =>
      shim.files.readText("/proc/self/mounts", { maxBytes: 1 << 20 }).split("\n")
        .map((line) => line.split(" ")[1] ?? "")
        .filter((at) => at.startsWith(`${paths.uenvMountBase}/`));
    try {
      const [mounts] = all;
      assert.ok(mounts !== undefined);
      const another = async (active: readonly string[]) => {
        const next = open();
        all.push(next);
        await next.reconstructState(active);
        return next;
      };
      await test({ shim, paths, images, audited, bound, logged, state, mounts, another, mounted });
    } finally {
      for (const mounts of all) await mounts.close();
      for (const at of mounted()) await shim.mounts.unmount(at, 2);
    }
  });
}

mountTest(
  "MT-2, MT-4: two allocations share one read-only mount, counted",
  async ({ mounts, paths, audited, bound, mounted }) => {
    const first = await mounts.acquireMount("pytorch-2.5.sqfs", "a1");
    assert.equal(first.mountPoint, `${paths.uenvMountBase}/pytorch-2.5`);
    assert.equal(await Deno.readTextFile(`${first.mountPoint}/hello`), "hello\n");
    await assert.rejects(Deno.writeTextFile(`${first.mountPoint}/x`, "x"));
    assert.deepEqual(await mounts.acquireMount("pytorch-2.5.sqfs", "a2"), first);
    assert.deepEqual(await mounts.acquireMount("pytorch-2.5.sqfs", "a2"), first);
    assert.deepEqual(mounts.list(), [{ ...first, count: 2 }]);
    assert.deepEqual(mounted(), [first.mountPoint]);
    assert.deepEqual(audited, [{ action: "mount.acquire", allocationIds: ["a1"] }]);
    assert.deepEqual(bound, ["a1", "a2", "a2"]);
  },
);

mountTest(
  "MT-4: allocations that ask at the same time wait for the same mount",
  async ({ mounts, mounted }) => {
    const asked = Array.from(
      { length: 20 },
      (_, index) => mounts.acquireMount("pytorch-2.5.sqfs", `a${index}`),
    );
    assert.equal(new Set((await Promise.all(asked)).map(({ mountPoint }) => mountPoint)).size, 1);
    assert.equal(mounts.list()[0]?.count, 20);
    assert.equal(mounted().length, 1);
  },
);

mountTest(
  "MT-1, MT-4: a mount that nobody uses is held, and unmounted when its time is over",
  async ({ mounts, paths, mounted, audited }) => {
    const handle = await mounts.acquireMount("pytorch-2.5.sqfs", "a1");
    await mounts.releaseMount(handle, "a1");
    assert.deepEqual(mounts.list(), [{ ...handle, count: 0 }]);
    assert.deepEqual(mounted(), [handle.mountPoint]);
    await waitFor(() => mounted().length === 0, { what: "the end of the hold time" });
    await waitFor(() => [...Deno.readDirSync(paths.uenvMountBase)].length === 0, {
      what: "the removal of its directory",
    });
    assert.deepEqual(audited.map(({ action }) => action), ["mount.acquire", "mount.release"]);
    await mounts.acquireMount("pytorch-2.5.sqfs", "a2");
    assert.deepEqual(mounted(), [handle.mountPoint]);
  },
  200,
);

mountTest(
  "MT-4: who comes while a mount is held gets it without another mount",
  async ({ mounts, mounted }) => {
    const handle = await mounts.acquireMount("pytorch-2.5.sqfs", "a1");
    const before = (await Deno.stat(`${handle.mountPoint}/hello`)).dev;
    await mounts.releaseMount(handle, "a1");
    await mounts.acquireMount("pytorch-2.5.sqfs", "a2");
    assert.equal((await Deno.stat(`${handle.mountPoint}/hello`)).dev, before);
    assert.equal(mounts.list()[0]?.count, 1);
    assert.equal(mounted().length, 1);
  },
);

mountTest(
  "MT-5: a release without a reference is refused and unmounts nothing",
  async ({ mounts, mounted }) => {
    const handle = await mounts.acquireMount("pytorch-2.5.sqfs", "a1");
    await assert.rejects(
      mounts.releaseMount(handle, "a2"),
      new MountError({
        kind: "RefcountInconsistency",
        imagePath: "pytorch-2.5.sqfs",
        detail: "release without acquire by a2",
      }),
    );
    await mounts.releaseMount(handle, "a1");
    await assert.rejects(mounts.releaseMount(handle, "a1"), /release without acquire by a1/);
    assert.equal(mounted().length, 1);
  },
);

mountTest(
  "MT-2, MT-9: another image of the name, and a file that was replaced, get mount points of their own",
  async ({ mounts, images, paths }) => {
    await Deno.mkdir(`${images}/other`);
    await Deno.writeFile(`${images}/other/pytorch-2.5.squashfs`, IMAGE);
    const path = `${images}/pytorch-2.5.sqfs`;
    const first = await mounts.acquireMount(path, "a1");
    const second = await mounts.acquireMount(`${images}/other/pytorch-2.5.squashfs`, "a1");
    await Deno.writeFile(`${path}.new`, IMAGE);
    await Deno.rename(`${path}.new`, path);
    const third = await mounts.acquireMount(path, "a2");
    const places = [first, second, third].map(({ mountPoint }) =>
      mountPoint.slice(paths.uenvMountBase.length)
    );
    assert.equal(places[0], "/pytorch-2.5");
    assert.match(places[1] ?? "", /^\/pytorch-2\.5-[0-9a-f]{8}$/);
    assert.match(places[2] ?? "", /^\/pytorch-2\.5-[0-9a-f]{8}$/);
    assert.equal(new Set(places).size, 3);
  },
);

mountTest("NS-19: only image files below the roots are mounted", async ({ mounts, images }) => {
  const outside = `${images}-outside.sqfs`;
  await Deno.writeFile(outside, IMAGE);
  await Deno.symlink(outside, `${images}/link.sqfs`);
  await Deno.mkdir(`${images}/directory.sqfs`);
  await Deno.writeFile(`${images}/plain.img`, IMAGE);
  const bad = [
    outside,
    "link.sqfs",
    "directory.sqfs",
    "plain.img",
    "none.sqfs",
    `../${outside.slice(outside.lastIndexOf("/") + 1)}`,
    `${images}/../images-outside.sqfs`,
    "/proc/self/root/etc/passwd",
  ];
  for (const image of bad) {
    await assert.rejects(
      mounts.acquireMount(image, "a1"),
      new NamespaceError({ kind: "CreationFailed", reason: `image not allowed: ${image}` }),
    );
  }
});

mountTest(
  "MT-4: an image that is none fails for everybody who waits, and leaves nothing behind",
  async ({ mounts, images, paths, mounted }) => {
    await Deno.writeFile(`${images}/bad.sqfs`, new Uint8Array(8192));
    const asked = ["a1", "a2"].map((id) => mounts.acquireMount("bad.sqfs", id));
    for (const result of await Promise.allSettled(asked)) {
      assert.equal(result.status, "rejected");
      assert.match(
        String(result.reason),
        /mount failed for bad\.sqfs: mount .*bad: Invalid argument/,
      );
    }
    assert.deepEqual(mounted(), []);
    assert.deepEqual([...Deno.readDirSync(paths.uenvMountBase)], []);
    assert.deepEqual(mounts.list(), []);
  },
);

mountTest(
  "MT-4: a mount in use is not taken away; it is tried again after the hold time",
  async ({ mounts, mounted, logged }) => {
    const handle = await mounts.acquireMount("pytorch-2.5.sqfs", "a1");
    const user = new Deno.Command("sleep", { args: ["60"], cwd: handle.mountPoint }).spawn();
    await mounts.releaseMount(handle, "a1");
    const line = await waitFor(() => logged.find((line) => line.includes("image not unmounted")), {
      what: "an attempt to unmount",
    });
    assert.match(line, new RegExp(`used by ${user.pid}`));
    assert.deepEqual(mounted(), [handle.mountPoint]);
    user.kill("SIGKILL");
    await user.status;
    await waitFor(() => mounted().length === 0, { what: "the next attempt" });
  },
  100,
);

mountTest(
  "MT-7, AS-6: forced unmounting takes an emergency and a durable record",
  async ({ mounts, mounted, state, audited }) => {
    const handle = await mounts.acquireMount("pytorch-2.5.sqfs", "a1");
    const user = new Deno.Command("sleep", { args: ["60"], cwd: handle.mountPoint }).spawn();
    await assert.rejects(
      mounts.forceUnmount("pytorch-2.5.sqfs"),
      /^MountError: force unmount requires emergency mode$/,
    );
    state.emergency = true;
    state.canRecord = false;
    await assert.rejects(mounts.forceUnmount("pytorch-2.5.sqfs"), /audit unavailable/);
    assert.deepEqual(mounted(), [handle.mountPoint]);
    assert.equal(mounts.list()[0]?.count, 1);
    state.canRecord = true;
    await mounts.forceUnmount("pytorch-2.5.sqfs");
    assert.deepEqual(mounted(), []);
    assert.deepEqual(audited.at(-1), { action: "mount.force_unmount", allocationIds: ["a1"] });
    user.kill("SIGKILL");
    await user.status;
  },
);

mountTest(
  "MT-6: another agent counts those that live, holds what nobody uses, and mounts what vanished",
  async ({ mounts, images, another, audited, shim, mounted }) => {
    for (const name of ["shared", "ended", "vanished"]) {
      await Deno.writeFile(`${images}/${name}.sqfs`, IMAGE);
    }
    const shared = await mounts.acquireMount("shared.sqfs", "lives");
    await mounts.acquireMount("shared.sqfs", "dead");
    const ended = await mounts.acquireMount("ended.sqfs", "dead");
    const vanished = await mounts.acquireMount("vanished.sqfs", "lives");
    await shim.mounts.unmount(vanished.mountPoint);
    audited.length = 0;
    const next = await another(["lives"]);
    const counts = () => new Map(next.list().map(({ mountPoint, count }) => [mountPoint, count]));
    await waitFor(() => counts().get(vanished.mountPoint) === 1, { what: "the remount" });
    assert.equal(counts().get(shared.mountPoint), 1);
    assert.equal(counts().get(ended.mountPoint), 0);
    assert.equal(mounted().length, 3);
    const corrections = audited.filter(({ action }) => action === "mount.refcount_corrected");
    assert.equal(corrections.length, 3);
    audited.length = 0;
    const third = await another(["lives"]);
    assert.deepEqual(third.list().length, 3);
    assert.deepEqual(audited, [], "running it twice changes nothing");
    await third.releaseMount(shared, "lives");
  },
);

mountTest(
  "MT-6: a mount without any record is found by the mount table and held",
  async ({ mounts, another, paths, images, mounted, audited }) => {
    const handle = await mounts.acquireMount("pytorch-2.5.sqfs", "a1");
    await Deno.remove(`${paths.state}/mounts.json`);
    const next = await another([]);
    assert.deepEqual(next.list(), [{
      imagePath: `${images}/pytorch-2.5.sqfs`,
      mountPoint: handle.mountPoint,
      count: 0,
    }]);
    assert.equal(audited.at(-1)?.action, "mount.refcount_corrected");
    assert.deepEqual(await next.acquireMount("pytorch-2.5.sqfs", "a2"), {
      imagePath: `${images}/pytorch-2.5.sqfs`,
      mountPoint: handle.mountPoint,
    });
    assert.equal(mounted().length, 1);
  },
);
