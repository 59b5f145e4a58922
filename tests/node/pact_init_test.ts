import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import { type GuestNode, type Lab, nodeTest } from "./harness/mod.ts";

const PACT = { profile: "pact" } as const;

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
`;

/** A node that is as {@link SPEC} says. */
async function declaredNode(lab: Lab): Promise<GuestNode> {
  const node = await lab.startNode("node-1");
  await lab.apply(SPEC);
  await lab.enrol(node);
  await isAsDeclared(lab);
  return node;
}

async function isAsDeclared(lab: Lab): Promise<void> {
  await lab.until(["status"], /node-1 .*COMMITTED .*1\/1/, 120_000);
}

const pidOf = async (node: GuestNode, what: string) =>
  Number(await node.console.read(`pidof -s ${what}`));

nodeTest(
  "INI-0: pact-init is the first process, the agent its only child but what it found running",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    assert.equal(await node.console.read("cat /proc/1/comm"), "pact-init\n");
    const parent = await node.console.read(`ps -o ppid= -C deno`);
    assert.equal(Number(parent), 1);
    assert.equal(await lab.pact("exec", "node-1", "--", "hostname"), "node-1\n");
  },
);

nodeTest(
  "ISO-1: a service runs in its cgroup, and its memory limit is the kernel's",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    const scope = await node.console.read(`cut -d: -f3 /proc/${await pidOf(node, "sleep")}/cgroup`);
    assert.match(scope, /^\/pact\.slice\/infra\.slice\/keeper\.scope/);
    assert.equal(await node.readFile(`/sys/fs/cgroup${scope.trim()}/memory.max`), "67108864\n");
  },
);

nodeTest("INI-30: a killed agent is started again and adopts its services", PACT, async (lab) => {
  const node = await declaredNode(lab);
  const agent = await pidOf(node, "deno");
  const service = await pidOf(node, "sleep");
  await node.console.read(`kill -9 ${agent}`);
  await lab.until(["service", "status", "keeper", "--node", "node-1"], /Running/);
  assert.notEqual(await pidOf(node, "deno"), agent);
  assert.equal(await pidOf(node, "sleep"), service);
});

nodeTest("a node is as declared again after its power was cut", PACT, async (lab) => {
  const node = await declaredNode(lab);
  await node.powerCut();
  await isAsDeclared(lab);
  assert.equal(await node.readFile("/etc/motd"), "declared\n");
});

nodeTest(
  "WDG: an agent that stands still ends in a reset, after which the node is as declared",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    const boot = await node.readFile("/proc/sys/kernel/random/boot_id");
    await node.console.read(`kill -STOP ${await pidOf(node, "deno")}`);
    await node.resets(90_000);
    await isAsDeclared(lab);
    assert.notEqual(await node.readFile("/proc/sys/kernel/random/boot_id"), boot);
  },
);

nodeTest("SHD-1: told to end, a node stops its services and powers off", PACT, async (lab) => {
  const node = await declaredNode(lab);
  await node.console.read("kill -USR2 1");
  await waitFor(() => node.machine.qmp.count("SHUTDOWN") > 0, {
    timeoutMs: 60_000,
    what: "the node to power off",
  });
  assert.match(await node.machine.serialLog(), /Power down/);
});

const WATCHDOG = "/sys/class/watchdog/watchdog0";
const KEEPALIVE_PING = 0x8000;

nodeTest(
  "WDG-8: a watchdog that does not let itself be disarmed resets neither a node that wants none nor one on its way to power off",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    const from = (await node.machine.serialLog()).length;
    await node.console.read(`echo 1 >${WATCHDOG}/nowayout`);
    await node.console.read(
      `printf '\\n[agent.watchdog]\\nenabled = false\\n' >>/etc/pact/agent.toml`,
    );
    await node.console.read(`kill -9 $(pidof -s deno)`);
    await node.machine.waitForSerial(/watchdog runs on: .*nowayout/, 30_000, from);
    await node.machine.waitForSerial(/agent ready/, 60_000, from);
    for (let pets = 0; pets < 4; pets++) {
      // A look takes the flag away, until somebody pets it again.
      await waitFor(
        async () => (Number(await node.readFile(`${WATCHDOG}/status`)) & KEEPALIVE_PING) !== 0,
        { timeoutMs: 10_000, what: "a pet" },
      );
    }
    const resets = node.machine.qmp.count("RESET");
    const asked = (await node.machine.serialLog()).length;
    await node.console.read("kill -USR2 1");
    await waitFor(() => node.machine.qmp.count("SHUTDOWN") > 0, {
      timeoutMs: 60_000,
      what: "the node to power off",
    });
    assert.equal(node.machine.qmp.count("RESET"), resets);
    const told = (await node.machine.serialLog()).slice(asked);
    assert.match(told, /power off[^]*watchdog: 60[^]*watchdog runs on: .*nowayout[^]*Power down/);
    assert.doesNotMatch(told, /did not stop/);
  },
);

nodeTest(
  "WDG: a hardware watchdog does as well: its driver is found at boot",
  PACT,
  async (lab) => {
    const node = await lab.startNode("node-1", {
      fromPowerOn: true,
      kernel: "generic",
      devices: ["i6300esb"],
    });
    await lab.apply(SPEC);
    await lab.enrol(node);
    await isAsDeclared(lab);
    assert.match(await node.readFile("/sys/class/watchdog/watchdog0/identity"), /i6300ESB/i);
    await node.console.read(`kill -STOP ${await pidOf(node, "deno")}`);
    await node.resets(90_000);
    await isAsDeclared(lab);
  },
);
