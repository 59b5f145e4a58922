import assert from "node:assert/strict";
import { nodeTest } from "./harness/mod.ts";

const SYSTEMD = { profile: "systemd" } as const;

/** One file and one service; whoever changes the file by hand has a minute to commit it. */
const SPEC = `
[vcluster.demo.files]
"/etc/motd" = { content = "declared\\n", mode = "0644" }
[vcluster.demo.services.keeper]
binary = "/usr/bin/sleep"
args = ["86400"]
cgroup_memory_max = "64M"
restart_delay_seconds = 1
[vcluster.demo.policy]
enforcement_mode = "enforce"
base_commit_window_seconds = 60
drift_sensitivity = 200
`;

nodeTest(
  "a node beside systemd enrols, runs what is declared for it, and is shown by its journal",
  SYSTEMD,
  async (lab) => {
    const node = await lab.startNode("node-1");
    await lab.apply(SPEC);
    await lab.enrol(node);
    await lab.until(["status"], /node-1 .*COMMITTED .*1\/1/);
    assert.equal(await node.console.read("cat /proc/1/comm"), "systemd\n");
    assert.equal(await lab.pact("exec", "node-1", "--", "hostname"), "node-1\n");
    assert.equal(await node.readFile("/etc/motd"), "declared\n");
    const pid = (await node.console.read("pidof sleep")).trim();
    const scope = await node.console.read(`cut -d: -f3 /proc/${pid}/cgroup`);
    assert.match(scope, /^\/pact\.slice\/infra\.slice\/keeper\.scope/);
    assert.equal(await node.readFile(`/sys/fs/cgroup${scope.trim()}/memory.max`), "67108864\n");
  },
);

nodeTest(
  "a killed agent comes back beside systemd, and its services have not noticed",
  SYSTEMD,
  async (lab) => {
    const node = await lab.startNode("node-1");
    await lab.apply(SPEC);
    await lab.enrol(node);
    await lab.until(["status"], /node-1 .*COMMITTED .*1\/1/);
    const service = await node.console.read("pidof sleep");
    const agent = await node.console.read("systemctl show -P MainPID pact-agent");
    await node.console.read(`kill -9 ${agent.trim()}`);
    await lab.until(["service", "status", "keeper", "--node", "node-1"], /Running/);
    assert.notEqual(await node.console.read("systemctl show -P MainPID pact-agent"), agent);
    assert.equal(await node.console.read("pidof sleep"), service);
  },
);

nodeTest(
  "drift on a node is seen and, when nobody commits it, taken back",
  SYSTEMD,
  async (lab) => {
    const node = await lab.startNode("node-1");
    await lab.apply(SPEC);
    await lab.enrol(node);
    await lab.until(["status"], /node-1 .*COMMITTED .*1\/1/);
    await node.writeFile("/etc/motd", "by hand\n");
    await lab.until(["status"], /node-1 .*DRIFTED/);
    await lab.until(["status"], /node-1 .*COMMITTED/, 90_000);
    assert.equal(await node.readFile("/etc/motd"), "declared\n");
    assert.match(await lab.pact("log"), /ROLLBACK +node:node-1 .*commit window expired/);
  },
);
