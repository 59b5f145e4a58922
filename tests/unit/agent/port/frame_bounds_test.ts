import assert from "node:assert/strict";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import type { agentport, journal } from "../../../../api/mod.ts";
import { checkWorkerFrame, FrameError } from "../../../../agent/port/mod.ts";
import { workerFrame } from "./frames.ts";

type Content = Parameters<typeof workerFrame>[0];
/** Fields of a message, nested ones as plain objects. */
type Fields<Schema extends DescMessage> = Omit<MessageInitShape<Schema>, "$typeName" | "$unknown">;
type Declared = Fields<typeof agentport.DeclaredConfigSchema>;
type CallerFields = Partial<Record<"principal" | "principalType" | "remoteAddress", string>> & {
  readonly roles?: string[];
};

const text = (length: number) => "x".repeat(length);
const many = <T>(length: number, item: T) => Array.from({ length }, () => item);

const CALLER = { principal: "ann", principalType: "Human", roles: ["pact-ops-ml"] };
const CALL = { method: "Exec", caller: CALLER, credit: 16 };
const CONFIG = {
  nodeId: "node-1",
  cacheDir: "/var/lib/pact/cache",
  stateDir: "/run/pact/state",
  logDir: "/run/pact/logs",
};
const SERVICE = { name: "web", binary: "/bin/sleep" };

const declared = (value: Declared): Content => ({
  case: "declared",
  value: { vclusterId: "ml", ...value },
});
const service = (value: Fields<typeof agentport.ServiceSpecSchema>) =>
  declared({ services: [{ ...SERVICE, ...value }] });
const call = (
  value: { method?: string; credit?: number; request?: Uint8Array; caller?: CallerFields },
): Content => ({
  case: "call",
  value: { ...CALL, ...value },
});
const caller = (value: CallerFields) => call({ caller: { ...CALLER, ...value } });

const PERSON = { username: "ann", home: "/home/ann", shell: "/bin/bash", org: "local" };
const GROUP = { name: "local", members: ["ann"] };
const identityMap = (value: Fields<typeof journal.UidMapSchema>): Content => ({
  case: "identityMap",
  value,
});

const TAKEN: Readonly<Record<string, Content>> = {
  "a declaration": declared({
    sysctl: { "vm.swappiness": "10", "net.ipv4.conf.eth0/100.forwarding": "1" },
    files: [{ path: "/etc/motd", mode: 0o7777, content: new Uint8Array(256 * 1024) }],
    mounts: [{ path: "/scratch", fsType: "nfs", source: "a:/b" }],
    services: [{ ...SERVICE, args: many(1024, "x"), workingDirectory: "/" }],
  }),
  "a declaration of nothing": declared({ vclusterId: "" }),
  "the domain's declaration": declared({ vclusterId: "_domain" }),
  "a call": call({}),
  "a call with the largest request": call({ request: new Uint8Array(4 * 1024 * 1024) }),
  "an identity": { case: "identity", value: { nodeId: "node-1", certPem: text(4096) } },
  "a configuration": { case: "configured", value: CONFIG },
  "a refusal": { case: "configRefused", value: { wantedFiles: ["/etc/pact/ca.crt"] } },
  "a link state": { case: "linkState", value: { connected: true, nodeId: "n", vclusterId: "ml" } },
  "a listener": { case: "listening", value: { hostname: "0.0.0.0", port: 9445 } },
  "credit": { case: "callCredit", value: { callId: 1n, credit: 1 } },
  "an identity map": identityMap({ entries: many(100_000, PERSON), groups: [GROUP] }),
  "an emergency": { case: "emergency", value: { sessionId: "em-7", scope: "node", isOpen: true } },
  "a cancelled call": { case: "callCancelled", value: { callId: 1n } },
  "an answer": { case: "appendResult", value: { appendId: 1n, sequence: 7n } },
  "consent": { case: "approvalAnswer", value: { askId: 1n, policyRef: "approved:ap-00000001" } },
  "a decision on a commit": { case: "commitDecided", value: {} },
  "an end": { case: "fatal", value: { reason: "out of sockets" } },
};

for (const [what, frame] of Object.entries(TAKEN)) {
  Deno.test(`the port takes ${what}`, () => checkWorkerFrame(workerFrame(frame)));
}

const REFUSED: readonly (readonly [string, Content, RegExp])[] = [
  ["too many people", identityMap({ entries: many(100_001, PERSON) }), /people: 100001 exceeds/],
  ["a long name", identityMap({ entries: [{ ...PERSON, username: text(257) }] }), /user name/],
  ["a long home", identityMap({ entries: [{ ...PERSON, home: text(4097) }] }), /home directory/],
  ["a long member", identityMap({ groups: [{ members: [text(257)] }] }), /member/],
  [
    "too many members",
    identityMap({ groups: many(11, { name: "g", members: many(100_000, "ann") }) }),
    /members/,
  ],
  [
    "an emergency of elsewhere",
    { case: "emergency", value: { sessionId: "em-7", scope: "site" } },
    /malformed emergency scope/,
  ],
  ["too many files", declared({ files: many(100_001, { path: "/a" }) }), /files: 100001 exceeds/],
  ["too many services", declared({ services: many(100_001, SERVICE) }), /services: 100001/],
  ["too many mounts", declared({ mounts: many(100_001, { path: "/a" }) }), /mounts: 100001/],
  ["too many patterns", declared({ blacklist: many(100_001, "/a") }), /blacklist: 100001/],
  ["too many notes", declared({ unsupported: many(100_001, "a") }), /unsupported: 100001/],
  ["too many deltas", declared({ nodeDeltas: many(100_001, 1n) }), /nodeDeltas: 100001/],
  ["a foreign vCluster id", declared({ vclusterId: "../x" }), /malformed vCluster id/],
  ["a sysctl key with blanks", declared({ sysctl: { "vm swap": "1" } }), /malformed sysctl key/],
  ["a sysctl key that climbs", declared({ sysctl: { "../../etc/passwd": "1" } }), /malformed/],
  ["a long sysctl value", declared({ sysctl: { "vm.x": text(65_537) } }), /sysctl vm\.x: 65537/],
  ["a relative file", declared({ files: [{ path: "etc/motd" }] }), /not absolute/],
  ["a file that climbs", declared({ files: [{ path: "/etc/../root/x" }] }), /not absolute/],
  ["a file with NUL", declared({ files: [{ path: "/etc/a\0b" }] }), /not absolute/],
  ["a file with an endless name", declared({ files: [{ path: `/${text(4096)}` }] }), /absolute/],
  [
    "a large file",
    declared({ files: [{ path: "/a", content: new Uint8Array(256 * 1024 + 9) }] }),
    /content of \/a/,
  ],
  ["a mode with more bits", declared({ files: [{ path: "/a", mode: 0o10000 }] }), /mode of \/a/],
  ["a long hash", declared({ files: [{ path: "/a", contentHash: text(257) }] }), /hash of \/a/],
  ["a long owner", declared({ files: [{ path: "/a", owner: text(257) }] }), /owner of \/a/],
  ["a relative mount", declared({ mounts: [{ path: "scratch" }] }), /mount path/],
  [
    "long mount options",
    declared({ mounts: [{ path: "/a", options: text(65_537) }] }),
    /a text of mount/,
  ],
  ["a device rule that climbs", declared({ devices: [{ glob: "../sda" }] }), /malformed device/],
  ["a device rule from the root", declared({ devices: [{ glob: "/sda" }] }), /malformed device/],
  ["a set-id device", declared({ devices: [{ glob: "sda", mode: 0o4755 }] }), /mode of device/],
  ["a service without a name", service({ name: "" }), /malformed service name/],
  ["a service that climbs", service({ name: "a..b" }), /malformed service name/],
  ["a service name with a slash", service({ name: "a/b" }), /malformed service name/],
  ["a relative program", service({ binary: "sleep" }), /program of web/],
  ["a relative working directory", service({ workingDirectory: "tmp" }), /working directory/],
  ["NUL in an argument", service({ args: ["a\0b"] }), /NUL in the declaration of web/],
  ["NUL in a variable", service({ env: { A: "\0" } }), /NUL in the declaration of web/],
  ["too many arguments", service({ args: many(1025, "x") }), /arguments of web: 1025/],
  ["a long argument", service({ args: [text(65_537)] }), /a text of web: 65537/],
  [
    "too many variables",
    service({ env: Object.fromEntries(many(1025, 0).map((_, i) => [`A${i}`, ""])) }),
    /environment of web/,
  ],
  ["too many dependencies", service({ dependsOn: many(1025, "a") }), /dependencies of web/],
  ["too many interfaces", service({ needsNetwork: many(1025, "a") }), /interfaces of web/],
  ["a call without a caller", { case: "call", value: { method: "Exec" } }, /without a caller/],
  ["a call of nobody", caller({ principal: "" }), /without a principal/],
  ["a method that is none", call({ method: "../Exec" }), /malformed method name/],
  ["a large request", call({ request: new Uint8Array(4 * 1024 * 1024 + 1) }), /request: 4194305/],
  ["endless credit", call({ credit: 1025 }), /credit: 1025/],
  ["more endless credit", { case: "callCredit", value: { credit: 1025 } }, /credit: 1025/],
  ["too many roles", caller({ roles: many(101, "a") }), /roles: 101/],
  ["a long role", caller({ roles: [text(257)] }), /role: 257/],
  ["a long principal", caller({ principal: text(65_537) }), /principal: 65537/],
  ["a long principal type", caller({ principalType: text(257) }), /principal type: 257/],
  ["a long address", caller({ remoteAddress: text(257) }), /remote address: 257/],
  ["a long certificate", { case: "identity", value: { certPem: text(65_537) } }, /certificate/],
  ["a long key", { case: "identity", value: { keyPem: text(65_537) } }, /key: 65537/],
  ["a long domain", { case: "identity", value: { domainId: text(257) } }, /domain: 257/],
  [
    "a long trust bundle",
    { case: "identity", value: { trustBundlePem: text(16 * 65_536 + 1) } },
    /trust bundle/,
  ],
  ["an identity of no node", { case: "identity", value: { nodeId: "a/b" } }, /malformed node id/],
  [
    "a cache directory that climbs",
    { case: "configured", value: { ...CONFIG, cacheDir: "/var/../etc" } },
    /directory path/,
  ],
  [
    "a relative root",
    { case: "configured", value: { ...CONFIG, root: "tmp" } },
    /root path 'tmp' is not absolute/,
  ],
  [
    "too many watched paths",
    { case: "configured", value: { ...CONFIG, watchPaths: many(1001, "/a") } },
    /watched paths: 1001/,
  ],
  [
    "too many local patterns",
    { case: "configured", value: { ...CONFIG, blacklist: many(1001, "/a") } },
    /blacklist: 1001/,
  ],
  [
    "too many warnings",
    { case: "configured", value: { ...CONFIG, warnings: many(1001, "a") } },
    /warnings: 1001/,
  ],
  [
    "too many wanted files",
    { case: "configRefused", value: { wantedFiles: many(17, "/a") } },
    /wanted files: 17/,
  ],
  [
    "a wanted file that climbs",
    { case: "configRefused", value: { wantedFiles: ["/etc/pact/../shadow"] } },
    /wanted file path/,
  ],
  ["a long refusal", { case: "configRefused", value: { reason: text(65_537) } }, /reason/],
  ["a link of no node", { case: "linkState", value: { nodeId: " " } }, /malformed node id/],
  ["a long endpoint", { case: "linkState", value: { endpoint: text(65_537) } }, /endpoint/],
  ["a long code", { case: "linkState", value: { code: text(257) } }, /code: 257/],
  ["a long reason", { case: "linkState", value: { reason: text(65_537) } }, /reason/],
  ["a port that is none", { case: "listening", value: { port: 65_536 } }, /port: 65536/],
  ["a long listener", { case: "listening", value: { hostname: text(257) } }, /listener name/],
  ["a long error code", { case: "appendResult", value: { errorCode: text(257) } }, /error code/],
  [
    "a long error",
    { case: "appendResult", value: { errorMessage: text(65_537) } },
    /error message/,
  ],
  [
    "a long policy reference",
    { case: "appendResult", value: { policyRef: text(65_537) } },
    /policy reference/,
  ],
  [
    "a long approval",
    { case: "approvalAnswer", value: { approvalId: text(257) } },
    /approval: 257/,
  ],
  ["a long issuer", { case: "tokenIssuer", value: { issuer: text(4_097) } }, /issuer: 4097/],
  [
    "an issuer's long audience",
    { case: "tokenIssuer", value: { audiences: [text(4_097)] } },
    /issuer's settings: 4097/,
  ],
  ["a long last word", { case: "fatal", value: { reason: text(65_537) } }, /reason/],
];

for (const [what, frame, reason] of REFUSED) {
  Deno.test(`the port refuses ${what}`, () => {
    assert.throws(() => checkWorkerFrame(workerFrame(frame)), (error) => {
      assert.ok(error instanceof FrameError);
      assert.match(error.message, reason);
      return true;
    });
  });
}

Deno.test("the port refuses a frame without content", () => {
  assert.throws(() => checkWorkerFrame({ case: undefined }), FrameError);
});
