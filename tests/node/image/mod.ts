/**
 * The node image: a kernel, an initramfs and two SquashFS layers, Debian's packages and pact's files.
 *
 * @module
 */
export { cached, contentKey } from "./cached.ts";
export { whatIsMissing } from "./host_programs.ts";
export { buildNodeImage, IMAGE_CACHE, type NodeImage } from "./image.ts";
export type { KernelFlavour } from "./base.ts";
export { packInitramfs } from "./initramfs.ts";
export { run } from "./run.ts";
