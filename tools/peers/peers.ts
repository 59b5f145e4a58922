import { createHash } from "node:crypto";

/** A folder beside this file whose go.mod pins programs with `tool` lines, by the programs' names. */
export const PEERS = {
  /** A client of gRPC services that knows nothing of pact. */
  grpcurl: ["grpcurl"],
  /** The policy engine that sites run beside their journals. */
  opa: ["opa"],
  /** What gives sites' machines and programs their identities. */
  spire: ["spire-server", "spire-agent"],
} as const satisfies Record<string, readonly string[]>;

/** Name of a peer. */
export type Peer = keyof typeof PEERS;

/** Whether a text names a peer. */
export function isPeer(name: string): name is Peer {
  return Object.hasOwn(PEERS, name);
}

/**
 * Where the programs of a peer are built to. The name carries a hash of what pins them, so a new
 * version never runs under the old one's name.
 */
export async function peerFolder(peer: Peer): Promise<string> {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum"]) {
    hash.update(await Deno.readFile(new URL(`./${peer}/${file}`, import.meta.url)));
  }
  const cache = new URL("../../.cache/peers/", import.meta.url).pathname;
  return `${cache}${peer}-${hash.digest("hex").slice(0, 12)}`;
}
