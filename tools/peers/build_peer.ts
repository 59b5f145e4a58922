import { type Peer, peerFolder, PEERS } from "./peers.ts";

/** A peer's programs could not be built; the message says what to do. */
export class PeerBuildError extends Error {
  override readonly name = "PeerBuildError";
}

/** What a build made. */
export interface BuiltPeer {
  readonly folder: string;
  /** Whether anything had to be compiled. */
  readonly isNew: boolean;
}

/**
 * Builds the programs of a peer where they are not there yet.
 *
 * @throws {PeerBuildError} without Go, or when its build fails.
 */
export async function buildPeer(peer: Peer): Promise<BuiltPeer> {
  const folder = await peerFolder(peer);
  if (await isComplete(peer, folder)) return { folder, isNew: false };
  // Built aside and renamed, so that a build cut short leaves nothing that looks whole.
  const aside = `${folder}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    await goBuild(peer, aside);
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    await Deno.rename(aside, folder);
  } finally {
    await Deno.remove(aside, { recursive: true }).catch(() => {});
  }
  return { folder, isNew: true };
}

async function goBuild(peer: Peer, target: string): Promise<void> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command("go", {
      args: ["build", "-trimpath", "-ldflags=-s -w", "-o", `${target}/`, "tool"],
      cwd: new URL(`./${peer}/`, import.meta.url).pathname,
      stdout: "piped",
      stderr: "piped",
    }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new PeerBuildError(`${peer} is built with Go, and there is no \`go\`: install Go`);
  }
  if (output.success) return;
  const said = new TextDecoder().decode(output.stderr).trim().slice(-2_000);
  throw new PeerBuildError(`go build of ${peer} failed:\n${said}`);
}

async function isComplete(peer: Peer, folder: string): Promise<boolean> {
  for (const program of PEERS[peer]) {
    try {
      await Deno.stat(`${folder}/${program}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }
  return true;
}
