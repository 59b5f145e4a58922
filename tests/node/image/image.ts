import { join } from "node:path";
import { repositoryRoot } from "../../support/mod.ts";
import { BASE_IMAGE, baseImage, type KernelFlavour } from "./base.ts";
import { cached, contentKey } from "./cached.ts";
import { whatIsMissing } from "./host_programs.ts";
import { INIT_SCRIPT, makeInitramfs } from "./initramfs.ts";
import { extractKernel } from "./kernel.ts";
import { PACT_IMAGE, pactLayer } from "./layer.ts";

/** What a node boots from. */
export interface NodeImage {
  /** Differs between images. */
  readonly key: string;
  /** The unpacked kernel. */
  readonly kernel: string;
  readonly initramfs: string;
  /** Debian, as SquashFS. */
  readonly base: string;
  /** pact's own files, as SquashFS, to lie above the base. */
  readonly pact: string;
}

/** Where images are kept; ignored by git. */
export const IMAGE_CACHE: string = join(repositoryRoot, ".cache", "node-image");

/**
 * Builds the node image, or what has changed of it.
 *
 * @throws {Error} saying what to install, or what failed.
 */
export async function buildNodeImage(
  say: (progress: string) => void = () => {},
  flavour: KernelFlavour = "cloud",
): Promise<NodeImage> {
  const missing = whatIsMissing();
  if (missing !== undefined) throw new Error(missing);
  const base = await baseImage(IMAGE_CACHE, flavour, say);
  const pact = await pactLayer(IMAGE_CACHE, say);
  const script = await Deno.readFile(INIT_SCRIPT);
  const key = contentKey(base, script);
  const name = flavour === "cloud" ? "boot" : `${flavour}-boot`;
  const boot = await cached(IMAGE_CACHE, name, key, async (directory) => {
    say(`the ${flavour} kernel and its initramfs`);
    const release = await extractKernel(base, join(directory, "vmlinux"));
    await makeInitramfs(base, release, join(directory, "initramfs.cpio"));
  });
  return {
    key: contentKey(boot, pact),
    kernel: join(boot, "vmlinux"),
    initramfs: join(boot, "initramfs.cpio"),
    base: join(base, BASE_IMAGE),
    pact: join(pact, PACT_IMAGE),
  };
}
