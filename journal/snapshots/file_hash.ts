import { createHash } from "node:crypto";

const READ_BYTES = 1024 * 1024;

/** Lower-case hex of a file's SHA-256; undefined where there is no such file. */
export function fileHash(path: string): string | undefined {
  try {
    using file = Deno.openSync(path, { read: true });
    const hash = createHash("sha256");
    const buffer = new Uint8Array(READ_BYTES);
    for (let read = file.readSync(buffer); read !== null; read = file.readSync(buffer)) {
      hash.update(buffer.subarray(0, read));
    }
    return hash.digest("hex");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
