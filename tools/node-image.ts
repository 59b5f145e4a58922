/** Task `node:image`: builds what nodes in QEMU boot from, and prints where it is. */
import { buildNodeImage } from "../tests/node/image/mod.ts";

if (import.meta.main) {
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
  try {
    const image = await buildNodeImage((step) => console.error(`[${seconds()} s] ${step}`));
    for (const name of ["kernel", "initramfs", "base", "pact"] as const) {
      const { size } = await Deno.stat(image[name]);
      console.log(
        `${name.padEnd(10)} ${(size / 2 ** 20).toFixed(0).padStart(4)} MiB  ${image[name]}`,
      );
    }
    console.error(`[${seconds()} s] node image ${image.key}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}
