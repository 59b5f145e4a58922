import { join } from "node:path";
import { BASE_IMAGE } from "./base.ts";
import { run } from "./run.ts";

/** Where the parts of the compressed kernel are: the x86 boot protocol, 2.08. */
const SETUP_SECTORS_AT = 0x1f1;
const PAYLOAD_OFFSET_AT = 0x248;
const PAYLOAD_LENGTH_AT = 0x24c;
const SECTOR_BYTES = 512;

/** Programs by the first bytes of what they unpack. */
const UNPACKERS: readonly { readonly magic: readonly number[]; readonly program: string }[] = [
  { magic: [0x02, 0x21, 0x4c, 0x18], program: "lz4" },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], program: "xz" },
  { magic: [0x1f, 0x8b], program: "gzip" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], program: "zstd" },
];

/**
 * Takes the kernel out of the base image and unpacks it to `output`: QEMU starts an unpacked one at
 * its PVH entry, without firmware and without unpacking under emulation. Answers its release.
 */
export async function extractKernel(base: string, output: string): Promise<string> {
  const scratch = await Deno.makeTempDir();
  try {
    await run("unsquashfs", [
      "-quiet",
      "-no-progress",
      "-dest",
      join(scratch, "out"),
      join(base, BASE_IMAGE),
      "boot",
    ]);
    const boot = join(scratch, "out", "boot");
    const releases = (await Array.fromAsync(Deno.readDir(boot)))
      .flatMap(({ name }) => name.startsWith("vmlinuz-") ? [name.slice("vmlinuz-".length)] : []);
    const [release] = releases;
    if (release === undefined) throw new Error("the base image holds no kernel");
    const payload = payloadOf(await Deno.readFile(join(boot, `vmlinuz-${release}`)));
    await unpack(payload, join(scratch, "payload"), output);
    return release;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

function payloadOf(image: Uint8Array): Uint8Array {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const start = (view.getUint8(SETUP_SECTORS_AT) + 1) * SECTOR_BYTES +
    view.getUint32(PAYLOAD_OFFSET_AT, true);
  // The last four bytes are the unpacked size, which is no part of what is packed.
  return image.subarray(start, start + view.getUint32(PAYLOAD_LENGTH_AT, true) - 4);
}

async function unpack(payload: Uint8Array, packed: string, output: string): Promise<void> {
  const unpacker = UNPACKERS.find(({ magic }) => magic.every((byte, at) => payload[at] === byte));
  if (unpacker === undefined) throw new Error("the kernel is packed in a way nobody here knows");
  await Deno.writeFile(packed, payload);
  await run("sh", ["-c", '"$0" -dc <"$1" >"$2"', unpacker.program, packed, output]);
}
