import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { findCompiler } from "../../ffi/build/mod.ts";
import { repositoryRoot, tempDir, waitFor } from "../support/mod.ts";
import { IMAGE } from "../unit/agent/mounts/image.ts";
import { ADMIN, type GuestNode, type Lab, nodeTest } from "./harness/mod.ts";

const PACT = { profile: "pact" } as const;

/** A service of pact's that does what is written into a file, and writes what it sees into another. */
const SPEC = `
[vcluster.demo.services.lattice-node-agent]
binary = "/bin/sh"
args = ["-c", "touch /tmp/orders; tail -n +1 -f /tmp/orders | /tmp/client $PACT_HANDOFF_SOCKET >/tmp/news"]
restart_delay_seconds = 1
[vcluster.demo.policy]
enforcement_mode = "enforce"
`;

/** Nothing to do. */
const IDLE_SPEC = `
[vcluster.demo.services.keeper]
binary = "/usr/bin/sleep"
args = ["86400"]
[vcluster.demo.policy]
enforcement_mode = "enforce"
`;

const WORKLOAD = "/sys/fs/cgroup/workload.slice";
const SCOPE = `${WORKLOAD}/alloc-job-1.scope`;
const OLD = "/run/pact/uenv/old";
const CHUNK_CHARS = 2_000;

const agentPid = async (node: GuestNode) => Number(await node.console.read("pidof -s deno"));

/** Ends the agent and waits until the next one is there. */
async function restartAgent(lab: Lab, node: GuestNode): Promise<void> {
  const before = await agentPid(node);
  await node.console.read(`kill -9 ${before}`);
  await waitFor(async () => {
    const { status, output } = await node.console.run("pidof -s deno");
    return status === 0 && Number(output) !== before;
  }, { timeoutMs: 60_000, what: "the next agent" });
  await lab.until(["exec", "node-1", "--", "hostname"], /^node-1$/m, 120_000);
}

/** Waits until the node's audit file has an event of this action. */
async function isOnRecord(node: GuestNode, action: string): Promise<void> {
  const line = `"action":"${action}"`;
  await waitFor(
    async () => (await node.readFile("/run/pact/state/audit.log")).includes(line),
    { timeoutMs: 30_000, what: `${action} on the record` },
  );
}

/** Brings bytes into the guest. */
async function carry(node: GuestNode, path: string, bytes: Uint8Array): Promise<void> {
  const text = gzipSync(bytes).toString("base64");
  await node.console.read(`: >${path}.b64`);
  for (let at = 0; at < text.length; at += CHUNK_CHARS) {
    await node.console.read(`printf %s '${text.slice(at, at + CHUNK_CHARS)}' >>${path}.b64`);
  }
  await node.console.read(`base64 -d <${path}.b64 | gunzip >${path} && chmod 755 ${path}`);
}

async function carryClient(node: GuestNode): Promise<void> {
  await using dir = await tempDir();
  const program = dir.file("client");
  const { command } = await findCompiler(Deno.env.get("PACT_CC"));
  const source = `${repositoryRoot}tests/support/programs/handoff_client.c`;
  const { success, stderr } = await new Deno.Command(command, {
    args: ["-std=c11", "-D_GNU_SOURCE", "-Os", "-s", "-o", program, source],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  await carry(node, "/tmp/client", await Deno.readFile(program));
}

/** The client in the guest: gives orders, and reads what has come. */
class Consumer {
  #read = 0;

  constructor(private readonly node: GuestNode) {}

  async tell(order: string): Promise<void> {
    await this.node.console.read(`printf '%s\\n' '${order}' >>/tmp/orders`);
  }

  async line(what: string): Promise<string> {
    const line = await waitFor(async () => {
      const lines = (await this.node.readFile("/tmp/news")).split("\n");
      return lines.length > this.#read + 1 && { text: lines[this.#read] ?? "" };
    }, { timeoutMs: 30_000, what });
    this.#read++;
    return line.text;
  }

  async ask(kind: string, body: unknown): Promise<string> {
    await this.tell(`send ${JSON.stringify({ v: 1, id: 1, kind, body })}`);
    await this.tell("recv");
    return await this.line(`the answer to ${kind}`);
  }
}

/** Those of these mount namespaces that have the image; "" is the node's own, others an allocation's. */
async function mountedIn(node: GuestNode, namespaces: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const job of namespaces) {
    const enter = job === "" ? "" : `nsenter --mount=/run/pact/ns/${job}/mnt `;
    const { status } = await node.console.run(`${enter}grep -q ' ${OLD} ' /proc/mounts`);
    if (status === 0) found.push(job);
  }
  return found;
}

/** A process of an allocation that stands in an image; answers its number. */
async function standsIn(node: GuestNode, job: string, mountPoint: string): Promise<string> {
  const scope = `${WORKLOAD}/alloc-${job}.scope`;
  await node.console.read(
    `mkdir ${scope}; nsenter --mount=/run/pact/ns/${job}/mnt sh -c 'echo $$ >${scope}/cgroup.procs; ` +
      `cd ${mountPoint} && exec sleep 86400' >/dev/null 2>&1 &`,
  );
  return await waitFor(async () => {
    const pid = (await node.readFile(`${scope}/cgroup.procs`)).trim();
    return (await node.console.run(`grep -q sleep /proc/${pid}/comm`)).status === 0 && pid;
  }, { timeoutMs: 30_000, what: "a process in the image" });
}

/** Two allocations hold an image, and a process of one stands in it: it is taken from both. */
async function isTakenAway(lab: Lab, node: GuestNode, consumer: Consumer): Promise<void> {
  const places = ["", "job-2", "job-3"];
  const unmount = () => lab.tryPact("emergency", "unmount", "node-1", "old.sqfs", "--yes");
  await node.console.read("cp /images/tools.sqfs /images/old.sqfs");
  for (const job of ["job-2", "job-3"]) {
    const namespaces = ["Mount"];
    await consumer.ask("request_namespaces", {
      allocation_id: job,
      namespaces,
      uenv_image: "old.sqfs",
    });
  }
  assert.match(await consumer.ask("list", {}), /"\/run\/pact\/uenv\/old","count":2/);
  const pid = await standsIn(node, "job-2", OLD);

  assert.equal((await unmount()).code, 2);
  assert.deepEqual(await mountedIn(node, places), places);
  await lab.pact("emergency", "start", "-r", "image is wrong", "--node", "node-1", "--yes");
  await lab.until(["status"], /node-1 .*EMERGENCY/);
  const { code, stderr } = await unmount();
  assert.equal(code, 0, stderr);
  assert.deepEqual(await mountedIn(node, places), []);
  assert.doesNotMatch(await consumer.ask("list", {}), /uenv\/old/);
  const record = await node.readFile("/run/pact/state/audit.log");
  const lines = record.split("\n").filter((line) => line.includes(`"mount.force_unmount"`));
  assert.match(lines.at(-2) ?? "", new RegExp(`"identity":"${ADMIN}".*image is wrong`));
  assert.match(lines.at(-1) ?? "", /old\.sqfs at \/run\/pact\/uenv\/old for job-2, job-3/);

  // Who stands in it goes on, and the image is let go with the last of them.
  assert.equal(await node.console.read(`ls /proc/${pid}/cwd`), "hello\n");
  assert.match(await consumer.ask("release_namespaces", { allocation_id: "job-3" }), /"ack"/);
  await node.console.read(`kill ${pid}`);
  await waitFor(async () => {
    const files = await node.console.read("cat /sys/block/loop*/loop/backing_file");
    return !files.includes("old.sqfs");
  }, { timeoutMs: 30_000, what: "the image to be let go" });
  await lab.pact("emergency", "end", "--node", "node-1", "--yes");
}

nodeTest(
  "NS-20 to NS-22, MT-6, MT-7, WLI-7: a service of another language gets namespaces and images, which people alone take away and which outlive the agent",
  PACT,
  async (lab) => {
    const node = await lab.startNode("node-1");
    await carryClient(node);
    await node.console.read("mkdir -p /images");
    await carry(node, "/images/tools.sqfs", IMAGE);
    await lab.apply(SPEC);
    await lab.enrol(node);
    assert.match(await node.readFile("/run/pact/ready"), /^node-1\n/);
    const consumer = new Consumer(node);
    const answer = await consumer.ask("request_namespaces", {
      allocation_id: "job-1",
      namespaces: ["Pid", "Net", "Mount"],
      uenv_image: "tools.sqfs",
    });
    assert.match(answer, /"uenv_mount_path":"\/run\/pact\/uenv\/tools".*\tpid:\S+ net:\S+ mnt:/);
    await consumer.tell("enter /run/pact/uenv/tools");
    assert.equal(await consumer.line("what is in them"), "pid 2 lo up in hello");

    await node.console.read(`mkdir ${SCOPE}`);
    await consumer.tell("run");
    const pid = /^pid ([0-9]+)$/.exec(await consumer.line("the workload"))?.[1];
    await consumer.tell(`move ${pid} ${SCOPE}/cgroup.procs`);
    assert.equal(await consumer.line("the workload in its scope"), "moved");

    await isTakenAway(lab, node, consumer);

    // A scope that no agent has seen in use is kept for 300 s (NS-22).
    await isOnRecord(node, "workload.allocation_start");
    await restartAgent(lab, node);
    assert.equal(await node.console.read("ls -1 /run/pact/ns/job-1"), "mnt\nnet\npid\n");
    assert.match(await node.readFile("/proc/mounts"), /\/run\/pact\/uenv\/tools squashfs ro/);
    assert.equal((await node.console.run(`kill -0 ${pid}`)).status, 0);

    await node.console.read(`kill -9 ${pid}`);
    await waitFor(async () => await node.console.read("ls /run/pact/ns") === "", {
      timeoutMs: 30_000,
      what: "the end of the namespaces",
    });
    for (const action of ["mount.release", "namespace.cleanup"]) await isOnRecord(node, action);
    assert.equal((await node.console.run("pidof pact-ns-holder")).status, 1);
  },
);

nodeTest(
  "IDM-4 to IDM-9: who signs in has an id, which every program of the node shows",
  PACT,
  async (lab) => {
    const node = await lab.startNode("node-1");
    await lab.apply(IDLE_SPEC);
    await lab.enrol(node);
    assert.notEqual((await node.console.run(`getent passwd ${ADMIN}`)).status, 0);
    await node.console.read(
      `printf '\\n[agent.identity_mapping]\\nmode = "on"\\n' >>/etc/pact/agent.toml`,
    );
    await restartAgent(lab, node);
    const entry = await waitFor(async () => {
      const { status, output } = await node.console.run(`getent passwd ${ADMIN}`);
      return status === 0 && output;
    }, { timeoutMs: 60_000, what: "the id of who signed in" });
    assert.equal(entry, `${ADMIN}:*:10000:10000:local:/home/${ADMIN}:/bin/bash\n`);
    assert.equal(
      await node.console.read(`id ${ADMIN}`),
      `uid=10000(${ADMIN}) gid=10000(local) groups=10000(local)\n`,
    );
    assert.equal(
      await node.console.read(
        "touch /tmp/of-ana && chown 10000:10000 /tmp/of-ana && stat -c %U:%G /tmp/of-ana",
      ),
      `${ADMIN}:local\n`,
    );
    const asNobody = await node.console.read(`setpriv --reuid 65534 getent passwd ${ADMIN}`);
    assert.equal(asNobody, entry, "users without privilege see the same");
    assert.match(await node.readFile("/etc/nsswitch.conf"), /^passwd:.* pact$/m);
    await node.console.read("truncate -s 100 /run/pact/passwd.db");
    assert.equal(await node.console.read("id -un"), "root\n");
    await restartAgent(lab, node);
    assert.equal(await node.console.read(`id -u ${ADMIN}`), "10000\n");
  },
);
