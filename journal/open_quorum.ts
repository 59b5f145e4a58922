/**
 * How a journal takes part in its quorum: what it founds or joins, and the way to its peers.
 */

import type { Clock } from "../common/clock/mod.ts";
import { ConfigError } from "../common/config/mod.ts";
import type { Logger } from "../common/log/mod.ts";
import { type JournalSvid, readPrivateKey } from "./certs/mod.ts";
import { type EtcdConfig, type JournalSettings, planStart } from "./config/mod.ts";
import { meetMajority, type OpenPeerNetwork, openPeerNetwork, type PeerTls } from "./peers/mod.ts";
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
  /** By which the members know each other where SPIRE is asked (CRT-3). */
  readonly svid: JournalSvid | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly onEvent: (event: RaftEvent) => void;
  /** Somebody was not let in as a member (JRN-53). */
  readonly onRefused: () => void;
  /** Another process has this member's id: this one must end. */
  readonly onDuplicate: (reason: string) => void;
  /** Ends the waiting for others that a founder does. */
  readonly signal: AbortSignal;
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
  const isAlone = staysAlone(settings, parts.svid);
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
        openNetwork: async (handler, clusterId, own) => {
          network = await openPeerNetwork({
            ...networkParts(parts, own?.id),
            ...own && { directories: own.others },
            handler,
            clusterId,
          });
          return network;
        },
        meetFounding: (directoryId) =>
          meetMajority({
            ...networkParts(parts),
            self: { ...networkParts(parts).self, directoryId },
            members: start.members,
            signal: parts.signal,
          }),
      },
    },
    rotate: () => network?.rotate(peerTls(settings, parts.svid)),
  };
}

/** Whoever nobody could know by a certificate has nobody to open a port for. */
function staysAlone(settings: JournalSettings, svid: JournalSvid | undefined): boolean {
  const isKnown = memberFiles(settings) !== undefined || svid?.current() !== undefined;
  return settings.members.length <= 1 && (settings.isSingleNode || !isKnown);
}

/** The certificate files of a member, where all of them are named. */
function memberFiles({ tlsCert, tlsKey, tlsCa }: JournalSettings) {
  return tlsCert === undefined || tlsKey === undefined || tlsCa === undefined
    ? undefined
    : { tlsCert, tlsKey, tlsCa };
}

function networkParts(
  { settings, svid, clock, random, log, onRefused }: QuorumParts,
  directoryId?: string,
) {
  return {
    self: {
      id: settings.nodeId,
      instanceId: crypto.randomUUID(),
      ...directoryId !== undefined && { directoryId },
    },
    onClusterId: (id: string) => log.info("a cluster made itself known", { cluster: id }),
    listen: settings.raftListen,
    tls: peerTls(settings, svid),
    clock,
    random,
    log: log.child("peers"),
    onRefused,
  };
}

/**
 * The SVID, else the files. Members of either kind know each other: only the own trust domain vouches
 * for a member beside the configured CA.
 *
 * @throws {ConfigError} when there is neither; what is in the files is the network's affair
 */
function peerTls(settings: JournalSettings, svid: JournalSvid | undefined): PeerTls {
  const files = memberFiles(settings);
  const identity = svid?.current();
  const trust = {
    caPem: files === undefined ? "" : Deno.readTextFileSync(files.tlsCa),
    trustDomains: svid?.ownDomain() ?? new Map(),
  };
  if (identity !== undefined) {
    return { certPem: identity.svid.chainPem, keyPem: identity.svid.keyPem, ...trust };
  }
  if (files === undefined) {
    throw new ConfigError(
      "members of a quorum speak mutual TLS: name journal.tls.cert, key and ca, give this one an " +
        "SVID spiffe://TRUST_DOMAIN/pact/journal/" + settings.nodeId + ", or give --single-node",
    );
  }
  return {
    certPem: Deno.readTextFileSync(files.tlsCert),
    keyPem: readPrivateKey(files.tlsKey),
    ...trust,
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
