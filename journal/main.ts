/** `pact-journal`: the process of one management node. */

import { systemClock } from "../common/clock/mod.ts";
import { ConfigError } from "../common/config/mod.ts";
import { createLogger, type Logger } from "../common/log/mod.ts";
import { installHttp2Guard } from "../common/rpc/mod.ts";
import { memberCommand } from "./admin/mod.ts";
import { BACKUP_COMMANDS } from "./backup/mod.ts";
import { certificateCommands } from "./certs/mod.ts";
import {
  type ConfigInputs,
  DEFAULT_CONFIG_PATH,
  type JournalSettings,
  loadConfig,
  type LoadedConfig,
} from "./config/mod.ts";
import { type JournalOptions, openJournal, type RunningJournal, VERSION } from "./open_journal.ts";
import { simCommand, simOutput } from "./sim/mod.ts";
import { USAGE } from "./usage.ts";

/** Environment variables the configuration reads; the permission set names the same. */
const ENVIRONMENT = [
  "PACT_JOURNAL_CONFIG",
  "PACT_JOURNAL_NODE_ID",
  "PACT_JOURNAL_LISTEN",
  "PACT_JOURNAL_RAFT_LISTEN",
  "PACT_JOURNAL_METRICS_LISTEN",
  "PACT_JOURNAL_DATA_DIR",
  "PACT_JOURNAL_SNAPSHOT_DIR",
  "PACT_JOURNAL_PEERS",
  "PACT_JOURNAL_TLS",
  "PACT_JOURNAL_TLS_CERT",
  "PACT_JOURNAL_TLS_KEY",
  "PACT_JOURNAL_TLS_CA",
  "PACT_LOG_LEVEL",
  "PACT_LOG_FORMAT",
  "RUST_LOG",
  "PACT_DOMAIN_ID",
  "PACT_CA_CERT",
  "PACT_CA_KEY",
  "PACT_IDP_URL",
  "PACT_CLIENT_ID",
  "PACT_OIDC_ISSUER",
  "PACT_OIDC_AUDIENCE",
  "PACT_OIDC_JWKS_URL",
  "PACT_OIDC_HMAC_SECRET",
  "PACT_TOKEN",
];

/** Longest a shutdown may take before the process ends anyway (JRN-62). */
const SHUTDOWN_LIMIT_MS = 10_000;

async function main(args: readonly string[]): Promise<number> {
  installHttp2Guard();
  if (args.includes("--help")) return print(USAGE);
  if (args.includes("--version")) return print(`pact-journal ${VERSION}`);
  const makeCertificates = certificateCommands.get(args[0] ?? "");
  if (makeCertificates !== undefined) {
    return print(await makeCertificates(args.slice(1), new Date(systemClock.nowMs())));
  }
  if (args[0] === "sim") return simCommand(args.slice(1), simOutput());
  if (args[0] === "member") {
    return print(await memberCommand(configInputs(args.slice(1)), systemClock.nowMs));
  }
  const onBackups = BACKUP_COMMANDS.get(args[0] ?? "");
  if (onBackups !== undefined) {
    const lines = await onBackups(configInputs(args.slice(1)), new Date(systemClock.nowMs()));
    return lines.length === 0 ? 0 : print(lines.join("\n"));
  }
  const config = loadConfig(configInputs(args.filter((word) => word !== "--check-config")));
  const log = createLogger({
    component: "journal",
    level: config.settings.logLevel,
    format: config.settings.logFormat,
    nowMs: systemClock.nowMs,
    write: (line) => console.error(line),
  });
  for (const warning of config.warnings) log.warn(warning);
  refuseSharedSecret(config);
  if (args.includes("--check-config")) return print("configuration is valid");
  return await serve(config, log, () => loadConfig(configInputs(args)).settings);
}

async function serve(
  { settings }: LoadedConfig,
  log: Logger,
  readAgain: () => JournalSettings,
): Promise<number> {
  const stop = stopSignal();
  const journal = await openUnless(stop, {
    settings,
    clock: systemClock,
    log,
    random: Math.random,
  });
  if (journal === undefined) return 0;
  log.info("journal started", {
    api: `${settings.listen.hostname}:${journal.rpcPort}`,
    metrics: `${settings.metricsListen.hostname}:${journal.httpPort}`,
    node: settings.nodeId,
    version: VERSION,
  });
  Deno.addSignalListener("SIGHUP", () => void journal.reload(read(readAgain, log)));
  const reason = await Promise.race([stop, journal.failure]);
  if (reason instanceof Error) {
    log.error("stopping", { error: reason.message });
    await shutDown(journal, log);
    throw reason;
  }
  log.info("stopping", { signal: reason });
  return await shutDown(journal, log);
}

/** Undefined when the process is to end before the journal is open. */
async function openUnless(
  stop: Promise<string>,
  options: JournalOptions,
): Promise<RunningJournal | undefined> {
  const stopped = new AbortController();
  void stop.then((signal) => stopped.abort(signal));
  try {
    return await openJournal({ ...options, signal: stopped.signal });
  } catch (error) {
    if (!stopped.signal.aborted || error !== stopped.signal.reason) throw error;
    options.log.info("stopping", { signal: String(error) });
    return undefined;
  }
}

/** The settings as they stand now; undefined, and a line in the log, when they cannot be used. */
function read(readAgain: () => JournalSettings, log: Logger): JournalSettings | undefined {
  try {
    return readAgain();
  } catch (error) {
    log.error("the configuration was not taken, the former one holds", { error: reasonOf(error) });
    return undefined;
  }
}

async function shutDown(journal: RunningJournal, log: Logger): Promise<number> {
  const limit = systemClock.setTimer(SHUTDOWN_LIMIT_MS, () => {
    log.error("shutdown took too long", { limit_ms: SHUTDOWN_LIMIT_MS });
    Deno.exit(1);
  });
  await journal.close();
  systemClock.clearTimer(limit);
  log.info("journal stopped");
  return 0;
}

/** Resolves with the name of the first signal that asks the process to end. */
function stopSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => resolve(signal));
  }
  return promise;
}

function configInputs(args: readonly string[]): ConfigInputs {
  return {
    args,
    env: Object.fromEntries(ENVIRONMENT.map((name) => [name, Deno.env.get(name)])),
    readFile: (path) => {
      try {
        return Deno.readTextFileSync(path);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw new ConfigError(`cannot read the configuration: ${reasonOf(error)}`, { file: path });
      }
    },
  };
}

/** A secret that stands in the configuration file itself makes that file a secret. */
function refuseSharedSecret({ settings }: LoadedConfig): void {
  const fromEnvironment = (Deno.env.get("PACT_OIDC_HMAC_SECRET") ?? "") !== "";
  if (settings.hmacSecret === undefined || fromEnvironment) return;
  const file = settings.config ?? DEFAULT_CONFIG_PATH;
  if (((Deno.statSync(file).mode ?? 0) & 0o007) === 0) return;
  throw new ConfigError(
    `it holds policy.iam.hmac_secret and everybody can read it: run chmod o= ${file}, or use hmac_secret_file`,
    { file },
  );
}

function print(text: string): number {
  console.log(text);
  return 0;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  console.error(`pact-journal: ${reasonOf(error)}`);
  Deno.exit(1);
}
