import { type Peer, peerFolder, PEERS } from "../../tools/peers/mod.ts";

/** Path of a program that `deno task peers` builds, by default the peer's first; undefined where it is not built. */
export async function peerProgram(
  peer: Peer,
  program: string = PEERS[peer][0],
): Promise<string | undefined> {
  const path = `${await peerFolder(peer)}/${program}`;
  try {
    await Deno.stat(path);
    return path;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Name and `ignore` of a test that runs a peer's program: skipped with a line where it is not built,
 * except in CI, where the missing program fails the test.
 */
export async function needingPeer(
  peer: Peer,
  name: string,
): Promise<{ readonly name: string; readonly ignore: boolean }> {
  const isMet = Deno.env.get("CI") === "true" || await peerProgram(peer) !== undefined;
  return isMet
    ? { name, ignore: false }
    : { name: `${name} (ignored: needs \`deno task peers ${peer}\`)`, ignore: true };
}
