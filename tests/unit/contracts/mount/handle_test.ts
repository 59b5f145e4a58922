import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  DEFAULT_HOLD_TIME_SECS,
  MountError,
  mountHandle,
  mountHandleFromJson,
  mountHandleToJson,
} from "../../../../contracts/mod.ts";

const BASE = "/run/pact/uenv";
const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 8);

Deno.test("MT-2: the mount point is the image's base name without its suffix", () => {
  const image = "/images/pytorch-2.5.sqfs";
  assert.deepEqual(mountHandle(BASE, image), {
    imagePath: image,
    mountPoint: "/run/pact/uenv/pytorch-2.5",
  });
  assert.equal(mountHandle(BASE, "cuda.squashfs").mountPoint, "/run/pact/uenv/cuda");
});

Deno.test("MT-2: a second image of the same name gets 8 hex digits of its real path's SHA-256", () => {
  const taken = new Set(["/run/pact/uenv/a"]);
  const second = mountHandle(BASE, "/x/a.sqfs", "/real/a.sqfs", taken);
  assert.equal(second.mountPoint, `/run/pact/uenv/a-${digest("/real/a.sqfs")}`);
});

Deno.test("MT-9: a file replaced while mounted gets yet another mount point", () => {
  const first = mountHandle(BASE, "/x/a.sqfs").mountPoint;
  const second = mountHandle(BASE, "/x/a.sqfs", "/x/a.sqfs", new Set([first])).mountPoint;
  const third = mountHandle(BASE, "/x/a.sqfs", "/x/a.sqfs", new Set([first, second])).mountPoint;
  assert.equal(new Set([first, second, third]).size, 3);
});

Deno.test("MT-2: an image without a usable name is refused", () => {
  for (const image of ["", "/images/", "/images/..", "/images/.sqfs", "/images/a\0.sqfs"]) {
    assert.throws(() => mountHandle(BASE, image), MountError);
  }
});

Deno.test("MT-1: an unused mount is held for 60 seconds by default", () => {
  assert.equal(DEFAULT_HOLD_TIME_SECS, 60);
});

Deno.test("ACC-N3: a mount handle in JSON", () => {
  const handle = { imagePath: "/i/a.sqfs", mountPoint: "/run/pact/uenv/a" };
  const golden = { image_path: "/i/a.sqfs", mount_point: "/run/pact/uenv/a" };
  assert.deepEqual(mountHandleToJson(handle), golden);
  assert.deepEqual(mountHandleFromJson(golden), handle);
});
