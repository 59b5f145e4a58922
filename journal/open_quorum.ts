/**
 * How a journal takes part in its quorum: what it founds or joins, and the way to its peers.
 */

import type { Clock } from "../common/clock/mod.ts";
import { ConfigError } from "../common/config/mod.ts";
import type { Logger } from "../common/log/mod.ts";
import { readPrivateKey } from "./certs/mod.ts";
import { type EtcdConfig, type JournalSettings, planStart } from "./config/mod.ts";
import { type OpenPeerNetwork, openPeerNetwork, type PeerTls } from "./peers/mod.ts";
import type { EtcdSettings, EtcdTls } from "./etcd/mod.ts";
import type { QuorumTiming } from "./quorum/mod.ts";
import type { RaftEvent } from "./raft/mod.ts";
import { isOfCluster, type QuorumSettings } from "./replica/mod.ts";
import { StorageError } from "./storage/mod.ts";

/** A quorum's clock ticks this often; timeouts are multiples of it. */
const TICKS_PER_HEARTBEAT = 5;

/** Whoever is alone has nobody to beat for: only writes that the disk holds up look at the clock. */
const ALONE_TIMING: QuorumTiming = { tickMs: 10_000, heartbeatTicks: 1, electionTicks: 2 };

/** What the way into the quorum is made of. */
export interface QuorumParts {
  readonly settings: JournalSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly onEvent: (event: RaftEvent) => void;
  /** Somebody was not let in as a member (JRN-53). */
  readonly onRefused: () => void;
  /** Another process has this member's id: this one must end. */
  readonly onDuplicate: (reason: string) => void;
}

/** A journal's place in its quorum, and what can be done to it from outside. */
export interface QuorumPlace {
  readonly settings: QuorumSettings;
  /** Reads the members' certificates again (CFG-3). */
  rotate(): void;
}

/**
 * Decides how this member starts.
 *
 * @throws {ConfigError} when the configuration cannot make a member of what is there.
 */
export function placeInQuorum(parts: QuorumParts): QuorumPlace {
  const { settings, log } = parts;
  const start = planStart(settings, {
    hasState: hasState(settings.dataDir),
    hostname: Deno.hostname(),
    fileExists,
  });
  for (const warning of start.warnings) log.warn(warning);
  log.info("member starts", {
    as: start.kind,
    members: start.members.map(({ id, raft }) => `${id}=${raft}`).join(","),
  });
  let network: OpenPeerNetwork | undefined;
  const isAlone = staysAlone(settings);
  return {
    settings: {
      id: settings.nodeId,
      configured: start.members,
      ...start.kind === "found" && { founding: start.members },
      ...settings.etcd !== undefined && { etcd: etcdSettings(settings.etcd) },
      timing: isAlone ? ALONE_TIMING : timingOf(settings),
      snapshotInterval: settings.snapshotInterval,
      ...settings.snapshotDir !== undefined && { snapshotDir: settings.snapshotDir },
      onEvent: parts.onEvent,
      onDuplicate: parts.onDuplicate,
      ...!isAlone && {
        openNetwork: async (handler, clusterId) => {
          network = await openPeerNetwork({ ...networkParts(parts), handler, clusterId });
          return network;
        },
      },
    },
    rotate: () => network?.rotate(peerTls(settings)),
  };
}

/** Whoever nobody could know by a certificate has nobody to open a port for. */
function staysAlone({ members, isSingleNode, tlsCert, tlsKey, tlsCa }: JournalSettings): boolean {
  const hasFiles = tlsCert !== undefined && tlsKey !== undefined && tlsCa !== undefined;
  return members.length <= 1 && (isSingleNode || !hasFiles);
}

function networkParts({ settings, clock, random, log, onRefused }: QuorumParts) {
  return {
    self: { id: settings.nodeId, instanceId: crypto.randomUUID() },
    onClusterId: (id: string) => log.info("a cluster made itself known", { cluster: id }),
    listen: settings.raftListen,
    tls: peerTls(settings),
    clock,
    random,
    log: log.child("peers"),
    onRefused,
  };
}

/** @throws {ConfigError} when a file is not named; what is in it is the network's affair. */
function peerTls({ tlsCert, tlsKey, tlsCa }: JournalSettings): PeerTls {
  if (tlsCert === undefined || tlsKey === undefined || tlsCa === undefined) {
    throw new ConfigError(
      "members of a quorum speak mutual TLS: name journal.tls.cert, key and ca, or give --single-node",
    );
  }
  return {
    certPem: Deno.readTextFileSync(tlsCert),
    keyPem: readPrivateKey(tlsKey),
    caPem: Deno.readTextFileSync(tlsCa),
  };
}

function etcdSettings({ files, ...settings }: EtcdConfig): EtcdSettings {
  // What cannot be read now is told at once, rather than as an etcd that cannot be reached.
  etcdTls(files);
  return { ...settings, tls: () => etcdTls(files) };
}

/** @throws {ConfigError} when a file cannot be read. */
function etcdTls(files: EtcdConfig["files"]): EtcdTls {
  if (files === undefined) return {};
  return {
    caPem: readPublicFile(files.ca),
    certPem: readPublicFile(files.cert),
    keyPem: readPrivateKey(files.key),
  };
}

function readPublicFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new ConfigError(`cannot read ${path}: ${error instanceof Error ? error.message : error}`);
  }
}

function timingOf({ heartbeatIntervalMs, electionTimeoutMs }: JournalSettings): QuorumTiming {
  const tickMs = heartbeatIntervalMs / TICKS_PER_HEARTBEAT;
  return {
    tickMs,
    heartbeatTicks: TICKS_PER_HEARTBEAT,
    electionTicks: Math.ceil(electionTimeoutMs / tickMs),
  };
}

function hasState(dataDir: string): boolean {
  try {
    return isOfCluster(dataDir);
  } catch (error) {
    // Of an older schema, or damaged: opening it brings it forward or says what is wrong.
    if (error instanceof StorageError) return true;
    throw error;
  }
}

function fileExists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
