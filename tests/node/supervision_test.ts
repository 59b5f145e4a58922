import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import { type GuestNode, type Lab, nodeTest } from "./harness/mod.ts";

const PACT = { profile: "pact" } as const;
const INFRA = "/sys/fs/cgroup/pact.slice/infra.slice";
const WAIT_MS = 60_000;

const POLICY = `
[vcluster.demo.policy]
enforcement_mode = "enforce"
`;

/** Keeps running through everything that happens to the others. */
const STEADY = `
[vcluster.demo.services.steady]
binary = "/usr/bin/sleep"
args = ["86400"]
`;

/** A node with the declared services. */
async function nodeWith(lab: Lab, services: string): Promise<GuestNode> {
  await lab.apply(POLICY + STEADY + services);
  const node = await lab.startNode("node-1");
  await lab.enrol(node);
  // What is on its way counts as declared.
  await statusOf(lab, "steady", /steady +Running/i);
  return node;
}

async function statusOf(lab: Lab, service: string, wanted: RegExp): Promise<string> {
  return await lab.until(["service", "status", service, "--node", "node-1"], wanted, WAIT_MS);
}

/** The processes of a service's scope; empty when the scope is gone. */
async function processesOf(node: GuestNode, service: string): Promise<string[]> {
  const { output, status } = await node.console.run(`cat ${INFRA}/${service}.scope/cgroup.procs`);
  return status === 0 ? output.trim().split("\n").filter((pid) => pid !== "") : [];
}

async function isGone(node: GuestNode, service: string): Promise<void> {
  await waitFor(async () => {
    const { status } = await node.console.run(`test -e ${INFRA}/${service}.scope`);
    return status === 1;
  }, { what: `the scope of ${service} to be gone`, timeoutMs: WAIT_MS });
}

nodeTest(
  "OOM-1, OOM-2: a service that overruns its memory is killed alone, whole, and reported as such",
  PACT,
  async (lab) => {
    const node = await nodeWith(lab, "");
    const [steady] = await processesOf(node, "steady");
    // The child overruns; its parent and a bystander in the scope go with it.
    const hog = "sleep 86400 & tail /dev/zero";
    await lab.apply(`${POLICY}${STEADY}
[vcluster.demo.services.hog]
binary = "/bin/sh"
args = ["-c", "${hog}"]
cgroup_memory_max = "32M"
restart = "never"
`);
    await lab.until(["log", "-n", "50"], /ServiceCrash hog: killed by OOM \(limit 32M\)/, WAIT_MS);
    await statusOf(lab, "hog", /hog +Failed/i);
    await isGone(node, "hog");
    assert.match(
      await node.console.read("grep -h service.oom /run/pact/state/audit.log*"),
      /memory\.peak 3[0-9]*[MK.0-9]*, memory\.max 32M/,
    );
    assert.deepEqual(await processesOf(node, "steady"), [steady]);
    assert.match(await node.console.read("cat /proc/1/comm"), /pact-init/);
  },
);

nodeTest(
  "SUP-20, CG-20: limits, ids, groups, resource limits and OOM score of a service are the kernel's",
  PACT,
  async (lab) => {
    const node = await lab.startNode("node-1");
    // A user of the site's image with groups of its own.
    await node.console.read(
      "echo 'munge:x:4711:4711::/var/lib/munge:/usr/sbin/nologin' >>/etc/passwd; " +
        "echo 'munge:x:4711:' >>/etc/group; echo 'hsn:x:4712:munge' >>/etc/group; " +
        "echo 'gpu:x:4713:munge' >>/etc/group",
    );
    await lab.apply(`${POLICY}${STEADY}
[vcluster.demo.services.limited]
binary = "/usr/bin/sleep"
args = ["1000"]
user = "munge"
cgroup_slice = "gpu"
cgroup_memory_max = "64M"
cgroup_cpu_weight = 250
pids_max = 12
io_max = 1048576
rlimits = { nofile = { soft = 512, hard = 1024 }, core = 0 }
`);
    await lab.enrol(node);
    await statusOf(lab, "steady", /steady +Running/i);
    await statusOf(lab, "limited", /limited +Running/i);
    const scope = "/sys/fs/cgroup/pact.slice/gpu.slice/limited.scope";
    const read = async (file: string) => (await node.readFile(`${scope}/${file}`)).trim();
    assert.equal(await read("memory.max"), `${64 * 1024 * 1024}`);
    assert.equal(await read("memory.oom.group"), "1");
    assert.equal(await read("cpu.weight"), "250");
    assert.equal(await read("pids.max"), "12");
    assert.match(await read("io.max"), /^\d+:\d+ rbps=1048576 wbps=1048576/);
    const pid = await read("cgroup.procs");
    const status = await node.readFile(`/proc/${pid}/status`);
    assert.match(status, /^Uid:\t4711\t4711\t4711\t4711$/m);
    assert.match(status, /^Groups:\t4711 4712 4713 $/m);
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.equal((await node.readFile(`/proc/${pid}/oom_score_adj`)).trim(), "-250");
    const limits = await node.readFile(`/proc/${pid}/limits`);
    assert.match(limits, /^Max open files +512 +1024 /m);
    assert.match(limits, /^Max core file size +0 +0 /m);
    const [steady] = await processesOf(node, "steady");
    assert.match(await node.readFile(`/proc/${steady}/limits`), /^Max open files +65536 +65536 /m);
  },
);

nodeTest(
  "pids.max, CG-24: a fork bomb stays within its service, and ends with it to the last process",
  PACT,
  async (lab) => {
    const node = await nodeWith(lab, "");
    await lab.apply(`${POLICY}${STEADY}
[vcluster.demo.services.bomb]
binary = "/bin/sh"
args = ["-c", "bomb() { bomb | bomb & }; trap '' TERM; while :; do bomb; done"]
pids_max = 60
stop_timeout_seconds = 1
`);
    await waitFor(async () => (await processesOf(node, "bomb")).length >= 40, {
      what: "the bomb to be at its limit",
      timeoutMs: WAIT_MS,
    });
    // The node does what it is asked, meanwhile.
    assert.equal(await lab.pact("exec", "node-1", "--", "hostname"), "node-1\n");
    await statusOf(lab, "steady", /steady +Running/i);
    await lab.pact("service", "stop", "bomb", "--node", "node-1");
    await statusOf(lab, "bomb", /bomb +Stopped/i);
    await isGone(node, "bomb");
    assert.equal((await node.console.run("pgrep -f bomb")).output, "");
  },
);

nodeTest(
  "SUP-26, SHD-2: what forks twice and ignores SIGTERM ends with its service all the same",
  PACT,
  async (lab) => {
    const node = await nodeWith(
      lab,
      `
[vcluster.demo.services.stubborn]
binary = "/bin/sh"
args = ["-c", "trap '' TERM; (setsid sh -c 'trap \\"\\" TERM; sleep 7777 & sleep 7777' &) ; while :; do sleep 8888; done"]
stop_timeout_seconds = 1
`,
    );
    await waitFor(async () => (await processesOf(node, "stubborn")).length >= 4, {
      what: "every process of the service",
      timeoutMs: WAIT_MS,
    });
    await lab.pact("service", "stop", "stubborn", "--node", "node-1");
    await statusOf(lab, "stubborn", /stubborn +Stopped/i);
    await isGone(node, "stubborn");
    assert.equal((await node.console.run("pgrep -f 'sleep 7777|sleep 8888'")).output, "");
  },
);

nodeTest(
  "SVC-6, SUP-32: readiness is what the service says; a process below workload.slice makes the node active",
  PACT,
  async (lab) => {
    const node = await nodeWith(
      lab,
      `
[vcluster.demo.services.teller]
binary = "/bin/sh"
args = ["-c", "while ! test -e /run/go; do sleep 0.1; done; systemd-notify --ready; exec sleep 86400"]
notify = true
ready_timeout_seconds = 600

[vcluster.demo.services.follower]
binary = "/usr/bin/sleep"
args = ["86400"]
depends_on = ["teller"]
`,
    );
    await statusOf(lab, "teller", /teller +Starting/i);
    await statusOf(lab, "follower", /follower +Starting/i);
    await node.console.read("touch /run/go");
    await statusOf(lab, "follower", /follower +Running/i);

    const scope = "/sys/fs/cgroup/workload.slice/alloc-1.scope";
    await node.console.read(`mkdir ${scope}; sleep 86400 & echo $! >${scope}/cgroup.procs`);
    await node.machine.waitForSerial(/workload state state=active/, WAIT_MS);
    await node.console.read(`echo 1 >${scope}/cgroup.kill`);
    await node.machine.waitForSerial(
      /workload state state=active[^]*workload state state=idle/,
      WAIT_MS,
    );
    await node.console.read(`rmdir ${scope}`);
  },
);

nodeTest(
  "OOM-1: workload that overruns its memory is the kernel's to end, and no service notices",
  PACT,
  async (lab) => {
    const node = await nodeWith(lab, "");
    const [steady] = await processesOf(node, "steady");
    const scope = "/sys/fs/cgroup/workload.slice/alloc-7.scope";
    await node.console.read(
      `mkdir ${scope} && echo 33554432 >${scope}/memory.max && ` +
        `sh -c 'echo $$ >${scope}/cgroup.procs; exec tail /dev/zero' ; true`,
      WAIT_MS,
    );
    assert.match(await node.readFile(`${scope}/memory.events`), /^oom_kill 1$/m);
    assert.deepEqual(await processesOf(node, "steady"), [steady]);
    const { status } = await node.console.run("grep -q service.oom /run/pact/state/audit.log*");
    assert.notEqual(status, 0, "a service was said to have overrun its memory");
    await lab.until(["status"], /node-1 .*COMMITTED/);
  },
);

nodeTest(
  "a full /run keeps nobody from looking after services, and is told of until there is room",
  PACT,
  async (lab) => {
    const node = await nodeWith(lab, "");
    const agent = (await node.console.read("pidof -s deno")).trim();
    const [before] = await processesOf(node, "steady");
    await node.console.read(
      "used=$(df -k --output=used /run | tail -n 1); " +
        "mount -o remount,size=$((used + 128))k /run; dd if=/dev/zero of=/run/fill bs=4k; true",
    );
    assert.notEqual((await node.console.run("echo x >/run/one-more")).status, 0);
    await node.console.read(`kill -9 ${before}`);
    await waitFor(async () => {
      const [pid] = await processesOf(node, "steady");
      return pid !== undefined && pid !== before;
    }, { what: "the service to be back", timeoutMs: WAIT_MS });
    await statusOf(lab, "steady", /steady +Running/i);
    assert.equal(await lab.pact("exec", "node-1", "--", "hostname"), "node-1\n");
    await node.machine.waitForSerial(/state of services not saved/, WAIT_MS);

    await node.console.read("rm /run/fill; mount -o remount,size=64m /run");
    await waitFor(async () => {
      const state = await node.readFile("/run/pact/state/services.json");
      return /"restart_count":1/.test(state);
    }, { what: "the state of services to be saved", timeoutMs: WAIT_MS });
    assert.equal((await node.console.read("pidof -s deno")).trim(), agent);
  },
);
