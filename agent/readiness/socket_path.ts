import { PathError } from "../../contracts/mod.ts";
import type { Shim } from "../../ffi/mod.ts";

/**
 * Makes sure that a socket can be bound to a path: the file of a dead process is removed (PATH-22).
 *
 * @throws {PathError} InUse when somebody listens there, UnsafePath for what is no socket
 */
export function claimSocketPath(
  { files, sockets }: Pick<Shim, "files" | "sockets">,
  path: string,
): void {
  const present = files.lstatIfPresent(path);
  if (present === null) return;
  if (present.type !== "socket") throw new PathError({ kind: "UnsafePath", path });
  if (sockets.isAlive(path)) throw new PathError({ kind: "InUse", path });
  files.unlink(path);
}
