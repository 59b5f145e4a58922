import assert from "node:assert/strict";
import { ConfigError } from "../../../../common/config/mod.ts";
import { type JournalSettings, loadConfig } from "../../../../journal/config/mod.ts";

interface Given {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly toml?: string;
}

const SECRET = "x".repeat(32);

function load({ args = [], env = {}, toml }: Given) {
  return loadConfig({
    args: ["--node-id=7", ...args],
    env,
    readFile: (path) => path === "/etc/pact/journal.toml" ? toml : undefined,
  });
}

function settings(given: Given): JournalSettings {
  return load(given).settings;
}

interface Row {
  readonly name: keyof JournalSettings;
  readonly fallback: unknown;
  readonly flag?: readonly [text: string, value: unknown];
  readonly env?: readonly [name: string, text: string, value: unknown];
  readonly toml: readonly [table: string, line: string, value: unknown];
  /** A line that breaks the setting's rule. */
  readonly invalid?: string;
}

/** CFG-1, row by row. */
const TABLE: readonly Row[] = [
  {
    name: "listen",
    fallback: { hostname: "0.0.0.0", port: 9443 },
    flag: ["--listen=[::1]:1", { hostname: "::1", port: 1 }],
    env: ["PACT_JOURNAL_LISTEN", "h:2", { hostname: "h", port: 2 }],
    toml: ["journal", 'listen_addr = "h:3"', { hostname: "h", port: 3 }],
    invalid: 'listen_addr = "h:70000"',
  },
  {
    name: "metricsListen",
    fallback: { hostname: "0.0.0.0", port: 9091 },
    flag: ["--metrics-listen=h:1", { hostname: "h", port: 1 }],
    env: ["PACT_JOURNAL_METRICS_LISTEN", "h:2", { hostname: "h", port: 2 }],
    toml: ["telemetry", 'prometheus_listen = "h:3"', { hostname: "h", port: 3 }],
    invalid: "prometheus_listen = 9091",
  },
  {
    name: "dataDir",
    fallback: "/var/lib/pact/journal",
    flag: ["--data-dir=/a", "/a"],
    env: ["PACT_JOURNAL_DATA_DIR", "/b", "/b"],
    toml: ["journal", 'data_dir = "/c"', "/c"],
    invalid: 'data_dir = "relative"',
  },
  {
    name: "raftListen",
    fallback: { hostname: "0.0.0.0", port: 9444 },
    flag: ["--raft-listen=h:1", { hostname: "h", port: 1 }],
    env: ["PACT_JOURNAL_RAFT_LISTEN", "h:2", { hostname: "h", port: 2 }],
    toml: ["journal.raft", 'listen_addr = "h:3"', { hostname: "h", port: 3 }],
    invalid: 'listen_addr = "h"',
  },
  {
    name: "snapshotDir",
    fallback: "/var/lib/pact/journal/snapshots",
    flag: ["--snapshot-dir=/a", "/a"],
    env: ["PACT_JOURNAL_SNAPSHOT_DIR", "/b", "/b"],
    toml: ["journal", 'snapshot_dir = "/c"', "/c"],
    invalid: 'snapshot_dir = "relative"',
  },
  {
    name: "snapshotInterval",
    fallback: 10_000,
    toml: ["journal.raft", "snapshot_interval = 500", 500],
    invalid: "snapshot_interval = 0",
  },
  {
    name: "heartbeatIntervalMs",
    fallback: 500,
    toml: ["journal.raft", "heartbeat_interval_ms = 50", 50],
    invalid: "heartbeat_interval_ms = 1000", // half of the election timeout is the most
  },
  {
    name: "electionTimeoutMs",
    fallback: 1_500,
    toml: ["journal.raft", "election_timeout_ms = 3000", 3_000],
    invalid: 'election_timeout_ms = "soon"',
  },
  {
    name: "logLevel",
    fallback: "info",
    flag: ["--log-level=debug", "debug"],
    env: ["PACT_LOG_LEVEL", "WARN", "warn"],
    toml: ["telemetry", 'log_level = "error"', "error"],
    invalid: 'log_level = "loud"',
  },
  {
    name: "logFormat",
    fallback: "text",
    env: ["PACT_LOG_FORMAT", "json", "json"],
    toml: ["telemetry", 'log_format = "json"', "json"],
    invalid: 'log_format = "xml"',
  },
  {
    name: "maxBootStreams",
    fallback: 15_000,
    toml: ["journal.streaming", "max_concurrent_boot_streams = 5", 5],
    invalid: "max_concurrent_boot_streams = 0",
  },
  {
    name: "domainId",
    fallback: "default",
    env: ["PACT_DOMAIN_ID", "site-a", "site-a"],
    toml: ["journal.enrollment", 'domain_id = "b"', "b"],
    invalid: 'domain_id = "a b"',
  },
  {
    name: "certLifetimeSeconds",
    fallback: 259_200,
    toml: ["journal.enrollment", "cert_lifetime_seconds = 3600", 3600],
    invalid: "cert_lifetime_seconds = 1",
  },
  {
    name: "rateLimitPerMinute",
    fallback: 100,
    toml: ["journal.enrollment", "rate_limit_per_minute = 7", 7],
    invalid: 'rate_limit_per_minute = "many"',
  },
  {
    name: "activeLockSeconds",
    fallback: 30,
    toml: ["journal.enrollment", "active_lock_seconds = 7", 7],
    invalid: "active_lock_seconds = 0",
  },
  {
    name: "tlsMode",
    fallback: "auto",
    env: ["PACT_JOURNAL_TLS", "auto", "auto"],
    toml: ["journal.tls", 'mode = "on"', "on"],
    invalid: 'mode = "maybe"',
  },
  {
    name: "plaintext",
    fallback: "loopback",
    toml: ["journal.tls", 'plaintext = "any"', "any"],
    invalid: 'plaintext = "yes"',
  },
  {
    name: "tlsCa",
    fallback: undefined,
    env: ["PACT_JOURNAL_TLS_CA", "/a", "/a"],
    toml: ["journal.tls", 'ca = "/b"', "/b"],
    invalid: 'ca = "b"',
  },
  {
    name: "tlsHosts",
    fallback: [],
    toml: ["journal.tls", 'hosts = ["a", "b"]', ["a", "b"]],
    invalid: "hosts = 7",
  },
  {
    name: "idpUrl",
    fallback: undefined,
    env: ["PACT_IDP_URL", "https://a.example", "https://a.example"],
    toml: ["policy.iam", 'idp_url = "https://b.example"', "https://b.example"],
    invalid: 'idp_url = "b"',
  },
  {
    name: "clientId",
    fallback: "pact",
    env: ["PACT_CLIENT_ID", "a", "a"],
    toml: ["policy.iam", 'client_id = "b"', "b"],
    invalid: "client_id = 1",
  },
  {
    name: "oidcIssuer",
    fallback: undefined,
    env: ["PACT_OIDC_ISSUER", "https://a.example", "https://a.example"],
    toml: ["policy.iam", 'oidc_issuer = "https://b.example"', "https://b.example"],
    invalid: 'oidc_issuer = ""',
  },
  {
    name: "oidcAudiences",
    fallback: ["pact"],
    env: ["PACT_OIDC_AUDIENCE", "a, b", ["a", "b"]],
    toml: ["policy.iam", 'oidc_audience = "c"', ["c"]],
    invalid: "oidc_audience = [1]",
  },
  {
    name: "jwksUrl",
    fallback: undefined,
    env: ["PACT_OIDC_JWKS_URL", "https://a.example/k", "https://a.example/k"],
    toml: [
      "policy.iam",
      'oidc_issuer = "https://b.example"\njwks_url = "https://b.example/k"',
      "https://b.example/k",
    ],
    invalid: 'jwks_url = "k"',
  },
  {
    name: "hmacSecret",
    fallback: undefined,
    env: ["PACT_OIDC_HMAC_SECRET", SECRET, SECRET],
    toml: ["policy.iam", `hmac_secret = "${SECRET}"`, SECRET],
    invalid: 'hmac_secret = "short"',
  },
  {
    name: "oidcCa",
    fallback: undefined,
    toml: ["policy.iam", 'oidc_ca = "/etc/pact/idp.crt"', "/etc/pact/idp.crt"],
    invalid: 'oidc_ca = "idp.crt"',
  },
  {
    name: "allowInsecureIssuer",
    fallback: false,
    toml: ["policy.iam", "allow_insecure_issuer = true", true],
    invalid: "allow_insecure_issuer = 1",
  },
  {
    name: "jwksMaxStaleSeconds",
    fallback: 86_400,
    toml: ["policy.iam", "jwks_max_stale_seconds = 7200", 7200],
    invalid: "jwks_max_stale_seconds = 1",
  },
  {
    name: "maxTokenLifetimeSeconds",
    fallback: 86_400,
    toml: ["policy.iam", "max_token_lifetime_seconds = 172800", 172_800],
    invalid: "max_token_lifetime_seconds = 0",
  },
  {
    name: "principalClaim",
    fallback: "sub",
    toml: ["policy.iam", 'principal_claim = "email"', "email"],
    invalid: 'principal_claim = ""',
  },
  {
    name: "roleMap",
    fallback: {},
    toml: ["policy.iam", 'role_map = { "a@b" = "pact-ops-ml" }', { "a@b": "pact-ops-ml" }],
    invalid: "role_map = { a = 1 }",
  },
];

for (const { name, fallback, flag, env, toml, invalid } of TABLE) {
  Deno.test(`CFG-1: ${name}: flag before environment before file before default`, () => {
    assert.deepEqual(settings({})[name], fallback);
    const given: { args?: string[]; env?: Record<string, string>; toml?: string } = {};
    given.toml = `[${toml[0]}]\n${toml[1]}\n`;
    assert.deepEqual(settings(given)[name], toml[2]);
    if (env !== undefined) {
      given.env = { [env[0]]: env[1] };
      assert.deepEqual(settings(given)[name], env[2]);
      assert.deepEqual(settings({ ...given, env: { [env[0]]: "" } })[name], toml[2], "DEP-21");
    }
    if (flag !== undefined) {
      given.args = [flag[0]];
      assert.deepEqual(settings(given)[name], flag[1]);
    }
    if (invalid === undefined) return;
    assert.throws(() => settings({ toml: `[${toml[0]}]\n${invalid}\n` }), ConfigError);
  });
}

Deno.test("CFG-1: the node id is required, but for development", () => {
  const readFile = () => undefined;
  assert.throws(() => loadConfig({ args: [], env: {}, readFile }), /node id missing/);
  assert.equal(loadConfig({ args: ["--single-node"], env: {}, readFile }).settings.nodeId, 1);
  const env = { PACT_JOURNAL_NODE_ID: "3" };
  assert.equal(loadConfig({ args: [], env, readFile }).settings.nodeId, 3);
  for (const id of ["0", "4294967296", "one"]) {
    const given = { args: [`--node-id=${id}`], env: {}, readFile };
    assert.throws(() => loadConfig(given), ConfigError);
  }
});

Deno.test("RUST_LOG: the directive of pact's journal counts, then the one without a target", () => {
  const level = (text: string) => settings({ env: { RUST_LOG: text } }).logLevel;
  assert.equal(level("debug"), "debug");
  assert.equal(level("warn,pact_journal=debug"), "debug");
  assert.equal(level("hyper=trace,warn"), "warn");
  assert.equal(level("hyper=trace"), "info");
  assert.equal(level("trace"), "debug");
  assert.equal(settings({ env: { RUST_LOG: "debug", PACT_LOG_LEVEL: "error" } }).logLevel, "error");
  assert.throws(() => level("pact=loud"), /RUST_LOG: .*not one of debug, info, warn, error/);
});

Deno.test("AUT-5: a shared secret warns, and a short one is refused outside development", () => {
  const short = { PACT_OIDC_HMAC_SECRET: "short" };
  assert.throws(() => load({ env: short }), /HMAC secret has 5 bytes: give at least 32/);
  assert.equal(settings({ env: short, args: ["--single-node"] }).hmacSecret, "short");
  const { warnings } = load({ env: { PACT_OIDC_HMAC_SECRET: SECRET } });
  assert.ok(warnings.some((text) => /HMAC secret/.test(text)));
  assert.ok(load({}).warnings.some((text) => /people cannot sign in/.test(text)));
});

const engine = (text: string) => load({ toml: `[policy.engine]\n${text}` });

Deno.test("OPA-1: where OPA listens is what its data API appends to, taken off", () => {
  for (
    const [given, base] of [
      ["http://localhost:8181/v1/data/pact", "http://localhost:8181/"],
      ["http://localhost:8181/v1/data", "http://localhost:8181/"],
      ["http://127.0.0.1:8181", "http://127.0.0.1:8181/"],
      ["http://[::1]:8181/opa/v1/data/pact/", "http://[::1]:8181/opa/"],
    ]
  ) {
    const { settings } = engine(`type = "opa"\nopa_endpoint = "${given}"`);
    assert.equal(settings.opaEndpoint.href, base);
  }
  assert.equal(engine('type = "opa"').settings.opaEndpoint.href, "http://localhost:8181/");
  for (
    const text of [
      "localhost:8181",
      "ftp://localhost/",
      "http://a:b@localhost/",
      "http://localhost/?x",
    ]
  ) {
    assert.throws(() => engine(`type = "opa"\nopa_endpoint = "${text}"`), /opa_endpoint/);
  }
});

Deno.test("OPA-1: an OPA that is not on this machine has to be asked for by name", () => {
  const remote = 'type = "opa"\nopa_endpoint = "http://opa.example.org:8181"';
  assert.throws(() => engine(remote), /opa\.example\.org:8181 is not this machine/);
  const { warnings } = engine(`${remote}\nallow_remote_opa = true`);
  assert.ok(warnings.some((text) => /cleartext/.test(text)));
  const secure = engine(`${remote.replace("http:", "https:")}\nallow_remote_opa = true`);
  assert.ok(!secure.warnings.some((text) => /cleartext/.test(text)));
  assert.equal(engine(remote.replace('"opa"', '"rbac"')).settings.policyEngine, "rbac");
});

Deno.test("a site's bundle is evaluated inside the journal unless another engine is named", () => {
  const bundle = 'bundle = "/etc/pact/policy-bundle.tar.gz"';
  assert.equal(engine(bundle).settings.policyEngine, "embedded");
  assert.equal(engine("").settings.policyEngine, "rbac");
  assert.equal(engine(`type = "opa"\n${bundle}`).settings.policyEngine, "opa");
});

Deno.test("a bundle where no engine reads it is warned of, another engine is an error", () => {
  const { warnings } = engine('type = "rbac"\nbundle = "/etc/pact/policy-bundle.tar.gz"');
  assert.ok(warnings.includes('policy.engine.bundle has no effect: policy.engine.type is "rbac"'));
  assert.throws(() => engine('type = "cedar"'), /policy\.engine\.type/);
  assert.throws(() => engine('type = "embedded"\nbundle = "bundle.tar.gz"'), /absolute path/);
});

Deno.test("CFG-2: keys of the published samples whose function comes later warn and do not fail", () => {
  const toml = `
[journal]
listen_addr = "0.0.0.0:9443"
data_dir = "/var/lib/pact/journal"
[journal.raft]
snapshot_interval = 10000
[journal.streaming]
max_concurrent_boot_streams = 15000
[policy]
enabled = true
[policy.iam]
oidc_issuer = "https://auth.example.org/hpc"
oidc_audience = "pact"
[policy.engine]
type = "opa"
opa_endpoint = "http://localhost:8181/v1/data/pact"
[policy.federation]
sovra_endpoint = "https://sovra.example.org"
sync_interval_seconds = 300
[telemetry]
log_level = "info"
log_format = "json"
prometheus_enabled = true
prometheus_listen = "0.0.0.0:9091"
loki_enabled = true
loki_endpoint = "http://loki:3100"
`;
  const { warnings } = load({ toml });
  for (
    const key of [
      "policy.federation.sovra_endpoint",
      "telemetry.loki_enabled",
    ]
  ) {
    assert.ok(warnings.includes(`${key} has no effect in this version`), key);
  }
  assert.ok(!warnings.some((text) => text.startsWith("telemetry.prometheus_enabled")));
  assert.ok(!warnings.some((text) => text.includes("unknown key")));
});

Deno.test("files that belong together are given together", () => {
  const half = '[journal.tls]\ncert = "/a"\n';
  assert.throws(() => load({ toml: half }), /journal.tls.cert and journal.tls.key belong together/);
  const ca = { PACT_CA_CERT: "/a" };
  assert.throws(() => load({ env: ca }), /ca_cert and journal.enrollment.ca_key/);
});

Deno.test("CRT-8: plaintext stays on loopback unless asked for by name, and always warns", () => {
  const off = (listen: string, toml = "") =>
    load({ args: [`--listen=${listen}`], env: { PACT_JOURNAL_TLS: "off" }, toml }).warnings
      .join("\n");
  assert.match(off("127.0.0.1:9443"), /TLS is off by journal.tls.mode/);
  assert.throws(() => off("0.0.0.0:9443"), /beyond loopback: turn TLS on, listen on 127.0.0.1/);
  assert.match(off("0.0.0.0:9443", '[journal.tls]\nplaintext = "any"\n'), /in the clear/);
});

Deno.test("a named configuration file that is missing is an error, the default one is not", () => {
  assert.throws(() => load({ args: ["--config=/nowhere.toml"] }), /\/nowhere.toml.*not found/);
  assert.throws(() => load({ env: { PACT_JOURNAL_CONFIG: "/no.toml" } }), /not found/);
  assert.throws(() => load({ args: ["serve"] }), /unexpected argument 'serve'/);
});

Deno.test("AUT-7: keys come from a named issuer, and over plain http only by explicit setting", () => {
  const iam = (...lines: string[]) =>
    load({ toml: ["[policy.iam]", ...lines].join("\n") }).warnings;
  assert.throws(
    () => iam('jwks_url = "https://a.example/k"'),
    /name the issuer whose tokens count/,
  );
  const plain = 'oidc_issuer = "http://idp.example"';
  assert.throws(() => iam(plain), /over plain http: use https/);
  assert.match(iam(plain, "allow_insecure_issuer = true").join(), /whoever is between/);
  assert.doesNotMatch(iam('oidc_issuer = "http://127.0.0.1:1"').join(), /plain http|no token keys/);
});

Deno.test("AUT-5: a short HMAC secret is refused but for --single-node, and every one warns", () => {
  const toml = '[policy.iam]\nhmac_secret = "short"\n';
  assert.throws(() => load({ toml }), /has 5 bytes: give at least 32/);
  assert.match(load({ toml, args: ["--single-node"] }).warnings.join(), /shared HMAC secret/);
});
