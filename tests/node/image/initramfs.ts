import { basename, join } from "node:path";
import { BASE_IMAGE } from "./base.ts";
import { run } from "./run.ts";

/** Drivers between the kernel and the root file system, each after what it needs. */
const DRIVERS = [
  "drivers/virtio/virtio_ring",
  "drivers/virtio/virtio",
  "drivers/virtio/virtio_pci_modern_dev",
  "drivers/virtio/virtio_pci_legacy_dev",
  "drivers/virtio/virtio_pci",
  "drivers/block/virtio_blk",
  "fs/squashfs/squashfs",
  "fs/overlayfs/overlay",
];

/** Directories that the first program needs. */
const MOUNT_POINTS = ["dev", "proc", "node", "root"];

/** The first program, a shell script. */
export const INIT_SCRIPT: string = join(import.meta.dirname ?? ".", "files", "init");

/** Writes the initramfs: busybox, the drivers of kernel `release`, and {@link INIT_SCRIPT}. */
export async function makeInitramfs(base: string, release: string, output: string): Promise<void> {
  const scratch = await Deno.makeTempDir();
  try {
    const source = join(scratch, "base");
    const drivers = DRIVERS.map((driver) => `usr/lib/modules/${release}/kernel/${driver}.ko`);
    const wanted = ["usr/bin/busybox", ...drivers];
    await run("unsquashfs", [
      "-quiet",
      "-no-progress",
      "-dest",
      source,
      join(base, BASE_IMAGE),
      ...wanted,
    ]);
    const tree = join(scratch, "tree");
    for (const directory of ["bin", "modules", ...MOUNT_POINTS]) {
      await Deno.mkdir(join(tree, directory), { recursive: true });
    }
    await Deno.copyFile(join(source, "usr/bin/busybox"), join(tree, "bin/busybox"));
    for (const driver of drivers) {
      await Deno.copyFile(join(source, driver), join(tree, "modules", basename(driver)));
    }
    const order = DRIVERS.map((driver) => `${basename(driver)}\n`).join("");
    await Deno.writeTextFile(join(tree, "modules/order"), order);
    await Deno.copyFile(INIT_SCRIPT, join(tree, "init"));
    await Deno.chmod(join(tree, "init"), 0o755);
    await packInitramfs(tree, output);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** Writes a directory as an archive that the kernel unpacks; several can stand one after another. */
export async function packInitramfs(tree: string, output: string): Promise<void> {
  const script = 'find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 >"$0"';
  await run("sh", ["-c", script, output], { cwd: tree });
}
