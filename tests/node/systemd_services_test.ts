import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import { type GuestNode, type Lab, nodeTest } from "./harness/mod.ts";

const SYSTEMD = { profile: "systemd" } as const;

/** Arguments that only stay apart where they were escaped. */
const HOSTILE = ["$HOME", "%n", 'a "b"', ";", "back\\slash"];

const STEADY = `
[vcluster.demo]
supervisor_backend = "systemd"

[vcluster.demo.policy]
enforcement_mode = "enforce"

[vcluster.demo.services.steady]
binary = "/bin/sleep"
args = ["86400"]
restart_delay_seconds = 1

[vcluster.demo.services.teller]
binary = "/bin/sh"
args = ["-c", "echo hello; systemd-notify --ready --status=serving; exec sleep 86400", ${
  HOSTILE.map((argument) => JSON.stringify(argument)).join()
}]
depends_on = ["steady"]
notify = true
`;

const LIMITED = STEADY.replace(
  'args = ["86400"]\n',
  'args = ["86400"]\ncgroup_memory_max = "64M"\ncgroup_cpu_weight = 200\npids_max = 20\n',
);

const HOG = `${LIMITED}
[vcluster.demo.services.hog]
binary = "/usr/bin/tail"
args = ["/dev/zero"]
cgroup_memory_max = "32M"
restart = "never"
`;

async function mainPid(node: GuestNode, service: string): Promise<number> {
  const text = await node.console.read(`systemctl show -p MainPID --value pact-${service}`);
  return Number(text.trim());
}

async function serviceLine(lab: Lab, service: string, wanted: RegExp): Promise<string> {
  return await lab.until(["service", "status", service, "--node", "node-1"], wanted);
}

nodeTest(
  "SYD-1 to SYD-5, CTX-7: beside systemd, declared services are its units, and nothing else is touched",
  SYSTEMD,
  async (lab) => {
    await lab.apply(STEADY);
    const node = await lab.startNode("node-1");
    await lab.enrol(node);
    await serviceLine(lab, "steady", /steady +Running/i);
    await serviceLine(lab, "teller", /teller +Running/i);

    const unit = await node.readFile("/run/systemd/system/pact-teller.service");
    assert.match(unit, /^Type=notify$/m);
    assert.match(unit, /^Requires=pact-steady\.service$/m);
    const teller = await mainPid(node, "teller");
    assert.equal(
      await node.console.read(`systemctl show -p StatusText --value pact-teller`),
      "serving\n",
    );
    assert.match(
      await node.console.read(`cat /proc/${teller}/cgroup`),
      /:\/pact\.slice\/pact-infra\.slice\/pact-teller\.service$/m,
    );

    const logs = await lab.pact("service", "logs", "teller", "--node", "node-1");
    assert.match(logs, /Z journal hello$/m);

    await doesNotDo(node);
    await restartsAreSystemds(lab, node);
    await agentComesAndGoes(lab, node);
    await limitsChange(lab, node);
    await overrunIsReported(lab, node);
    await switchWaitsForReboot(lab, node);
  },
);

/** agent.md 10: the right column of its table. */
async function doesNotDo({ console }: GuestNode): Promise<void> {
  const agent = (await console.read("systemctl show -p MainPID --value pact-agent")).trim();
  const descriptors = await console.read(`ls -l /proc/${agent}/fd`);
  assert.doesNotMatch(descriptors, /watchdog/);
  for (const path of ["pact.slice/infra.slice", "pact.slice/session.slice", "workload.slice"]) {
    const { status } = await console.run(`test -e /sys/fs/cgroup/${path}`);
    assert.equal(status, 1, `${path} is there`);
  }
  assert.equal((await console.run("test -e /run/pact/passwd.db")).status, 1);
  assert.doesNotMatch(await console.read("cat /etc/nsswitch.conf"), /pact/);
}

async function restartsAreSystemds(lab: Lab, node: GuestNode): Promise<void> {
  const before = await mainPid(node, "steady");
  await node.console.read(`kill -9 ${before}`);
  await waitFor(async () => {
    const pid = await mainPid(node, "steady");
    return pid !== 0 && pid !== before;
  }, { what: "systemd to start it again", timeoutMs: 30_000 });
  await serviceLine(lab, "steady", /steady +Running/i);
  await lab.until(["log", "-n", "50"], /ServiceCrash steady: killed by SIGKILL/);
}

async function agentComesAndGoes(lab: Lab, node: GuestNode): Promise<void> {
  const before = await mainPid(node, "teller");
  await node.console.read("systemctl restart pact-agent", 60_000);
  await serviceLine(lab, "teller", /teller +Running/i);
  assert.equal(await mainPid(node, "teller"), before);
}

async function limitsChange(lab: Lab, node: GuestNode): Promise<void> {
  const before = await mainPid(node, "steady");
  await lab.apply(LIMITED);
  const cgroup = "/sys/fs/cgroup/pact.slice/pact-infra.slice/pact-steady.service";
  await waitFor(async () => {
    const { output } = await node.console.run(`cat ${cgroup}/memory.max ${cgroup}/pids.max`);
    return output === `${64 * 1024 * 1024}\n20\n`;
  }, { what: "the new limits in the cgroup", timeoutMs: 30_000 });
  assert.equal(await mainPid(node, "steady"), before, "a change of limits took a new process");
}

async function overrunIsReported(lab: Lab, node: GuestNode): Promise<void> {
  const others = await mainPid(node, "steady");
  await lab.apply(HOG);
  await serviceLine(lab, "hog", /hog +Failed/i);
  await lab.until(["log", "-n", "50"], /ServiceCrash hog: killed by OOM/);
  assert.equal(await mainPid(node, "steady"), others);
  await lab.apply(`${LIMITED}\n[vcluster.demo.services]\nremove = ["hog"]\n`);
  await waitFor(async () => {
    const { status } = await node.console.run("test -e /run/systemd/system/pact-hog.service");
    return status === 1;
  }, { what: "the unit of a service that is not declared to be gone", timeoutMs: 30_000 });
}

async function switchWaitsForReboot(lab: Lab, node: GuestNode): Promise<void> {
  const before = await mainPid(node, "steady");
  await lab.apply(LIMITED.replace('"systemd"', '"pact"'));
  await lab.until(
    ["cap", "node-1"],
    /backend change pending reboot: pact is declared, systemd runs/,
  );
  await node.console.read("systemctl restart pact-agent", 60_000);
  await lab.until(["cap", "node-1"], /backend change pending reboot/);
  assert.equal(await mainPid(node, "steady"), before);
  assert.equal(await node.console.read("systemctl is-active pact-steady"), "active\n");

  await node.powerCut();
  await lab.until(["status"], /node-1 .*COMMITTED .*2\/2/, 180_000);
  const cgroup = "/sys/fs/cgroup/pact.slice/infra.slice/steady.scope/cgroup.procs";
  assert.match(await node.readFile(cgroup), /^[0-9]+\n$/);
  assert.equal(
    (await node.console.run("test -e /run/systemd/system/pact-steady.service")).status,
    1,
  );
  assert.doesNotMatch(await lab.pact("cap", "node-1"), /backend change/);
}
