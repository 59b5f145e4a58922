import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError } from "../../../../common/config/mod.ts";
import {
  type ConfiguredMember,
  loadConfig,
  memberHosts,
  planStart,
  type StartFacts,
} from "../../../../journal/config/mod.ts";

interface Given {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What stands behind `members =` in the file. */
  readonly members?: string;
}

function load({ args = [], env = {}, members }: Given) {
  return loadConfig({
    args: ["--node-id=1", ...args],
    env,
    readFile: (path) =>
      path === "/etc/pact/journal.toml" && members !== undefined
        ? `[journal.raft]\nmembers = ${members}\n`
        : undefined,
  });
}

function peers(text: string, args: readonly string[] = []): readonly ConfiguredMember[] {
  return load({ env: { PACT_JOURNAL_PEERS: text }, args }).settings.members;
}

const THREE = '["1:journal-1.mgmt:9444", "2:journal-2.mgmt:9444", "3:journal-3.mgmt:9444"]';
const THREE_MEMBERS = [1, 2, 3].map((id) => ({
  id,
  raft: `journal-${id}.mgmt:9444`,
  api: `journal-${id}.mgmt:9443`,
}));

Deno.test("JRN-54: the file's list gives Raft ports, the peers list those of the API; both name the same members", () => {
  const byFile = load({ members: THREE });
  assert.deepEqual(byFile.settings.members, THREE_MEMBERS);
  const text = "1=journal-1.mgmt:9443,2=journal-2.mgmt:9443, 3=journal-3.mgmt:9443,";
  assert.deepEqual(peers(text), THREE_MEMBERS);
  assert.deepEqual(load({ args: [`--peers=${text}`] }).settings.members, THREE_MEMBERS);
  const both = load({ members: THREE, env: { PACT_JOURNAL_PEERS: text } });
  assert.deepEqual(both.settings.members, THREE_MEMBERS);
  assert.ok(!both.warnings.some((warning) => warning.includes("member")));
});

Deno.test("JRN-54: the file's list comes before the peers, and a difference is told", () => {
  const { settings, warnings } = load({
    members: THREE,
    env: { PACT_JOURNAL_PEERS: "1=elsewhere:9443" },
  });
  assert.deepEqual(settings.members, THREE_MEMBERS);
  assert.ok(warnings.some((text) => /names other members than journal\.raft\.members/.test(text)));
});

Deno.test("JRN-54: a peer's port that is the Raft port is taken as such, and the ports of this member are everybody's", () => {
  assert.deepEqual(peers("1=a:9444"), [{ id: 1, raft: "a:9444", api: "a:9443" }]);
  assert.deepEqual(peers("1=a:9543"), [{ id: 1, raft: "a:9444", api: "a:9543" }]);
  const ports = ["--listen=0.0.0.0:7001", "--raft-listen=0.0.0.0:7002"];
  assert.deepEqual(peers("1=a:7002", ports), [{ id: 1, raft: "a:7002", api: "a:7001" }]);
  assert.deepEqual(peers("1=a:9443", ports), [{ id: 1, raft: "a:7002", api: "a:9443" }]);
  const free = ["--listen=0.0.0.0:0", "--raft-listen=0.0.0.0:0"];
  assert.deepEqual(peers("1=a:9443", free), [{ id: 1, raft: "a:9444", api: "a:9443" }]);
  const mistaken = load({ members: '["1:a:9443"]' });
  assert.deepEqual(mistaken.settings.members, [{ id: 1, raft: "a:9444", api: "a:9443" }]);
  assert.ok(mistaken.warnings.some((text) => /9443 is the port of the API; member 1/.test(text)));
});

Deno.test("JRN-54: IPv6 addresses stand in brackets, and a table names both addresses", () => {
  assert.deepEqual(peers("1=[fd00::1]:9443"), [
    { id: 1, raft: "[fd00::1]:9444", api: "[fd00::1]:9443" },
  ]);
  const { members } = load({
    members: '["1:[fd00::1]:9444", { id = 2, raft = "b:1", api = "c:2" }]',
  }).settings;
  assert.deepEqual(members, [
    { id: 1, raft: "[fd00::1]:9444", api: "[fd00::1]:9443" },
    { id: 2, raft: "b:1", api: "c:2" },
  ]);
  assert.deepEqual(memberHosts(members), ["fd00::1", "b", "c"]);
});

Deno.test("JRN-54: a malformed item ends the start, named with its place", () => {
  const malformed = [
    "journal-2:9444",
    "0:a:9444",
    "01:a:9444",
    "4294967296:a:9444",
    "2=a:9444",
    "2:a:0",
    "2:a:65536",
    "2:a",
    "2::9444",
    "2:a b:9444",
    "2:fd00::1:9444",
    "2:[fd00::x]:9444",
    "",
  ];
  for (const item of malformed) {
    assert.throws(
      () => load({ members: `["1:a:9444",\n"${item}"]` }),
      (error) =>
        error instanceof ConfigError &&
        error.message.startsWith("/etc/pact/journal.toml:2") &&
        error.message.includes(`'${item}' is not 'ID:HOST:PORT'`),
      item,
    );
  }
  assert.throws(() => load({ members: '["2:fd00::1:9444"]' }), /an IPv6 address in brackets/);
  assert.throws(() => peers("1=a:9443,b:9443"), /PACT_JOURNAL_PEERS.*'b:9443' is not ID=HOST:PORT/);
  assert.throws(() => peers("1:a:9443"), /'1:a:9443' is not ID=HOST:PORT/);
  assert.throws(() => load({ args: ["--peers", "x"] }), /--peers.*'x' is not ID=HOST:PORT/);
});

Deno.test("JRN-54: an id or address that stands twice is refused", () => {
  assert.throws(() => peers("1=a:9443,1=b:9443"), /two members have the id 1/);
  assert.throws(() => peers("1=a:9443,2=a:9543"), /members 1 and 2 have the same address a:9444/);
  const one = '[{ id = 1, raft = "a:1", api = "a:1" }]';
  assert.throws(() => load({ members: one }), /one address for Raft and the API/);
});

Deno.test("JRN-54: no text makes the reading of a list fail in any other way", () => {
  fc.assert(fc.property(fc.string({ maxLength: 40 }), (text) => {
    try {
      for (const { raft, api } of peers(text)) assert.match(`${raft} ${api}`, /^\S+:\d+ \S+:\d+$/);
    } catch (error) {
      assert.ok(error instanceof ConfigError);
    }
  }));
});

Deno.test("JRN-56: an even number of members warns", () => {
  const warningsOf = (text: string) => load({ env: { PACT_JOURNAL_PEERS: text } }).warnings;
  const isAboutNumber = (text: string) => /use an odd number/.test(text);
  assert.ok(warningsOf("1=a:9443,2=b:9443").some(isAboutNumber));
  assert.ok(!warningsOf("1=a:9443,2=b:9443,3=c:9443").some(isAboutNumber));
  assert.ok(!load({}).warnings.some(isAboutNumber));
});

Deno.test("JRN-53: members' certificates are at their usual places where nobody names others", () => {
  const { tlsCert, tlsKey, tlsCa } = load({ members: THREE }).settings;
  assert.deepEqual([tlsCert, tlsKey, tlsCa], [
    "/etc/pact/certs/node.crt",
    "/etc/pact/certs/node.key",
    "/etc/pact/ca.crt",
  ]);
  assert.equal(load({}).settings.tlsCert, undefined);
  const env = { PACT_JOURNAL_TLS_CERT: "/c", PACT_JOURNAL_TLS_KEY: "/k" };
  assert.equal(load({ members: THREE, env }).settings.tlsCert, "/c");
});

function plan(given: Given, facts: Partial<StartFacts> = {}) {
  return planStart(load(given).settings, {
    hasState: false,
    hostname: "mgmt-1",
    fileExists: () => true,
    ...facts,
  });
}

Deno.test("JRN-55: --bootstrap founds the cluster of the list, everyone else waits for it", () => {
  const founding = plan({ members: THREE, args: ["--bootstrap"] });
  assert.deepEqual(founding, { kind: "found", members: THREE_MEMBERS, warnings: [] });
  const waiting = plan({ members: THREE });
  assert.deepEqual(waiting, { kind: "wait", members: THREE_MEMBERS, warnings: [] });
});

Deno.test("JRN-55: --bootstrap with state does nothing but warn", () => {
  const { kind, warnings } = plan({ members: THREE, args: ["--bootstrap"] }, { hasState: true });
  assert.equal(kind, "resume");
  assert.match(warnings.join(), /--bootstrap has no effect: this member has state already/);
  assert.deepEqual(plan({ members: THREE }, { hasState: true }).warnings, []);
  assert.equal(plan({}, { hasState: true }).kind, "resume", "the stored membership counts");
});

Deno.test("JRN-54: a member that is not in the list says that it joins, or ends", () => {
  const fourth = { members: THREE, args: ["--node-id=4"] };
  assert.ok(
    load(fourth).warnings.some((text) => /4 is not among the configured members/.test(text)),
  );
  assert.ok(!load({ members: THREE }).warnings.some((text) => /not among/.test(text)));
  assert.throws(() => plan(fourth), /node id 4 is not among the members \(1, 2, 3\).*--join/);
  assert.equal(plan({ ...fourth, args: ["--node-id=4", "--join"] }).kind, "wait");
  assert.equal(plan(fourth, { hasState: true }).kind, "resume");
  assert.throws(
    () => plan({ ...fourth, args: ["--node-id=4", "--bootstrap"] }),
    /not among the members \(1, 2, 3\): correct one of the two$/,
  );
});

Deno.test("JRN-56: one member alone is founded by --bootstrap or --single-node, never by itself", () => {
  const alone = { id: 1, raft: "mgmt-1:9444", api: "mgmt-1:9443" };
  assert.throws(() => plan({}), /no members configured and nothing stored/);
  assert.deepEqual(plan({ args: ["--single-node"] }).members, [alone]);
  assert.deepEqual(plan({ args: ["--bootstrap"] }), {
    kind: "found",
    members: [alone],
    warnings: [],
  });
  const bound = plan({ args: ["--bootstrap", "--listen=[::1]:1", "--raft-listen=10.0.0.1:2"] });
  assert.deepEqual(bound.members, [{ id: 1, raft: "10.0.0.1:2", api: "[::1]:1" }]);
  assert.throws(() => plan({ members: '["1:a:9444"]' }), /start it with --bootstrap once/);
  assert.equal(plan({ members: '["1:a:9444"]', args: ["--bootstrap"] }).kind, "found");
});

Deno.test("JRN-53: several members without certificate files end the start and name them", () => {
  const fileExists = (path: string) => path !== "/etc/pact/certs/node.key";
  assert.throws(
    () => plan({ members: THREE }, { fileExists }),
    /mutual TLS.*no journal\.tls\.key \(\/etc\/pact\/certs\/node\.key\).*issue-member --id 1/,
  );
  assert.equal(plan({ args: ["--single-node"] }, { fileExists: () => false }).kind, "found");
});
