import assert from "node:assert/strict";
import {
  agentDirectories,
  FILE_MODES,
  namespacePin,
  nodePaths,
  PathError,
  serviceLog,
  shellDirectory,
} from "../../../contracts/mod.ts";

const paths = nodePaths();

const TABLE: readonly [id: string, path: string, expected: string][] = [
  ["PATH-1", paths.run, "/run/pact"],
  ["PATH-2, PATH-20", paths.handoffSocket, "/run/pact/handoff.sock"],
  ["PATH-3", paths.readySocket, "/run/pact/ready.sock"],
  ["PATH-4", paths.readyMarker, "/run/pact/ready"],
  ["PATH-5, MT-1", paths.uenvMountBase, "/run/pact/uenv"],
  ["PATH-6, MT-1", paths.workdirBase, "/run/pact/workdir"],
  ["PATH-7, MT-1", paths.dataStageBase, "/run/pact/data"],
  ["PATH-8", paths.capabilityReport, "/run/pact/capability.json"],
  ["PATH-9", paths.capabilitySocket, "/run/pact/capability.sock"],
  ["PATH-10", paths.passwdDb, "/run/pact/passwd.db"],
  ["PATH-10", paths.groupDb, "/run/pact/group.db"],
  ["PATH-11", namespacePin(paths, "42", "Pid"), "/run/pact/ns/42/pid"],
  ["PATH-11", namespacePin(paths, "42", "Net"), "/run/pact/ns/42/net"],
  ["PATH-11", namespacePin(paths, "42", "Mount"), "/run/pact/ns/42/mnt"],
  ["PATH-12", paths.state, "/run/pact/state"],
  ["PATH-13", serviceLog(paths, "chronyd"), "/run/pact/logs/chronyd.log"],
  ["PATH-14", shellDirectory(paths, "s1"), "/run/pact/shell/s1"],
  ["PATH-15", paths.spireSocket, "/run/spire/agent.sock"],
  ["PATH-16", paths.cgroupRoot, "/sys/fs/cgroup"],
  ["PATH-17", paths.watchdog, "/dev/watchdog"],
  ["PATH-18", paths.agentConfig, "/etc/pact/agent.toml"],
  ["PATH-18", paths.agentEnvironment, "/etc/pact/agent.env"],
  ["PATH-18", paths.trustAnchor, "/etc/pact/ca.crt"],
  ["PATH-19", paths.persistent, "/var/lib/pact"],
];

for (const [id, path, expected] of TABLE) {
  Deno.test(`${id}: ${expected}`, () => assert.equal(path, expected));
}

Deno.test("PATH-23: every path derives from one root prefix", () => {
  const moved = nodePaths("/tmp/node1/");
  for (const [name, path] of Object.entries(paths)) {
    assert.equal(moved[name as keyof typeof moved], `/tmp/node1${path}`);
  }
  assert.deepEqual(nodePaths("/"), paths);
});

Deno.test("PATH-23: a prefix that is relative or climbs is refused", () => {
  for (const root of ["relative", "/a/../b", "/a//b", "/a/./b", "/a\0"]) {
    assert.throws(() => nodePaths(root), PathError);
  }
});

Deno.test("NC-8: no identifier climbs out of its directory", () => {
  assert.throws(() => namespacePin(paths, "../../etc", "Net"));
  assert.throws(() => serviceLog(paths, "../x"));
  assert.throws(() => shellDirectory(paths, "a/b"));
});

Deno.test("PATH-21: directories come parents first, with the modes of the table", () => {
  const modes = agentDirectories(paths).map(({ path, mode }) => `${mode.toString(8)} ${path}`);
  assert.deepEqual(modes, [
    "755 /run/pact",
    "755 /run/pact/uenv",
    "755 /run/pact/workdir",
    "755 /run/pact/data",
    "700 /run/pact/ns",
    "700 /run/pact/state",
    "755 /run/pact/logs",
    "755 /run/pact/shell",
    "700 /var/lib/pact",
  ]);
});

Deno.test("PATH-2 to PATH-13: modes of files and sockets", () => {
  const octal = Object.entries(FILE_MODES).map(([name, mode]) => `${name} ${mode.toString(8)}`);
  assert.deepEqual(octal, [
    "handoffSocket 600",
    "readySocket 666",
    "readyMarker 644",
    "capabilityReport 644",
    "capabilitySocket 666",
    "passwdDb 644",
    "groupDb 644",
    "serviceLog 640",
  ]);
});
