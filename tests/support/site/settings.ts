import { stringify } from "smol-toml";

/** Where a journal of a site finds its files. */
export interface JournalFiles {
  readonly caCert: string;
  readonly caKey: string;
  readonly secretFile: string;
  readonly dataDirectory: string;
  /** HOST:PORT of the RPC listener. */
  readonly listen: string;
  /** Names and addresses in its certificate beside those it listens on. */
  readonly hosts: readonly string[];
  /** How long after its last sign a node that has lost its memory may not come back. */
  readonly activeLockSeconds: number | undefined;
  readonly identity: IdentityTuning | undefined;
  /** `[policy.engine]`, where it is not the default. */
  readonly policyEngine: Readonly<Record<string, unknown>> | undefined;
  /** Identity provider of the people, who come with its tokens alone then. */
  readonly issuer: string | undefined;
}

/** `journal.identity` or `agent.identity`, in the words of the file. */
export interface IdentityTuning {
  readonly provider: string;
  readonly spire_socket?: string;
  readonly federates_with?: string[];
  readonly spire_retry_seconds?: number;
}

/** journal.toml of a site: its own CA, and people who sign in with HS256 tokens. */
export function journalToml(
  {
    caCert,
    caKey,
    secretFile,
    dataDirectory,
    listen,
    hosts,
    activeLockSeconds,
    identity,
    policyEngine,
    issuer,
  }: JournalFiles,
): string {
  const lock = activeLockSeconds === undefined ? {} : { active_lock_seconds: activeLockSeconds };
  return stringify({
    journal: {
      listen_addr: listen,
      data_dir: dataDirectory,
      enrollment: { ca_cert: caCert, ca_key: caKey, domain_id: "site", ...lock },
      ...(hosts.length === 0 ? {} : { tls: { hosts: [...hosts] } }),
      ...(identity === undefined ? {} : { identity }),
    },
    policy: {
      iam: issuer === undefined ? { hmac_secret_file: secretFile } : { oidc_issuer: issuer },
      ...(policyEngine === undefined ? {} : { engine: policyEngine }),
    },
    telemetry: { prometheus_listen: "127.0.0.1:0" },
  });
}

/** How the agents of a site differ from the defaults. */
export interface AgentTuning {
  /** Commit window without drift, before the policy says otherwise; at least 60. */
  readonly baseWindowSeconds?: number;
  readonly driftSensitivity?: number;
  readonly minWindowSeconds?: number;
  /** Holds undeclared files against what they were (OBS-9). */
  readonly isBaselineEnabled?: boolean;
  /** Without a key pressed for so long a shell is ended. */
  readonly shellIdleSeconds?: number;
  readonly identity?: IdentityTuning;
  /** Identity provider of the people, as for the journal. */
  readonly issuer?: string;
}

/** What an agent of a site is told. */
export interface AgentFacts extends AgentTuning {
  readonly nodeId: string;
  readonly hardwareId: string;
  readonly journalEndpoint: string;
  readonly caCert: string;
  readonly secretFile: string;
  readonly shellListen: string;
}

/** agent.toml of a site. */
export function agentToml(facts: AgentFacts): string {
  return stringify({
    agent: {
      node_id: facts.nodeId,
      enforcement_mode: "enforce",
      journal: { endpoints: [facts.journalEndpoint], tls_ca: facts.caCert },
      enrollment: { hardware_ids: [facts.hardwareId], retry_seconds: 1 },
      shell: {
        listen: facts.shellListen,
        ...(facts.shellIdleSeconds === undefined
          ? {}
          : { idle_timeout_seconds: facts.shellIdleSeconds }),
        auth: facts.issuer === undefined
          ? { hmac_secret_file: facts.secretFile }
          : { issuer: facts.issuer },
      },
      commit_window: {
        base_window_seconds: facts.baseWindowSeconds ?? 60,
        drift_sensitivity: facts.driftSensitivity ?? 2,
        min_window_seconds: facts.minWindowSeconds ?? 5,
      },
      drift: { settle_ms: 200 },
      ...(facts.identity === undefined ? {} : { identity: facts.identity }),
      observer: {
        scan_idle_seconds: 1,
        scan_active_seconds: 1,
        ...(facts.isBaselineEnabled === true ? { baseline_enabled: true } : {}),
      },
    },
  });
}

/** What the configuration of one person's command line says. */
export interface CliFacts {
  readonly endpoint: string;
  readonly caCert: string;
  readonly tokenPath: string;
  readonly vcluster: string;
  /** Address of each node's agent. */
  readonly agents: ReadonlyMap<string, string>;
}

/** cli.toml of one person. */
export function cliToml({ endpoint, caCert, tokenPath, vcluster, agents }: CliFacts): string {
  return stringify({
    endpoint,
    tls_ca: caCert,
    token_path: tokenPath,
    default_vcluster: vcluster,
    agents: { addresses: Object.fromEntries(agents) },
  });
}
