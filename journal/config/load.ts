import {
  ConfigError,
  resolveConfig,
  type ResolvedConfig,
  type SettingTable,
  type SettingValues,
} from "../../common/config/mod.ts";
import { type EtcdConfig, etcdConfig } from "./etcd_settings.ts";
import { checkIdentity } from "./identity_settings.ts";
import { isLoopback } from "./listen_address.ts";
import { LATER } from "./later_settings.ts";
import { type ConfiguredMember, resolveMembers } from "./members.ts";
import { checkPolicyEngine, policyEngineOf, type PolicyEngineType } from "./policy_settings.ts";
import { JOURNAL_SETTINGS } from "./settings.ts";

/** What the table says, one setting at a time. */
type Resolved = SettingValues<typeof JOURNAL_SETTINGS>;

/** Where the configuration file is looked for when nobody names one. */
export const DEFAULT_CONFIG_PATH = "/etc/pact/journal.toml";

/** Resolved settings of `pact-journal`. */
export type JournalSettings =
  & Omit<
    Resolved,
    "nodeId" | "memberItems" | "peerItems" | "policyEngine"
  >
  & {
    readonly nodeId: number;
    readonly policyEngine: PolicyEngineType;
    /** The members as configured; a stored membership comes before it (JRN-54). */
    readonly members: readonly ConfiguredMember[];
    readonly snapshotDir: string;
    /** The etcd that keeps the log; undefined where the members do. */
    readonly etcd?: EtcdConfig | undefined;
  };

/** A configuration that can be used, and what to warn about. */
export interface LoadedConfig {
  readonly settings: JournalSettings;
  readonly warnings: readonly string[];
}

/** What loading reads from. */
export interface ConfigInputs {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of a file, or undefined when it does not exist. */
  readonly readFile: (path: string) => string | undefined;
}

/**
 * Loads the configuration (CFG-1..CFG-4).
 *
 * @throws {ConfigError} naming the option, variable, or file with line.
 */
export function loadConfig(inputs: ConfigInputs): LoadedConfig {
  const table = { ...LATER.settings, ...JOURNAL_SETTINGS };
  const file = findFile(inputs);
  const { values, warnings, operands } = resolveConfig(table, { ...inputs, file });
  const settings = resolveConfig(JOURNAL_SETTINGS, { ...inputs, file }).values;
  if (operands.length > 0) {
    throw new ConfigError(`unexpected argument '${operands[0]}': see --help`);
  }
  const { memberItems, peerItems, ...rest } = settings;
  const configured = resolveMembers(
    { members: memberItems, peers: peerItems },
    { api: settings.listen.port, raft: settings.raftListen.port },
  );
  const nodeId = requireNodeId(settings);
  const { etcd, warnings: etcdWarnings } = etcdConfig(settings);
  const together = [
    ...etcdWarnings,
    ...checkTogether(settings),
    ...warnOfOwnAbsence(nodeId, settings.isJoining, configured.members),
  ];
  return {
    settings: {
      ...rest,
      nodeId,
      etcd,
      policyEngine: policyEngineOf(settings),
      members: configured.members,
      snapshotDir: settings.snapshotDir ?? `${settings.dataDir}/snapshots`,
      ...(configured.members.length > 1 ? certificateFiles(settings) : {}),
    },
    warnings: [...warnings, ...LATER.warnings(values), ...configured.warnings, ...together],
  };
}

/**
 * Resolves the settings of `table` alone, for a command that needs no more; words that are no
 * options are the command's.
 *
 * @throws {ConfigError} naming the option, variable, or file with line.
 */
export function loadSome<Table extends SettingTable>(
  table: Table,
  inputs: ConfigInputs,
): Pick<ResolvedConfig<Table>, "values" | "operands"> {
  const { values, operands } = resolveConfig(table, { ...inputs, file: findFile(inputs) });
  return { values, operands };
}

/** What is stored counts, so this is right for a member that took another's place (JRN-54). */
function warnOfOwnAbsence(
  nodeId: number,
  isJoining: boolean,
  members: readonly ConfiguredMember[],
): string[] {
  if (isJoining || members.length === 0 || members.some(({ id }) => id === nodeId)) return [];
  const known = members.map(({ id }) => id).join(", ");
  return [
    `node id ${nodeId} is not among the configured members (${known}): right only for one that was added later`,
  ];
}

/** Members need certificates, so where nobody names the files they are at their usual places. */
function certificateFiles({ tlsCert, tlsKey, tlsCa, identityProvider }: Resolved) {
  // With SPIRE they are what the member falls back to, if they are named.
  if (identityProvider === "spire") return {};
  return {
    tlsCert: tlsCert ?? "/etc/pact/certs/node.crt",
    tlsKey: tlsKey ?? "/etc/pact/certs/node.key",
    tlsCa: tlsCa ?? "/etc/pact/ca.crt",
  };
}

function findFile(inputs: ConfigInputs): { path: string; text: string } | undefined {
  const pathTable = { config: JOURNAL_SETTINGS.config };
  const flagAt = inputs.args.findIndex((word) => /^--config(=|$)/.test(word));
  const word = inputs.args[flagAt];
  const args = word === undefined
    ? []
    : word.includes("=")
    ? [word]
    : inputs.args.slice(flagAt, flagAt + 2);
  const named = resolveConfig(pathTable, { args, env: inputs.env }).values.config;
  const path = named ?? DEFAULT_CONFIG_PATH;
  const text = inputs.readFile(path);
  if (text !== undefined) return { path, text };
  if (named !== undefined) throw new ConfigError("configuration file not found", { file: named });
  return undefined;
}

function requireNodeId(settings: Resolved): number {
  if (settings.nodeId !== undefined) return settings.nodeId;
  if (settings.isSingleNode) return 1;
  throw new ConfigError(
    "node id missing: give --node-id, PACT_JOURNAL_NODE_ID or journal.node_id, or --single-node for development",
  );
}

/** Rules over several settings; what is merely unwise is returned as warnings. */
function checkTogether(settings: Resolved): string[] {
  const warnings: string[] = [];
  requirePair("journal.enrollment.ca_cert", settings.caCert, "ca_key", settings.caKey);
  requirePair("journal.tls.cert", settings.tlsCert, "key", settings.tlsKey);
  requireTimeouts(settings);
  warnings.push(...warnOfPlaintext(settings), ...checkIdentity(settings));
  warnings.push(...checkPolicyEngine(settings));
  return warnings;
}

/** @throws {ConfigError} for an election timeout that a few late heartbeats would exhaust (JRN-51). */
function requireTimeouts({ heartbeatIntervalMs, electionTimeoutMs }: Resolved): void {
  if (electionTimeoutMs >= 2 * heartbeatIntervalMs) return;
  throw new ConfigError(
    `journal.raft.election_timeout_ms (${electionTimeoutMs}) must be at least twice ` +
      `journal.raft.heartbeat_interval_ms (${heartbeatIntervalMs})`,
  );
}

function requirePair(
  firstName: string,
  first: string | undefined,
  secondName: string,
  second: string | undefined,
): void {
  if ((first === undefined) === (second === undefined)) return;
  const both = `${firstName} and ${firstName.replace(/[^.]+$/, secondName)}`;
  throw new ConfigError(`${both} belong together: give both or neither`);
}

/** Plaintext stays on loopback unless somebody asked for more by name, and is never silent (CRT-8). */
function warnOfPlaintext(settings: Resolved): string[] {
  if (settings.tlsMode !== "off") return [];
  if (isLoopback(settings.listen)) return ["TLS is off by journal.tls.mode (CRT-8)"];
  if (settings.plaintext === "any") {
    return ["TLS is off beyond loopback: every credential travels in the clear (CRT-8)"];
  }
  throw new ConfigError(
    `TLS is off and ${settings.listen.hostname} is beyond loopback: turn TLS on, listen on 127.0.0.1, ` +
      'or set journal.tls.plaintext = "any"',
  );
}
