/**
 * What the rest of the process sees of the quorum: the admin's view and changes of it, its figures,
 * and log lines when somebody else leads. It owns the admin and ends with its scope.
 */

import { join } from "node:path";
import type { Clock } from "../common/clock/mod.ts";
import type { Logger } from "../common/log/mod.ts";
import type { JournalSettings } from "./config/mod.ts";
import type { Metrics } from "./http/mod.ts";
import { createQuorumAdmin, type QuorumAdmin } from "./membership/mod.ts";
import { encodeMembershipContext } from "./quorum/mod.ts";
import type { Replica } from "./replica/mod.ts";
import { storedCluster } from "./state/mod.ts";

/** What the watch looks at and tells. */
export interface WatchOptions {
  readonly settings: JournalSettings;
  readonly replica: Replica;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Begins to watch; the admin closes with the stack. */
export function watchQuorum(
  { settings, replica, metrics, clock, log }: WatchOptions,
  opened: AsyncDisposableStack,
): QuorumAdmin {
  const quorum = createQuorumAdmin({
    control: replica.quorum,
    clock,
    clusterId: () => storedCluster(replica.state)?.cluster_id,
    appliedIndex: () => replica.status().appliedIndex,
    encodeAddresses: (id, raft, api) =>
      encodeMembershipContext({
        members: { [String(id)]: { raft_address: raft, api_address: api } },
      }),
  });
  opened.defer(() => quorum.close());
  opened.defer(tellOfLeaders(replica, metrics, log));
  metrics.observe({
    replica,
    clock,
    quorum,
    logBytes: () =>
      settings.etcd === undefined
        ? bytesIn(join(settings.dataDir, "raft"))
        : replica.status().log.storeBytes ?? 0,
    snapshotIndex: () => newestSnapshotIn(settings.snapshotDir),
  });
  return quorum;
}

function tellOfLeaders(replica: Replica, metrics: Metrics, log: Logger): () => void {
  let known = replica.status().log.leaderId;
  return replica.quorum.onLeadership(({ role, leaderId, term, failure }) => {
    if (failure !== undefined) {
      log.error("this member takes no part in the quorum any more", { reason: failure });
      return;
    }
    log.info("leadership", {
      role,
      leader: leaderId === undefined ? "none" : Number(leaderId),
      term: Number(term),
    });
    if (leaderId === undefined || leaderId === known) return;
    known = leaderId;
    metrics.leaderChanged();
  });
}

function bytesIn(directory: string): number {
  let bytes = 0;
  for (const { name } of Deno.readDirSync(directory)) {
    try {
      bytes += Deno.statSync(join(directory, name)).size;
    } catch (error) {
      // Segments go when a snapshot has replaced them.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return bytes;
}

/** Index in the name of the newest complete snapshot; 0 without one. */
function newestSnapshotIn(directory: string): number {
  const indexes = [...Deno.readDirSync(directory)].map(({ name }) =>
    Number(/^snap-[0-9]+-([0-9]+)\.json$/.exec(name)?.[1] ?? 0)
  );
  return Math.max(0, ...indexes);
}
