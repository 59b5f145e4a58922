import { PACT_ROOT } from "../../contracts/mod.ts";
import { type Files, isShimError, type UnixPeer } from "../../ffi/mod.ts";

/** Who may use the handoff socket. */
export interface PeerRules {
  readonly files: Pick<Files, "readText">;
  /** Besides root. */
  readonly latticeUid: number;
  /** Only services of pact's may: where all of them are in cgroups. */
  readonly isServiceOnly: boolean;
}

const MAX_CGROUP_BYTES = 8_192;

/** Why a peer may not use the socket; null when it may (NS-12). */
export function peerRefusal({ files, latticeUid, isServiceOnly }: PeerRules, peer: UnixPeer) {
  if (peer.uid !== 0 && peer.uid !== latticeUid) {
    return `uid ${peer.uid} may not ask for namespaces`;
  }
  if (!isServiceOnly) return null;
  try {
    const text = files.readText(`/proc/${peer.pid}/cgroup`, { maxBytes: MAX_CGROUP_BYTES });
    const path = /^0::(.*)$/m.exec(text)?.[1] ?? "";
    return path.startsWith(`/${PACT_ROOT}/`) ? null : `process ${peer.pid} is no service of pact's`;
  } catch (error) {
    if (!isShimError(error)) throw error;
    return `process ${peer.pid} is gone`;
  }
}
