import * as z from "zod";
import {
  AbsolutePathSchema,
  laterKeys,
  listSetting,
  numberSetting,
  switchSetting,
  textSetting,
} from "../../common/config/mod.ts";
import { LOG_LEVELS } from "../../common/log/mod.ts";
import { NodeIdSchema, VClusterIdSchema } from "../../common/model/mod.ts";
import {
  DEFAULT_HOLD_TIME_SECS,
  DEFAULT_PATTERNS,
  MAX_HOLD_TIME_SECS,
} from "../../contracts/mod.ts";
import { AUTH_SETTINGS } from "./auth_settings.ts";

const path = AbsolutePathSchema.optional();
const listOrText = z.union([z.string().transform((text) => [text]), z.array(z.string())]);
const whole = (least: number, most: number) => z.number().int().min(least).max(most);
const seconds = whole;
const milliseconds = whole;

/** `HOST:PORT` of the shell listener. */
const ListenSchema = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^:[\]]+):[0-9]{1,5}$/, {
  message: "must be HOST:PORT",
});

/** Every setting of `pact-agent` that has an effect (agent.md sections 1.2 and 2). */
export const AGENT_SETTINGS = {
  /** Found and read by the core; known here so that it is no unknown option. */
  config: textSetting({ flag: "config", env: ["PACT_AGENT_CONFIG"] }, path),
  nodeId: textSetting(
    { flag: "node-id", env: ["PACT_AGENT_NODE_ID"], key: "agent.node_id" },
    NodeIdSchema.optional(),
  ),
  vclusterId: textSetting(
    { flag: "vcluster", env: ["PACT_AGENT_VCLUSTER"], key: "agent.vcluster" },
    VClusterIdSchema.optional(),
  ),
  profile: textSetting({ flag: "profile" }, z.enum(["auto", "init", "rootless"]).default("auto")),
  root: textSetting({ flag: "root" }, path),
  enforcementMode: textSetting(
    { key: "agent.enforcement_mode" },
    z.enum(["observe", "warn", "enforce"]).default("observe"),
  ),
  journalEndpoints: listSetting(
    { flag: "journal", env: ["PACT_AGENT_JOURNAL"], key: "agent.journal.endpoints" },
    listOrText.default([]),
  ),
  isTlsEnabled: switchSetting({ key: "agent.journal.tls_enabled" }, true),
  tlsCa: textSetting(
    { key: "agent.journal.tls_ca" },
    AbsolutePathSchema.default("/etc/pact/ca.crt"),
  ),
  tlsCert: textSetting({ key: "agent.journal.tls_cert" }, path),
  tlsKey: textSetting({ key: "agent.journal.tls_key" }, path),
  identityProvider: textSetting(
    { key: "agent.identity.provider" },
    z.enum(["auto", "spire", "self_signed", "static"]).default("auto"),
  ),
  spireSocket: textSetting({ key: "agent.identity.spire_socket" }, path),
  spiffeId: textSetting(
    { key: "agent.identity.spiffe_id" },
    z.string().regex(/^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/[A-Za-z0-9._-]+)+$/, {
      message: "must be spiffe://TRUST_DOMAIN/PATH",
    }).optional(),
  ),
  identityTimeoutSeconds: numberSetting(
    { key: "agent.identity.timeout_seconds" },
    seconds(1, 300).default(30),
  ),
  spireRetrySeconds: numberSetting(
    { key: "agent.identity.spire_retry_seconds" },
    seconds(1, 3600).default(60),
  ),
  federatesWith: listSetting(
    { key: "agent.identity.federates_with" },
    z.array(z.string().regex(/^[a-z0-9._-]{1,255}$/, { message: "must be a trust domain" }))
      .max(128).default([]),
  ),
  enrollmentRetrySeconds: numberSetting(
    { key: "agent.enrollment.retry_seconds" },
    seconds(1, 86_400).default(300),
  ),
  enrollmentEndpoints: listSetting(
    { key: "agent.enrollment.journal_endpoints" },
    listOrText.default([]),
  ),
  enrollmentCa: textSetting({ key: "agent.enrollment.ca_cert" }, path),
  renewBeforeExpirySeconds: numberSetting(
    { key: "agent.enrollment.renewal_before_expiry_seconds" },
    seconds(0, 31_536_000).default(0),
  ),
  mayTrustOnFirstUse: switchSetting({ key: "agent.enrollment.trust_on_first_use" }, false),
  certDir: textSetting({ key: "agent.enrollment.cert_dir" }, path),
  hardwareIds: listSetting({ key: "agent.enrollment.hardware_ids" }, listOrText.default([])),
  isShellEnabled: switchSetting({ key: "agent.shell.enabled" }, true),
  shellListen: textSetting({ key: "agent.shell.listen" }, ListenSchema.default("0.0.0.0:9445")),
  whitelistMode: textSetting(
    { key: "agent.shell.whitelist_mode" },
    z.enum(["strict", "learning", "bypass"]).default("strict"),
  ),
  isViewerExec: switchSetting({ key: "agent.shell.viewer_exec" }, false),
  maxShells: numberSetting(
    { key: "agent.shell.max_sessions" },
    z.number().int().min(1).max(100).default(10),
  ),
  maxShellsPerUser: numberSetting(
    { key: "agent.shell.max_sessions_per_user" },
    z.number().int().min(1).max(100).default(3),
  ),
  shellIdleSeconds: numberSetting(
    { key: "agent.shell.idle_timeout_seconds" },
    seconds(1, 43_200).default(1800),
  ),
  ...AUTH_SETTINGS,
  baseWindowSeconds: numberSetting(
    { key: "agent.commit_window.base_window_seconds" },
    seconds(60, 86_400).default(900),
  ),
  driftSensitivity: numberSetting(
    { key: "agent.commit_window.drift_sensitivity" },
    z.number().min(0).max(1000).default(2),
  ),
  minWindowSeconds: numberSetting(
    { key: "agent.commit_window.min_window_seconds" },
    seconds(1, 60).default(60),
  ),
  settleMs: numberSetting(
    { key: "agent.drift.settle_ms" },
    z.number().int().min(0).max(60_000).default(5000),
  ),
  isInotifyEnabled: switchSetting({ key: "agent.observer.inotify_enabled" }, true),
  isNetlinkEnabled: switchSetting({ key: "agent.observer.netlink_enabled" }, true),
  isEbpfEnabled: switchSetting({ key: "agent.observer.ebpf_enabled" }, false),
  isBaselineEnabled: switchSetting({ key: "agent.observer.baseline_enabled" }, false),
  scanIdleSeconds: numberSetting(
    { key: "agent.observer.scan_idle_seconds" },
    seconds(1, 86_400).default(30),
  ),
  scanActiveSeconds: numberSetting(
    { key: "agent.observer.scan_active_seconds" },
    seconds(1, 86_400).default(300),
  ),
  watchPaths: listSetting(
    { key: "agent.observer.watch_paths" },
    z.union([z.string().transform((text) => [text]), z.array(AbsolutePathSchema)]).default([
      "/etc",
    ]),
  ),
  blacklist: listSetting(
    { key: "agent.blacklist.patterns" },
    listOrText.default([...DEFAULT_PATTERNS]),
  ),
  supervisorBackend: textSetting(
    { key: "agent.supervisor.backend" },
    z.string().toLowerCase().pipe(z.enum(["pact", "systemd"])).default("pact"),
  ),
  baselinePollMs: numberSetting(
    { key: "agent.supervisor.baseline_poll_ms" },
    milliseconds(100, 60_000).default(1_000),
  ),
  idlePollMs: numberSetting(
    { key: "agent.supervisor.idle_poll_ms" },
    milliseconds(100, 5_000).default(500),
  ),
  activePollMs: numberSetting(
    { key: "agent.supervisor.active_poll_ms" },
    milliseconds(100, 60_000).default(2_000),
  ),
  activePollMaxMs: numberSetting(
    { key: "agent.supervisor.active_poll_max_ms" },
    milliseconds(100, 60_000).default(5_000),
  ),
  shutdownGraceSeconds: numberSetting(
    { key: "agent.supervisor.shutdown_grace_seconds" },
    seconds(0, 3600).default(10),
  ),
  restartBackoffMaxSeconds: numberSetting(
    { key: "agent.supervisor.restart_backoff_max_seconds" },
    seconds(1, 86_400).default(60),
  ),
  restartResetSeconds: numberSetting(
    { key: "agent.supervisor.restart_reset_seconds" },
    seconds(1, 86_400).default(60),
  ),
  maxRestarts: numberSetting(
    { key: "agent.supervisor.max_restarts" },
    whole(0, 1_000_000).default(0),
  ),
  identityMapping: textSetting(
    { key: "agent.identity_mapping.mode" },
    z.enum(["auto", "on", "off"]).default("auto"),
  ),
  isHandoffEnabled: switchSetting({ key: "agent.workload.handoff_enabled" }, true),
  imageRoots: listSetting(
    { key: "agent.workload.image_roots" },
    z.union([z.string().transform((text) => [text]), z.array(AbsolutePathSchema)]).default([
      "/images",
      "/opt/uenv-images",
    ]),
  ),
  mountHoldSeconds: numberSetting(
    { key: "agent.workload.hold_seconds" },
    seconds(0, MAX_HOLD_TIME_SECS).default(DEFAULT_HOLD_TIME_SECS),
  ),
  latticeUid: numberSetting(
    { key: "agent.workload.lattice_uid" },
    z.number().int().min(0).max(2 ** 32 - 2).default(0),
  ),
  isWatchdogEnabled: switchSetting({ key: "agent.watchdog.enabled" }, true),
  watchdogDevice: textSetting(
    { key: "agent.watchdog.device" },
    z.string().regex(/^\/dev\/watchdog(0|[1-9][0-9]?)?$/, {
      error: "must be /dev/watchdog or /dev/watchdogN",
    }).default("/dev/watchdog"),
  ),
  watchdogTimeoutSeconds: numberSetting(
    { key: "agent.watchdog.timeout_seconds" },
    seconds(10, 300).default(30),
  ),
  isWatchdogRequired: switchSetting({ key: "agent.watchdog.required" }, false),
  isConsoleEnabled: switchSetting({ key: "agent.console.enabled" }, true),
  consoleCommand: listSetting(
    { key: "agent.console.command" },
    z.array(z.string().min(1)).min(1).default([]),
  ),
  bootMaxRetries: numberSetting({ key: "agent.boot.max_retries" }, whole(0, 1_000_000).default(30)),
  bootBackoffInitialSeconds: numberSetting(
    { key: "agent.boot.backoff_initial_seconds" },
    seconds(1, 3_600).default(1),
  ),
  bootBackoffMaxSeconds: numberSetting(
    { key: "agent.boot.backoff_max_seconds" },
    seconds(1, 86_400).default(60),
  ),
  bootSlowRetrySeconds: numberSetting(
    { key: "agent.boot.slow_retry_seconds" },
    seconds(0, 86_400).default(300),
  ),
  interfaces: textSetting(
    { key: "agent.network.interfaces" },
    z.record(z.string(), z.union([z.string(), z.record(z.string(), z.json())])).default({}),
  ),
  cacheDir: textSetting({ key: "agent.cache.dir" }, path),
  logLevel: textSetting(
    { env: ["PACT_LOG_LEVEL", "RUST_LOG"], key: "telemetry.log_level" },
    z.enum(LOG_LEVELS).default("info"),
  ),
  logFormat: textSetting({ key: "telemetry.log_format" }, z.enum(["text", "json"]).default("text")),
} as const;

/** Keys of the published samples without a function yet. */
export const LATER = laterKeys([
  "agent.services",
  "agent.observer.ebpf",
  "agent.observer.inotify",
  "agent.observer.netlink",
  "agent.shell.allow_plaintext",
  "agent.commit_window.emergency_window_seconds",
  "agent.capability.manifest_path",
  "agent.capability.socket_path",
  "agent.capability.gpu_poll_interval_seconds",
], {
  "agent.observer.ebpf": false,
});
