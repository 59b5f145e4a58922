import type { Logger } from "../../common/log/mod.ts";
import type { Files } from "../../ffi/mod.ts";
import { readSealed, writeSealed } from "./sealed_file.ts";

/** Where what was trusted first is kept: beyond a reboot, where the node has a disk (CRT-10). */
function anchorPath(root: string): string {
  return `${root}/var/lib/pact/trust-anchor.bin`;
}

/** The CA certificates that were trusted on first use; empty for none. */
export function loadAnchor(files: Files, root: string, log: Logger): string {
  const path = anchorPath(root);
  try {
    const sealed = readSealed(files, path);
    if (sealed.kind === "content") return new TextDecoder().decode(sealed.content);
    if (sealed.kind === "damaged") log.error("trust anchor ignored", { path, ...sealed });
  } catch (error) {
    log.error("trust anchor ignored", { path, reason: String(error) });
  }
  return "";
}

/** Keeps them; the directory exists. */
export function keepAnchor(files: Files, root: string, certificatesPem: string): void {
  writeSealed(files, anchorPath(root), new TextEncoder().encode(certificatesPem));
}
