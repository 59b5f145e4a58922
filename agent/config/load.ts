import { create } from "@bufbuild/protobuf";
import { agentport } from "../../api/mod.ts";
import { interfaceSpec, InterfaceSpecError, textOfInterfaceSpec } from "../interfaces/mod.ts";
import { authWarnings } from "./auth_settings.ts";
import { ConfigError, resolveConfig, type SettingValues } from "../../common/config/mod.ts";
import { AGENT_SETTINGS, LATER } from "./settings.ts";

/** Resolved settings of `pact-agent`. */
export type AgentSettings = SettingValues<typeof AGENT_SETTINGS>;

/** The settings for the worker and the part of them that the core needs. */
export interface LoadedAgentConfig {
  readonly settings: AgentSettings;
  readonly nodeId: string;
  readonly config: agentport.AgentConfig;
}

/**
 * Reads the configuration the core handed over (AGT-1, ACF-1). On a node that must boot, a value that
 * cannot be used warns and leaves the default.
 *
 * @throws {ConfigError} naming option, variable, or file with line and column.
 */
export function loadAgentConfig(input: agentport.Configure): LoadedAgentConfig {
  const sources = {
    args: input.arguments,
    env: input.environment,
    file: input.configText === "" ? undefined : { path: input.configPath, text: input.configText },
    isForgiving: input.mustBoot,
  };
  const all = resolveConfig({ ...LATER.settings, ...AGENT_SETTINGS }, sources);
  const settings = withEnrollmentTable(all.values);
  const nodeId = settings.nodeId ?? input.hostname;
  if (settings.journalEndpoints.length === 0) {
    const unused = input.mustBoot ? all.warnings : [];
    throw new ConfigError(
      ["no journal: give --journal, PACT_AGENT_JOURNAL or agent.journal.endpoints", ...unused]
        .join("; "),
    );
  }
  if (settings.root !== undefined && settings.profile !== "rootless") {
    throw new ConfigError("--root is for development: give --profile rootless with it");
  }
  const interfaces = bootInterfaces(settings, input.mustBoot);
  const warnings = [
    ...all.warnings,
    ...LATER.warnings(all.values),
    ...checkTogether(settings),
    ...interfaces.warnings,
  ];
  return { settings, nodeId, config: coreConfig(settings, nodeId, interfaces.texts, warnings) };
}

/** Where only the table of the enrolment says where the journal is and how it is known (DEP-45). */
function withEnrollmentTable(settings: AgentSettings): AgentSettings {
  const { journalEndpoints, enrollmentEndpoints, enrollmentCa, tlsCa } = settings;
  return {
    ...settings,
    journalEndpoints: journalEndpoints.length > 0 ? journalEndpoints : enrollmentEndpoints,
    tlsCa: enrollmentCa ?? tlsCa,
  };
}

function coreConfig(
  settings: AgentSettings,
  nodeId: string,
  interfaces: Record<string, string>,
  warnings: string[],
): agentport.AgentConfig {
  const root = settings.root ?? "";
  return create(agentport.AgentConfigSchema, {
    nodeId,
    vclusterId: settings.vclusterId ?? "",
    enforcementMode: settings.enforcementMode,
    profile: settings.profile === "auto" ? "" : settings.profile,
    root,
    cacheDir: settings.cacheDir ?? `${root}/var/lib/pact/cache`,
    stateDir: `${root}/run/pact/state`,
    logDir: `${root}/run/pact/logs`,
    logLevel: settings.logLevel,
    logFormat: settings.logFormat,
    baseWindowSeconds: settings.baseWindowSeconds,
    driftSensitivity: settings.driftSensitivity,
    minWindowSeconds: settings.minWindowSeconds,
    settleMs: settings.settleMs,
    scanIdleSeconds: settings.scanIdleSeconds,
    scanActiveSeconds: settings.scanActiveSeconds,
    watchPaths: settings.watchPaths,
    blacklist: settings.blacklist,
    inotifyEnabled: settings.isInotifyEnabled,
    netlinkEnabled: settings.isNetlinkEnabled,
    ebpfEnabled: settings.isEbpfEnabled,
    baselineEnabled: settings.isBaselineEnabled,
    shutdownGraceSeconds: settings.shutdownGraceSeconds,
    supervisorBackend: settings.supervisorBackend,
    baselinePollMs: settings.baselinePollMs,
    idlePollMs: settings.idlePollMs,
    activePollMs: settings.activePollMs,
    activePollMaxMs: settings.activePollMaxMs,
    restartBackoffMaxSeconds: settings.restartBackoffMaxSeconds,
    restartResetSeconds: settings.restartResetSeconds,
    maxRestarts: settings.maxRestarts,
    whitelistMode: settings.whitelistMode,
    shellMaxSessions: settings.maxShells,
    shellMaxSessionsPerUser: settings.maxShellsPerUser,
    shellIdleSeconds: settings.shellIdleSeconds,
    viewerExec: settings.isViewerExec,
    warnings,
    identityMapping: settings.identityMapping,
    handoffEnabled: settings.isHandoffEnabled,
    imageRoots: settings.imageRoots,
    mountHoldSeconds: settings.mountHoldSeconds,
    latticeUid: settings.latticeUid,
    watchdogEnabled: settings.isWatchdogEnabled,
    watchdogDevice: settings.watchdogDevice,
    watchdogTimeoutSeconds: settings.watchdogTimeoutSeconds,
    watchdogRequired: settings.isWatchdogRequired,
    bootMaxRetries: settings.bootMaxRetries,
    bootBackoffInitialSeconds: settings.bootBackoffInitialSeconds,
    bootBackoffMaxSeconds: settings.bootBackoffMaxSeconds,
    bootSlowRetrySeconds: settings.bootSlowRetrySeconds,
    interfaces,
    consoleEnabled: settings.isConsoleEnabled,
    consoleCommand: settings.consoleCommand,
    certDir: settings.certDir ?? "",
    journalHosts: settings.journalEndpoints.map(hostOf),
  });
}

/** The network of the boot; what cannot be used is left out of it where the node must come up (ACF-1). */
function bootInterfaces(
  { interfaces }: AgentSettings,
  mustBoot: boolean,
): { readonly texts: Record<string, string>; readonly warnings: string[] } {
  const texts: Record<string, string> = {};
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(interfaces)) {
    try {
      texts[name] = textOfInterfaceSpec(interfaceSpec(name, value));
    } catch (error) {
      if (!(error instanceof InterfaceSpecError)) throw error;
      const problem = `agent.network.interfaces: ${error.message}`;
      if (!mustBoot) throw new ConfigError(problem);
      warnings.push(`${problem}; it is left out`);
    }
  }
  return { texts, warnings };
}

/** The host of `HOST:PORT` or of a URL. */
function hostOf(endpoint: string): string {
  const address = endpoint.replace(/^[a-z]+:\/\//, "").replace(/\/.*$/, "");
  return address.replace(/:[0-9]+$/, "").replaceAll(/[[\]]/g, "");
}

/** Rules over several settings; what is merely unwise is returned as warnings. */
function checkTogether(settings: AgentSettings): string[] {
  const warnings: string[] = [];
  if ((settings.tlsCert === undefined) !== (settings.tlsKey === undefined)) {
    throw new ConfigError(
      "agent.journal.tls_cert and tls_key belong together: give both or neither",
    );
  }
  if (settings.identityProvider === "static" && settings.tlsCert === undefined) {
    throw new ConfigError(
      'agent.identity.provider = "static" needs agent.journal.tls_cert and agent.journal.tls_key',
    );
  }
  if (settings.minWindowSeconds < 60) {
    if (settings.profile !== "rootless") {
      throw new ConfigError(
        "agent.commit_window.min_window_seconds below 60 is for development: it needs --profile rootless",
      );
    }
    warnings.push(
      `commit windows may be as short as ${settings.minWindowSeconds} s: for development`,
    );
  }
  if (!settings.isTlsEnabled) {
    warnings.push("agent.journal.tls_enabled is false: the journal is reached without encryption");
  }
  if (settings.mayTrustOnFirstUse) {
    warnings.push(
      "agent.enrollment.trust_on_first_use: without a CA the first journal that answers is trusted",
    );
  }
  warnings.push(...authWarnings(settings));
  return warnings;
}

/** Files the settings name; the core reads them and sends them along. */
export function wantedFiles(settings: AgentSettings): string[] {
  const { isTlsEnabled, tlsCa, tlsCert, tlsKey } = settings;
  const tls = isTlsEnabled ? [tlsCa, tlsCert, tlsKey] : [];
  return [...tls, settings.authCa, settings.authHmacSecretFile].filter((path) =>
    path !== undefined
  );
}

/** Those of them that need not be there. */
export function optionalFiles(
  { mayTrustOnFirstUse, identityProvider, tlsCa }: AgentSettings,
): string[] {
  // With SPIRE the journal is known by the bundle that comes with the SVID.
  return mayTrustOnFirstUse || identityProvider === "spire" ? [tlsCa] : [];
}
