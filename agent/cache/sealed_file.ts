import { createHash } from "node:crypto";
import type { Files } from "../../ffi/mod.ts";

/** First bytes of a cache file; the digits are its format. */
const MAGIC = "PACTCACHE1\n";
const HASH_CHARS = 64;
const MAX_BYTES = 32 * 1024 * 1024;

/** Writes bytes with their checksum, whole or not at all, readable by the agent alone (PRT-3). */
export function writeSealed(files: Files, path: string, content: Uint8Array): void {
  const header = new TextEncoder().encode(`${MAGIC}${hashOf(content)}\n`);
  const data = new Uint8Array(header.length + content.length);
  data.set(header);
  data.set(content, header.length);
  files.writeAtomicSync(path, data, { mode: 0o600 });
}

/** What a sealed file holds: nothing there, something damaged, or its content. */
export type SealedContent =
  | { readonly kind: "absent" }
  | { readonly kind: "damaged"; readonly reason: string }
  | { readonly kind: "content"; readonly content: Uint8Array };

/** Reads what {@link writeSealed} wrote; a damaged file is never used. */
export function readSealed(files: Files, path: string): SealedContent {
  if (files.lstatIfPresent(path) === null) return { kind: "absent" };
  const data = files.read(path, { maxBytes: MAX_BYTES, followSymlink: false });
  const headerLength = MAGIC.length + HASH_CHARS + 1;
  const header = new TextDecoder().decode(data.subarray(0, headerLength));
  if (!header.startsWith(MAGIC)) return { kind: "damaged", reason: "unknown format" };
  const content = data.subarray(headerLength);
  if (header !== `${MAGIC}${hashOf(content)}\n`) {
    return { kind: "damaged", reason: "checksum mismatch" };
  }
  return { kind: "content", content };
}

function hashOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
