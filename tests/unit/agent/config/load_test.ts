import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { stringify } from "smol-toml";
import { agentport } from "../../../../api/mod.ts";
import { type AgentSettings, loadAgentConfig, wantedFiles } from "../../../../agent/config/mod.ts";
import { AGENT_SETTINGS } from "../../../../agent/config/settings.ts";
import { ConfigError } from "../../../../common/config/mod.ts";

const PATH = "/etc/pact/agent.toml";

interface Sources {
  readonly toml?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Loads a configuration; a journal is named unless the test names one. */
function load({ toml = "", args = [], env = {} }: Sources = {}) {
  const names = [toml, ...args, ...Object.keys(env)].join(" ");
  const hasJournal = /endpoints|--journal|PACT_AGENT_JOURNAL/.test(names);
  return loadAgentConfig(create(agentport.ConfigureSchema, {
    configPath: PATH,
    configText: toml,
    arguments: [...args, ...(hasJournal ? [] : ["--journal=j1:9443"])],
    environment: { ...env },
    hostname: "host-7",
  }));
}

function refusal(sources: Sources): string {
  try {
    load(sources);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  throw new Error("not refused");
}

/** `a.b.c` with a value as TOML, the value on line 2. */
function tomlOf(key: string, value: unknown): string {
  const dot = key.lastIndexOf(".");
  const line = stringify({ [key.slice(dot + 1)]: value }).trim();
  return `[${key.slice(0, dot)}]\n${line}\n`;
}

interface Row {
  readonly setting: keyof AgentSettings;
  readonly key: string;
  readonly fallback: unknown;
  readonly other: unknown;
  /** Values that are refused at their line. */
  readonly bad: readonly unknown[];
}

const BLACKLIST = [
  "/tmp/**",
  "/var/log/**",
  "/proc/**",
  "/sys/**",
  "/dev/**",
  "/run/user/**",
  "/run/pact/**",
  "/run/lattice/**",
];

/** agent.md section 2: each key with its default, another value, and what is no value. */
const ROWS: readonly Row[] = [
  row("nodeId", "agent.node_id", undefined, "n-1", ["", "-n", "a b", 7]),
  row("vclusterId", "agent.vcluster", undefined, "ml", ["", "a/b", true]),
  row("enforcementMode", "agent.enforcement_mode", "observe", "warn", ["strict", 1]),
  row("journalEndpoints", "agent.journal.endpoints", ["j1:9443"], ["a:1", "b:2"], [7, [7]]),
  row("isTlsEnabled", "agent.journal.tls_enabled", true, false, ["yes", 1]),
  row("tlsCa", "agent.journal.tls_ca", "/etc/pact/ca.crt", "/a/ca.crt", ["ca.crt", 7]),
  row("enrollmentRetrySeconds", "agent.enrollment.retry_seconds", 300, 60, [0, 86_401, "x", 1.5]),
  row("enrollmentEndpoints", "agent.enrollment.journal_endpoints", [], ["j1:9443"], [7]),
  row("enrollmentCa", "agent.enrollment.ca_cert", undefined, "/a/ca.crt", ["ca.crt", 7]),
  row(
    "renewBeforeExpirySeconds",
    "agent.enrollment.renewal_before_expiry_seconds",
    0,
    43_200,
    [-1, "x"],
  ),
  row("mayTrustOnFirstUse", "agent.enrollment.trust_on_first_use", false, true, ["yes", 1]),
  row("hardwareIds", "agent.enrollment.hardware_ids", [], ["mac:02:00:00:00:00:01"], [7]),
  row("isShellEnabled", "agent.shell.enabled", true, false, ["on", 0]),
  row("shellListen", "agent.shell.listen", "0.0.0.0:9445", "[::1]:9445", ["9445", "a:b:1", 9445]),
  row("whitelistMode", "agent.shell.whitelist_mode", "strict", "learning", ["off"]),
  row("maxShells", "agent.shell.max_sessions", 10, 2, [0, 101, "x"]),
  row("maxShellsPerUser", "agent.shell.max_sessions_per_user", 3, 1, [0, 101, "x"]),
  row("shellIdleSeconds", "agent.shell.idle_timeout_seconds", 1800, 60, [0, 43_201, "x"]),
  row("isViewerExec", "agent.shell.viewer_exec", false, true, ["no"]),
  row("authIssuer", "agent.shell.auth.issuer", undefined, "https://idp.example", ["idp", 7]),
  row(
    "authAudiences",
    "agent.shell.auth.audience",
    ["pact-agent", "pact-cli", "pact"],
    ["mine"],
    [7],
  ),
  row("authJwksUrl", "agent.shell.auth.jwks_url", undefined, "https://idp.example/keys", ["keys"]),
  row("authHmacSecret", "agent.shell.auth.hmac_secret", undefined, "0123456789", [7]),
  row("authHmacSecretFile", "agent.shell.auth.hmac_secret_file", undefined, "/s", ["s", 7]),
  row("baseWindowSeconds", "agent.commit_window.base_window_seconds", 900, 60, [59, 86_401, "x"]),
  row("driftSensitivity", "agent.commit_window.drift_sensitivity", 2, 0.5, [-1, 1001, "x"]),
  row("minWindowSeconds", "agent.commit_window.min_window_seconds", 60, 60, [0, 61]),
  row("settleMs", "agent.drift.settle_ms", 5000, 0, [-1, 60_001]),
  row("isInotifyEnabled", "agent.observer.inotify_enabled", true, false, ["x"]),
  row("isNetlinkEnabled", "agent.observer.netlink_enabled", true, false, ["x"]),
  row("isEbpfEnabled", "agent.observer.ebpf_enabled", false, true, ["x"]),
  row("isBaselineEnabled", "agent.observer.baseline_enabled", false, true, ["x"]),
  row("scanIdleSeconds", "agent.observer.scan_idle_seconds", 30, 1, [0, 86_401]),
  row("scanActiveSeconds", "agent.observer.scan_active_seconds", 300, 1, [0, 86_401]),
  row("watchPaths", "agent.observer.watch_paths", ["/etc"], ["/opt"], [["opt"], 7]),
  row("blacklist", "agent.blacklist.patterns", BLACKLIST, ["/scratch/**"], [7]),
  row("shutdownGraceSeconds", "agent.supervisor.shutdown_grace_seconds", 10, 0, [-1, 3601]),
  row("supervisorBackend", "agent.supervisor.backend", "pact", "systemd", ["s6", 7]),
  row("baselinePollMs", "agent.supervisor.baseline_poll_ms", 1000, 100, [99, 60_001]),
  row("authCa", "agent.shell.auth.ca", undefined, "/etc/pact/idp.crt", ["idp.crt", 7]),
  row("authJwksMaxStaleSeconds", "agent.shell.auth.jwks_max_stale_seconds", 86_400, 7200, [1]),
  row("authMaxTokenLifetimeSeconds", "agent.shell.auth.max_token_lifetime_seconds", 86_400, 60, [
    0,
  ]),
  row("authPrincipalClaim", "agent.shell.auth.principal_claim", "sub", "email", ["", 7]),
  row("isInsecureIssuerAllowed", "agent.shell.auth.allow_insecure_issuer", false, true, ["x"]),
  row("idlePollMs", "agent.supervisor.idle_poll_ms", 500, 5000, [99, 5001]),
  row("activePollMs", "agent.supervisor.active_poll_ms", 2000, 100, [99, 60_001]),
  row("activePollMaxMs", "agent.supervisor.active_poll_max_ms", 5000, 2000, [99, 60_001]),
  row("restartBackoffMaxSeconds", "agent.supervisor.restart_backoff_max_seconds", 60, 5, [0]),
  row("restartResetSeconds", "agent.supervisor.restart_reset_seconds", 60, 5, [0, "x"]),
  row("maxRestarts", "agent.supervisor.max_restarts", 0, 3, [-1, 0.5]),
  row("identityMapping", "agent.identity_mapping.mode", "auto", "off", ["maybe", true]),
  row("isHandoffEnabled", "agent.workload.handoff_enabled", true, false, ["no"]),
  row(
    "imageRoots",
    "agent.workload.image_roots",
    ["/images", "/opt/uenv-images"],
    ["/scratch/images"],
    [["images"], 7],
  ),
  row("mountHoldSeconds", "agent.workload.hold_seconds", 60, 0, [-1, 86_401]),
  row("latticeUid", "agent.workload.lattice_uid", 0, 501, [-1, 2 ** 32 - 1]),
  row("isConsoleEnabled", "agent.console.enabled", true, false, ["x"]),
  row("consoleCommand", "agent.console.command", [], ["/sbin/getty", "ttyS0"], [[""], []]),
  row("identityTimeoutSeconds", "agent.identity.timeout_seconds", 30, 10, [0, 301]),
  row("certDir", "agent.enrollment.cert_dir", undefined, "/run/certs", ["certs", 1]),
  row("isWatchdogEnabled", "agent.watchdog.enabled", true, false, ["x"]),
  row("watchdogDevice", "agent.watchdog.device", "/dev/watchdog", "/dev/watchdog1", [
    "watchdog",
    "/dev/watchdogs",
    "/dev/watchdog100",
    "/dev/sda",
  ]),
  row("watchdogTimeoutSeconds", "agent.watchdog.timeout_seconds", 30, 60, [9, 301]),
  row("isWatchdogRequired", "agent.watchdog.required", false, true, ["x"]),
  row("bootMaxRetries", "agent.boot.max_retries", 30, 0, [-1, 1.5]),
  row("bootBackoffInitialSeconds", "agent.boot.backoff_initial_seconds", 1, 2, [0, 3601]),
  row("bootBackoffMaxSeconds", "agent.boot.backoff_max_seconds", 60, 5, [0, "x"]),
  row("bootSlowRetrySeconds", "agent.boot.slow_retry_seconds", 300, 0, [-1, 86_401]),
  row("cacheDir", "agent.cache.dir", undefined, "/c", ["c", 7]),
  row("identityProvider", "agent.identity.provider", "auto", "spire", ["kerberos", 7]),
  row("spireSocket", "agent.identity.spire_socket", undefined, "/run/spire/x.sock", ["x.sock"]),
  row("spiffeId", "agent.identity.spiffe_id", undefined, "spiffe://a.example/x", ["a.example/x"]),
  row("spireRetrySeconds", "agent.identity.spire_retry_seconds", 60, 5, [0, 3_601]),
  row("federatesWith", "agent.identity.federates_with", [], ["b.example"], [["B!"], "b.example"]),
  row("logLevel", "telemetry.log_level", "info", "debug", ["loud", 7]),
  row("logFormat", "telemetry.log_format", "text", "json", ["xml"]),
];

function row(
  setting: keyof AgentSettings,
  key: string,
  fallback: unknown,
  other: unknown,
  bad: readonly unknown[],
): Row {
  return { setting, key, fallback, other, bad };
}

for (const { setting, key, fallback, other, bad } of ROWS) {
  Deno.test(`ACC-A9: ${key}: default, override, and what is refused at its line`, () => {
    assert.deepEqual(load().settings[setting], fallback);
    const { settings, config } = load({ toml: tomlOf(key, other) });
    assert.deepEqual(settings[setting], other);
    assert.ok(!config.warnings.some((warning) => warning.includes("unknown")), config.warnings[0]);
    for (const value of bad) {
      assert.match(
        refusal({ toml: tomlOf(key, value) }),
        new RegExp(`^${PATH}:2:1: ${key.replaceAll(".", "\\.")}`),
        JSON.stringify(value),
      );
    }
  });
}

Deno.test("every setting that a file can hold is in the table", () => {
  const listed = new Set<string>(ROWS.map(({ setting }) => setting));
  const others = Object.keys(AGENT_SETTINGS).filter((setting) => !listed.has(setting));
  // The certificate and its key belong together, and are tested so.
  const files = ["tlsCert", "tlsKey"];
  const own = ["authRoleMap", "config", "interfaces", "profile", "root"];
  assert.deepEqual(others.sort(), [...own, ...files].sort());
});

Deno.test("AUT-10: a node may have a role map of its own", () => {
  const toml = '[agent.shell.auth.role_map]\n"a@b" = "pact-ops-ml"\n';
  assert.deepEqual(load({ toml }).settings.authRoleMap, { "a@b": "pact-ops-ml" });
  assert.deepEqual(load().settings.authRoleMap, {});
  assert.match(refusal({ toml: "[agent.shell.auth.role_map]\na = 7\n" }), /role_map/);
});

Deno.test("NET-2: interfaces of the boot are tables or addresses, refused by name and key", () => {
  const toml = [
    "[agent.network.interfaces]",
    'eth1 = "10.1.0.7/24"',
    "[agent.network.interfaces.eth0]",
    'address = "10.0.0.7/24"',
    'gateway = "10.0.0.1"',
  ].join("\n");
  const { config } = load({ toml });
  assert.deepEqual(Object.keys(config.interfaces), ["eth1", "eth0"]);
  assert.match(config.interfaces["eth0"] ?? "", /"gateway":"10.0.0.1"/);
  assert.ok(!config.warnings.some((warning) => warning.includes("unknown")), config.warnings[0]);
  const wrong = toml.replace("10.0.0.1", "10.9.0.1");
  assert.match(refusal({ toml: wrong }), /interface "eth0": gateway 10.9.0.1 is on no network/);
});

Deno.test("ACF-1: where the node must boot, an interface that cannot be used is left out", () => {
  const { config } = loadAgentConfig(create(agentport.ConfigureSchema, {
    configPath: PATH,
    configText: '[agent.network.interfaces]\neth0 = "10.0.0.7"\neth1 = "dhcp"\n',
    arguments: ["--journal=[fd00::1]:9443"],
    hostname: "host-7",
    mustBoot: true,
  }));
  assert.deepEqual(Object.keys(config.interfaces), ["eth1"]);
  assert.ok(config.warnings.some((text) => /"eth0".* left out$/.test(text)));
  assert.deepEqual(config.journalHosts, ["fd00::1"]);
});

/** Option, variable and key of the same setting. */
const LAYERED: readonly (readonly [keyof AgentSettings, string, string, string])[] = [
  ["nodeId", "--node-id", "PACT_AGENT_NODE_ID", "agent.node_id"],
  ["vclusterId", "--vcluster", "PACT_AGENT_VCLUSTER", "agent.vcluster"],
];

for (const [setting, option, variable, key] of LAYERED) {
  Deno.test(`AGT-1: ${option} goes before ${variable}, and that before ${key}`, () => {
    const toml = tomlOf(key, "by-file");
    const env = { [variable]: "by-env" };
    assert.equal(load({ toml }).settings[setting], "by-file");
    assert.equal(load({ toml, env }).settings[setting], "by-env");
    assert.equal(load({ toml, env, args: [`${option}=by-option`] }).settings[setting], "by-option");
    assert.equal(load({ toml, env, args: [option, "by-option"] }).settings[setting], "by-option");
    assert.match(refusal({ env: { [variable]: "a b" } }), new RegExp(variable));
    assert.match(refusal({ args: [`${option}=a b`] }), new RegExp(option));
  });
}

Deno.test("AGT-1: journals are named by option, variable or file", () => {
  const toml = tomlOf("agent.journal.endpoints", ["f:1"]);
  const env = { PACT_AGENT_JOURNAL: "e:1,e:2" };
  assert.deepEqual(load({ toml, env }).settings.journalEndpoints, ["e:1", "e:2"]);
  const args = ["--journal=o:1,o:2"];
  assert.deepEqual(load({ toml, env, args }).settings.journalEndpoints, ["o:1", "o:2"]);
  assert.match(
    refusal({ toml: "agent.journal.endpoints = []\n" }),
    /no journal: give --journal, PACT_AGENT_JOURNAL or agent\.journal\.endpoints/,
  );
});

Deno.test("1.2: without a node id the host's name is the node's", () => {
  assert.equal(load().nodeId, "host-7");
  assert.equal(load({ args: ["--node-id=n1"] }).config.nodeId, "n1");
});

Deno.test("1.2: the log level comes from PACT_LOG_LEVEL, and from RUST_LOG too", () => {
  assert.equal(load({ env: { RUST_LOG: "debug" } }).settings.logLevel, "debug");
  const both = { RUST_LOG: "debug", PACT_LOG_LEVEL: "error" };
  assert.equal(load({ env: both }).settings.logLevel, "error");
});

Deno.test("ACF-1: an unknown key only warns, and names the nearest known one", () => {
  const { config } = load({ toml: '[agent.shell]\nlistne = "x"\n' });
  assert.ok(
    config.warnings.some((text) =>
      /agent\.toml:2:1: unknown key agent\.shell\.listne.*agent\.shell\.listen/.test(text)
    ),
    config.warnings.join("\n"),
  );
});

Deno.test("an unknown option is refused, and the nearest one named", () => {
  assert.match(refusal({ args: ["--node-ido=n1"] }), /--node-ido.*--node-id/);
});

Deno.test("malformed TOML is refused with line and column", () => {
  assert.match(refusal({ toml: "[agent]\nnode_id = n1\n" }), /^\/etc\/pact\/agent\.toml:2:\d+: /);
});

Deno.test("keys of the published samples without a function yet warn when they ask for one", () => {
  const { config } = load({ toml: "[agent.capability]\ngpu_poll_interval_seconds = 10\n" });
  assert.ok(
    config.warnings.some((text) => text.includes("agent.capability.gpu_poll_interval_seconds")),
    config.warnings.join("\n"),
  );
  const quiet = load({ toml: "[agent.observer]\nebpf = false\n" }).config.warnings;
  assert.ok(!quiet.some((text) => text.includes("ebpf")), quiet.join("\n"));
});

Deno.test("DEP-81, SPI-1: a static identity is a certificate with its key", () => {
  const files = '[agent.journal]\ntls_cert = "/etc/pact/agent.crt"\n';
  assert.match(refusal({ toml: files }), /tls_cert and tls_key belong together/);
  const provider = '[agent.identity]\nprovider = "static"\n';
  assert.match(refusal({ toml: provider }), /needs agent\.journal\.tls_cert/);
  const { settings } = load({ toml: `${files}tls_key = "/etc/pact/agent.key"\n${provider}` });
  assert.equal(settings.tlsKey, "/etc/pact/agent.key");
});

Deno.test("development's settings are for profile rootless alone", () => {
  assert.match(refusal({ args: ["--root=/x"] }), /--root .*--profile rootless/);
  const toml = tomlOf("agent.commit_window.min_window_seconds", 5);
  assert.match(refusal({ toml }), /min_window_seconds .*--profile rootless/);
  const { config } = load({ toml, args: ["--profile=rootless", "--root=/x"] });
  assert.equal(config.minWindowSeconds, 5);
  assert.equal(config.root, "/x");
  assert.equal(config.cacheDir, "/x/var/lib/pact/cache");
  assert.equal(config.stateDir, "/x/run/pact/state");
  assert.ok(config.warnings.some((text) => /as short as 5 s/.test(text)));
  assert.match(refusal({ args: ["--root=x", "--profile=rootless"] }), /--root/);
  assert.match(refusal({ args: ["--profile=other"] }), /--profile/);
});

Deno.test("AUT-5, DEP-81: what weakens a node is warned of at every start", () => {
  const warned = (toml: string, text: RegExp) =>
    assert.ok(load({ toml }).config.warnings.some((warning) => text.test(warning)), toml);
  warned(tomlOf("agent.shell.auth.hmac_secret", "x"), /shared HMAC secret/);
  warned(tomlOf("agent.shell.auth.hmac_secret_file", "/s"), /shared HMAC secret/);
  warned(tomlOf("agent.journal.tls_enabled", false), /without encryption/);
  const keysAlone = tomlOf("agent.shell.auth.jwks_url", "https://idp.example/keys");
  warned(keysAlone, /jwks_url has no effect without agent.shell.auth.issuer/);
  warned(tomlOf("agent.shell.auth.issuer", "http://idp.example"), /over plain http: use https/);
  warned(tomlOf("agent.shell.auth.allow_insecure_issuer", true), /whoever is between/);
  const sound = tomlOf("agent.shell.auth.issuer", "https://idp.example/realms/hpc");
  assert.deepEqual(load({ toml: sound }).config.warnings, []);
});

Deno.test("ACF-2: the core is asked for the files that are named, and for no others", () => {
  const wanted = (toml: string) => wantedFiles(load({ toml }).settings);
  assert.deepEqual(wanted(""), ["/etc/pact/ca.crt"]);
  assert.deepEqual(wanted(tomlOf("agent.journal.tls_enabled", false)), []);
  assert.deepEqual(wanted(tomlOf("agent.shell.auth.hmac_secret_file", "/s")), [
    "/etc/pact/ca.crt",
    "/s",
  ]);
});

Deno.test("no secret of the configuration reaches the core or a message", () => {
  const toml = tomlOf("agent.shell.auth.hmac_secret", "hunter2-hunter2");
  const { config } = load({ toml });
  assert.ok(
    !JSON.stringify(config, (_, value) => typeof value === "bigint" ? `${value}` : value)
      .includes("hunter2"),
  );
});

Deno.test("the supervisor's backend is understood in any case of letters", () => {
  const { config } = load({ toml: '[agent.supervisor]\nbackend = "Systemd"\n' });
  assert.equal(config.supervisorBackend, "systemd");
});

Deno.test("DEP-45: an enrolment table alone says where the journal is and how it is known", () => {
  const text = `[agent.enrollment]
journal_endpoints = ["j1:9443"]
ca_cert = "/a/ca.crt"
`;
  const { settings } = loadAgentConfig(
    create(agentport.ConfigureSchema, { configText: text, configPath: "/a/agent.toml" }),
  );
  assert.deepEqual(settings.journalEndpoints, ["j1:9443"]);
  assert.equal(settings.tlsCa, "/a/ca.crt");
});
