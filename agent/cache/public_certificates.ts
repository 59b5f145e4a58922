import type { agentport } from "../../api/mod.ts";
import type { Files } from "../../ffi/mod.ts";

/** Not the names that an admin's own certificate and CA have by default. */
const CERTIFICATE = "node.crt";
const BUNDLE = "trust-bundle.crt";
/** A certificate is no secret. */
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/**
 * Writes the node's certificate and the CAs it trusts, never its key, for other programs of the node
 * (NEN-6). The directory is made where its parent exists.
 *
 * @throws {ShimError} with the path.
 */
export function publishCertificates(
  files: Files,
  directory: string,
  { certPem, trustBundlePem }: agentport.NodeIdentity,
): void {
  if (files.lstatIfPresent(directory) === null) files.mkdir(directory, DIRECTORY_MODE);
  files.writeAtomicSync(`${directory}/${CERTIFICATE}`, certPem, { mode: FILE_MODE });
  files.writeAtomicSync(`${directory}/${BUNDLE}`, trustBundlePem, { mode: FILE_MODE });
}

/** Removes them. @throws {ShimError} with the path. */
export function clearCertificates(files: Files, directory: string): void {
  for (const name of [CERTIFICATE, BUNDLE]) {
    const path = `${directory}/${name}`;
    if (files.lstatIfPresent(path) !== null) files.unlink(path);
  }
}
