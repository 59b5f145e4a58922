import { Member } from "../member/mod.ts";
import type { Snapshot } from "../raft/mod.ts";
import { type Place, readEntry } from "../wal/mod.ts";
import { QUORUM_TIMING, type QuorumLogOptions } from "./quorum_options.ts";

/** The machine of this member, on what its log and its state recovered. */
export function openMember(
  { id, wal, logFiles, applied, random, timing = QUORUM_TIMING, onEvent }: QuorumLogOptions,
  snapshot: () => Snapshot | undefined,
): Member<Place> {
  const { electionTicks, heartbeatTicks } = timing;
  return new Member({
    id,
    log: {
      recovered: wal.recovered,
      membership: applied.membership,
      read: (place) => readEntry(logFiles, place),
      snapshot,
    },
    appliedIndex: applied.index,
    random: (bound) => Math.floor(random() * bound),
    electionTicks,
    heartbeatTicks,
    ...onEvent && { onEvent },
  });
}
