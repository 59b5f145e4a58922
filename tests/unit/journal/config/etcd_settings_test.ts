import assert from "node:assert/strict";
import { ConfigError } from "../../../../common/config/mod.ts";
import { loadConfig } from "../../../../journal/config/mod.ts";

const FILES = `
ca_file = "/etc/pact/etcd/ca.crt"
cert_file = "/etc/pact/etcd/client.crt"
key_file = "/etc/pact/etcd/client.key"
`;

const load = (toml: string) =>
  loadConfig({
    args: ["--node-id=1"],
    env: {},
    readFile: (path) => path === "/etc/pact/journal.toml" ? toml : undefined,
  });

const onEtcd = (lines: string) => load(`[journal]\nlog = "etcd"\n[journal.etcd]\n${lines}`);

Deno.test("demand 11: the members keep the log unless journal.log says etcd", () => {
  assert.equal(load("").settings.etcd, undefined);
  assert.equal(load('[journal]\nlog = "raft"').settings.etcd, undefined);
  const { settings, warnings } = load('[journal.etcd]\nendpoints = ["etcd-1"]');
  assert.equal(settings.etcd, undefined);
  assert.ok(warnings.includes('journal.etcd has no effect: journal.log is "raft"'));
});

Deno.test("demand 11: endpoints and certificates suffice; the rest has defaults", () => {
  const { settings: { etcd } } = onEtcd(
    `endpoints = ["etcd-1.mgmt", "https://etcd-2:4001"]${FILES}`,
  );
  assert.deepEqual(etcd, {
    endpoints: ["https://etcd-1.mgmt:2379", "https://etcd-2:4001"],
    files: {
      ca: "/etc/pact/etcd/ca.crt",
      cert: "/etc/pact/etcd/client.crt",
      key: "/etc/pact/etcd/client.key",
    },
    prefix: "/pact/journal",
    leaseTtlSeconds: 3,
    requestTimeoutMs: 2_000,
    compactsHistory: true,
  });
  const { settings: other } = onEtcd(
    `endpoints = ["etcd-1"]
     prefix = "/site/a/pact"
     lease_ttl_seconds = 10
     request_timeout_ms = 500
     compact_history = false${FILES}`,
  );
  assert.equal(other.etcd?.prefix, "/site/a/pact");
  assert.equal(other.etcd?.leaseTtlSeconds, 10);
  assert.equal(other.etcd?.requestTimeoutMs, 500);
  assert.equal(other.etcd?.compactsHistory, false);
});

Deno.test("CRT-8: cleartext to etcd stays on loopback, and is never silent", () => {
  const { settings, warnings } = onEtcd('endpoints = ["http://127.0.0.1:2379"]');
  assert.equal(settings.etcd?.files, undefined);
  assert.ok(warnings.some((text) => /etcd is spoken to in cleartext on loopback/.test(text)));
  for (
    const [endpoints, message] of [
      ['["http://etcd-1:2379"]', /http:\/\/etcd-1:2379 is beyond loopback/],
      ['["http://localhost:1", "https://etcd-1:2379"]', /etcd-1:2379 is beyond loopback/],
      ['["http://localhost:1", "https://localhost:2"]', /some are https:\/\/ and some http:\/\//],
    ] as const
  ) {
    assert.throws(() => onEtcd(`endpoints = ${endpoints}${FILES}`), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("CFG-4: what is missing or does not fit is named with its key", () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ["", /journal\.log is "etcd": name its members in journal\.etcd\.endpoints/],
    ['endpoints = ["etcd-1"]', /name journal\.etcd\.ca_file, cert_file, key_file/],
    ['endpoints = ["etcd-1"]\nca_file = "/a"\ncert_file = "/b"', /name journal\.etcd\.key_file/],
    [`endpoints = ["etcd-1", "etcd-1:2379"]${FILES}`, /names a member twice/],
    [`endpoints = ["ftp://etcd-1"]${FILES}`, /endpoints.*use https:\/\/ or http:\/\//],
    [`endpoints = ["etcd-1"]\nprefix = "pact/"${FILES}`, /prefix.*names after slashes/],
    [`endpoints = ["etcd-1"]\nlease_ttl_seconds = 1${FILES}`, /lease_ttl_seconds/],
  ];
  for (const [lines, message] of rows) {
    assert.throws(() => onEtcd(lines), (error) => {
      assert.ok(error instanceof ConfigError, lines);
      assert.match(error.message, message);
      return true;
    });
  }
});
