import type { AddGauge, GaugeSources } from "./gauges.ts";

/** Registers what is known of the quorum and of this member's log (journal.md 14.2). */
export function quorumGauges(
  add: AddGauge,
  { replica, quorum, logBytes, snapshotIndex }: GaugeSources,
): void {
  const plain = (name: string, help: string, value: () => number) =>
    add(name, help, [], (set) => set({}, value()));
  const log = () => replica.status().log;
  plain("pact_raft_leader", "Id of the leader, -1 if none.", () => Number(log().leaderId ?? -1));
  plain("pact_raft_is_leader", "1 on the leader.", () => log().role === "leader" ? 1 : 0);
  plain("pact_raft_term", "Current term.", () => Number(log().term));
  plain(
    "pact_raft_log_entries",
    "Last applied log index.",
    () => Number(replica.status().appliedIndex),
  );
  plain("pact_raft_commit_index", "Commit index.", () => Number(log().commitIndex));
  plain("pact_raft_log_bytes", "Size of the log on disk.", logBytes);
  plain("pact_raft_snapshot_index", "Log index of the newest snapshot.", snapshotIndex);
  add("pact_raft_replication_lag", "Log entries behind the leader.", [], async (set) => {
    // A member that is cut off cannot know; what it has itself left to apply is the least there is.
    const { commitIndex, appliedIndex } = await quorum.leaderView();
    set({}, Number(commitIndex > appliedIndex ? commitIndex - appliedIndex : 0n));
  });
  add(
    "pact_raft_peer_match_index",
    "Up to where a member's log agrees, as the leader sees it.",
    ["peer"],
    (set) => {
      if (log().role !== "leader") return;
      for (const { id, matchIndex, isSelf } of quorum.view().members) {
        if (!isSelf) set({ peer: String(id) }, Number(matchIndex ?? 0n));
      }
    },
  );
}
