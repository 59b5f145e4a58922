import { z } from "zod";
import {
  AbsolutePathSchema,
  listSetting,
  numberSetting,
  switchSetting,
  textSetting,
} from "../../common/config/mod.ts";
import { ETCD_SETTINGS } from "./etcd_settings.ts";
import { IDENTITY_SETTINGS } from "./identity_settings.ts";
import { ListenAddressSchema } from "./listen_address.ts";
import { LogLevelSchema } from "./log_level.ts";
import { SPIRE_SETTINGS } from "./spire_settings.ts";
import { MembersSchema, PeersSchema } from "./members.ts";
import { POLICY_SETTINGS } from "./policy_settings.ts";

const path = AbsolutePathSchema.optional();
const listOrText = z.union([z.string().transform((text) => [text]), z.array(z.string())]);

/** Every setting of `pact-journal` that has an effect (CFG-1). */
export const JOURNAL_SETTINGS = {
  ...ETCD_SETTINGS,
  ...SPIRE_SETTINGS,
  ...POLICY_SETTINGS,
  config: textSetting({ flag: "config", env: ["PACT_JOURNAL_CONFIG"] }, path),
  nodeId: numberSetting(
    { flag: "node-id", env: ["PACT_JOURNAL_NODE_ID"], key: "journal.node_id" },
    z.number().int().min(1).max(2 ** 32 - 1).optional(),
  ),
  listen: textSetting(
    { flag: "listen", env: ["PACT_JOURNAL_LISTEN"], key: "journal.listen_addr" },
    ListenAddressSchema.prefault("0.0.0.0:9443"),
  ),
  metricsListen: textSetting(
    {
      flag: "metrics-listen",
      env: ["PACT_JOURNAL_METRICS_LISTEN"],
      key: "telemetry.prometheus_listen",
    },
    ListenAddressSchema.prefault("0.0.0.0:9091"),
  ),
  dataDir: textSetting(
    { flag: "data-dir", env: ["PACT_JOURNAL_DATA_DIR"], key: "journal.data_dir" },
    AbsolutePathSchema.default("/var/lib/pact/journal"),
  ),
  snapshotDir: textSetting(
    {
      flag: "snapshot-dir",
      env: ["PACT_JOURNAL_SNAPSHOT_DIR"],
      key: "journal.snapshot_dir",
    },
    path,
  ),
  isSingleNode: switchSetting({ flag: "single-node" }, false),
  isBootstrap: switchSetting({ flag: "bootstrap" }, false),
  isJoining: switchSetting({ flag: "join" }, false),
  raftListen: textSetting(
    {
      flag: "raft-listen",
      env: ["PACT_JOURNAL_RAFT_LISTEN"],
      key: "journal.raft.listen_addr",
    },
    ListenAddressSchema.prefault("0.0.0.0:9444"),
  ),
  memberItems: listSetting({ key: "journal.raft.members" }, MembersSchema.default([])),
  peerItems: listSetting(
    { flag: "peers", env: ["PACT_JOURNAL_PEERS"] },
    PeersSchema.default([]),
  ),
  snapshotInterval: numberSetting(
    { key: "journal.raft.snapshot_interval" },
    z.number().int().min(100).max(10_000_000).default(10_000),
  ),
  heartbeatIntervalMs: numberSetting(
    { key: "journal.raft.heartbeat_interval_ms" },
    z.number().int().min(10).max(10_000).default(500),
  ),
  electionTimeoutMs: numberSetting(
    { key: "journal.raft.election_timeout_ms" },
    z.number().int().min(50).max(60_000).default(1_500),
  ),
  logLevel: textSetting(
    { flag: "log-level", env: ["PACT_LOG_LEVEL", "RUST_LOG"], key: "telemetry.log_level" },
    LogLevelSchema.prefault("info"),
  ),
  logFormat: textSetting(
    { env: ["PACT_LOG_FORMAT"], key: "telemetry.log_format" },
    z.enum(["text", "json"]).default("text"),
  ),
  maxBootStreams: numberSetting(
    { key: "journal.streaming.max_concurrent_boot_streams" },
    z.number().int().min(1).max(1_000_000).default(15_000),
  ),
  domainId: textSetting(
    { env: ["PACT_DOMAIN_ID"], key: "journal.enrollment.domain_id" },
    z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/).default("default"),
  ),
  caCert: textSetting({ env: ["PACT_CA_CERT"], key: "journal.enrollment.ca_cert" }, path),
  caKey: textSetting({ env: ["PACT_CA_KEY"], key: "journal.enrollment.ca_key" }, path),
  certLifetimeSeconds: numberSetting(
    { key: "journal.enrollment.cert_lifetime_seconds" },
    z.number().int().min(600).max(31_536_000).default(259_200),
  ),
  rateLimitPerMinute: numberSetting(
    { key: "journal.enrollment.rate_limit_per_minute" },
    z.number().int().min(1).max(100_000).default(100),
  ),
  heartbeatTimeoutSeconds: numberSetting(
    { key: "journal.enrollment.heartbeat_timeout_seconds" },
    z.number().int().min(10).max(86_400).default(300),
  ),
  activeLockSeconds: numberSetting(
    { key: "journal.enrollment.active_lock_seconds" },
    z.number().int().min(1).max(3600).default(30),
  ),
  minIdentity: textSetting(
    { key: "journal.enrollment.min_identity" },
    z.enum(["mac", "smbios", "tpm"]).default("mac"),
  ),
  tlsMode: textSetting(
    { env: ["PACT_JOURNAL_TLS"], key: "journal.tls.mode" },
    z.enum(["auto", "on", "off"]).default("auto"),
  ),
  plaintext: textSetting(
    { key: "journal.tls.plaintext" },
    z.enum(["loopback", "any"]).default("loopback"),
  ),
  tlsCert: textSetting({ env: ["PACT_JOURNAL_TLS_CERT"], key: "journal.tls.cert" }, path),
  tlsKey: textSetting({ env: ["PACT_JOURNAL_TLS_KEY"], key: "journal.tls.key" }, path),
  tlsCa: textSetting({ env: ["PACT_JOURNAL_TLS_CA"], key: "journal.tls.ca" }, path),
  tlsHosts: listSetting({ key: "journal.tls.hosts" }, listOrText.default([])),
  ...IDENTITY_SETTINGS,
} as const;
