/**
 * Opens what a replica is made of, whichever engine keeps its log.
 *
 * @module
 */
import { join } from "node:path";
import type { Clock } from "../../common/clock/mod.ts";
import { openDisk } from "../disk/mod.ts";
import { connectEtcd, type EtcdSettings, openEtcdLog, requireCluster } from "../etcd/mod.ts";
import type { MemberAddress, PeerDirectories, PeerHandler } from "../peers/mod.ts";
import { foundQuorum, type MemberLog, openQuorumLog } from "../quorum/mod.ts";
import { SnapshotStore } from "../snapshots/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { storedCluster } from "../state/mod.ts";
import { directoryIdOf, StorageError } from "../storage/mod.ts";
import type { StateStore } from "../store/mod.ts";
import { type DurableLog, openDurableLog } from "../wal/mod.ts";
import { addressesOf, ALONE, membershipOf, type QuorumSettings } from "./quorum_settings.ts";
import { openStateFile, restoredPosition, storedClusterId } from "./state_file.ts";

/** What the parts are opened from. */
export interface PartsOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly quorum?: QuorumSettings;
}

/** Everything a replica holds besides its lock. */
export interface ReplicaParts {
  readonly log: MemberLog;
  readonly store: StateStore;
  readonly snapshots: SnapshotStore;
  /** What the log asks of the replica, which exists only after it. */
  readonly wishes: { onSnapshotWanted: () => void };
}

/**
 * Opens log, state and snapshots; what is open when that fails ends with `opened`.
 *
 * @throws {StorageError} for a directory that must not be used as it is, {EtcdError} for an etcd.
 */
export async function openParts(
  options: PartsOptions,
  opened: AsyncDisposableStack,
): Promise<ReplicaParts> {
  const { dataDir, clock } = options;
  const quorum = options.quorum ?? ALONE;
  const snapshots = new SnapshotStore(quorum.snapshotDir ?? join(dataDir, "snapshots"));
  snapshots.sweep(clock.nowMs());
  const site = { ...options, quorum, snapshots };
  return quorum.etcd === undefined
    ? await openOnQuorum(site, opened)
    : await openOnEtcd(site, quorum.etcd, opened);
}

interface Site extends PartsOptions {
  readonly quorum: QuorumSettings;
  readonly snapshots: SnapshotStore;
}

async function openOnQuorum(
  { dataDir, clock, random, quorum, snapshots }: Site,
  opened: AsyncDisposableStack,
): Promise<ReplicaParts> {
  const directoryId = directoryIdOf(dataDir);
  const wal = await openLog(dataDir, quorum, clock, directoryId);
  opened.defer(() => wal.terminate());
  const { start, entries } = wal.recovered;
  const store = openStateFile({
    dataDir,
    clock,
    snapshots,
    log: { startIndex: start.index, lastIndex: start.index + entries.length },
  });
  opened.defer(() => store.close());
  const { openNetwork, etcd: _, meetFounding: __, ...member } = quorum;
  const wishes = { onSnapshotWanted: () => {} };
  const log = await openQuorumLog({
    ...member,
    ...openNetwork && {
      openNetwork: (handler: PeerHandler, others: PeerDirectories) =>
        openNetwork(handler, clusterIdIn(store), { id: directoryId, others }),
    },
    directoryId,
    wal,
    logFiles: openDisk(join(dataDir, "raft")),
    snapshots,
    clock,
    random,
    ...recovered(quorum, store),
    onSnapshotWanted: () => wishes.onSnapshotWanted(),
  });
  return { log, store, snapshots, wishes };
}

async function openOnEtcd(
  { dataDir, clock, random, quorum, snapshots }: Site,
  settings: EtcdSettings,
  opened: AsyncDisposableStack,
): Promise<ReplicaParts> {
  const { openNetwork } = quorum;
  const connection = await connectEtcd({ settings, clock, ...foundingOf(dataDir, quorum) });
  opened.defer(() => connection.client.close());
  const store = openStateFile({
    dataDir,
    clock,
    snapshots,
    // What is not in etcd any more comes from another journal.
    log: { startIndex: 0, lastIndex: connection.overview.head.lastIndex },
  });
  opened.defer(() => store.close());
  requireCluster(connection, storedCluster(store)?.cluster_id);
  const wishes = { onSnapshotWanted: () => {} };
  const log = await openEtcdLog({
    id: quorum.id,
    connection,
    ...openNetwork && {
      openNetwork: (handler: PeerHandler) => openNetwork(handler, clusterIdIn(store)),
    },
    snapshots,
    clock,
    random,
    ...recovered(quorum, store),
    ...quorum.onDuplicate !== undefined && { onDuplicate: quorum.onDuplicate },
    onCampaign: () => quorum.onEvent?.({ kind: "role-changed", role: "candidate", term: 0 }),
    onSnapshotWanted: () => wishes.onSnapshotWanted(),
  });
  return { log, store, snapshots, wishes };
}

/** Nobody founds on a state that cannot be read: it may belong to a cluster. */
function foundingOf(dataDir: string, { founding }: QuorumSettings) {
  try {
    const clusterId = storedClusterId(dataDir);
    if (clusterId !== undefined) return { clusterId };
    const restored = restoredPosition(dataDir);
    return { ...restored && { restored }, ...founding && { founding } };
  } catch (error) {
    // Opening it brings it forward, restores it from a snapshot, or says what is wrong.
    if (error instanceof StorageError) return {};
    throw error;
  }
}

function clusterIdIn(store: StateStore): () => string | undefined {
  return () => storedCluster(store)?.cluster_id;
}

function recovered({ configured }: QuorumSettings, store: StateStore) {
  return {
    applied: { index: Number(store.applied.index), membership: membershipOf(store) },
    configured: addressesOf(store) ?? configured ?? [],
  };
}

/**
 * Opens the durable log; one that is empty gets the founding entries where this member founds,
 * behind what a restored state contains.
 */
async function openLog(
  dataDir: string,
  quorum: QuorumSettings,
  clock: Clock,
  directoryId: string,
): Promise<DurableLog> {
  const directory = join(dataDir, "raft");
  const wal = openDurableLog(directory);
  const { start, entries, hardState } = wal.recovered;
  const isEmpty = start.index === 0 && entries.length === 0 && hardState.term === 0;
  if (quorum.founding === undefined || !isEmpty) return wal;
  const base = restoredPosition(dataDir);
  const directories = await directoriesToFound(quorum, quorum.founding, directoryId);
  await foundQuorum(wal, {
    directories,
    founder: quorum.id,
    members: quorum.founding,
    clusterId: crypto.randomUUID(),
    now: new Date(clock.nowMs()),
    ...base !== undefined && { base },
  });
  await wal.close();
  return openDurableLog(directory);
}

/** Whoever founds alone knows everybody's; without a way to ask the others none are looked at. */
async function directoriesToFound(
  { id, meetFounding }: QuorumSettings,
  founding: readonly MemberAddress[],
  own: string,
): Promise<ReadonlyMap<NodeId, string>> {
  if (founding.length === 1) return new Map([[id, own]]);
  return await meetFounding?.(own) ?? new Map();
}
